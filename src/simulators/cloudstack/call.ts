import type { JsonObject } from '../../json.js';
import type { Behaviour } from './behaviour.js';
import { invalidParameter, permissionDenied } from './errors.js';
import type { Parameters } from './parameters.js';
import type { Cloud } from './state/cloud.js';
import type { Account, Job, Owned, Project, User } from './state/model.js';
import type { Table } from './state/table.js';

export interface Caller {
  user: User;
  account: Account;
  isRootAdmin: boolean;
}

/** What an async command will do. Everything that can be refused at once was refused before it exists. */
export interface JobPlan {
  instanceType: string | null;
  instanceId: string | null;
  /** Jobs with the same key run one after the other. */
  queue?: string;
  /** When its turn comes: checks the state and makes it transitional. Throwing fails the job. */
  begin?: () => void;
  /** The effect; returns the job result. */
  finish: () => JsonObject;
  /** Takes back `begin`, and `finish` too if it was done; a deploy leaves its VM in Error instead. */
  undo?: () => void;
  /** For what cannot be taken back: the result a lying job prints without having done it. */
  pretend?: () => JsonObject;
}

export interface CreatePlan extends JobPlan {
  instanceId: string;
}

interface CommandBase {
  admin?: boolean;
  /** First minor version that has it. */
  since?: number;
  required?: string[];
  /** Required up to 4.9 as well. */
  requiredUpTo49?: string[];
}

/** S answers at once; A answers a job id; AC makes a record, then answers its id and a job id (reference, section 0). */
export type Command =
  | (CommandBase & { kind: 'S'; run: (call: Call) => JsonObject })
  | (CommandBase & { kind: 'A'; cmd: string; run: (call: Call) => JobPlan })
  | (CommandBase & { kind: 'AC'; cmd: string; run: (call: Call) => CreatePlan });

export type CommandFamily = Record<string, Command>;

/** One authenticated request on its way through a command. */
export class Call {
  constructor(
    readonly command: string,
    readonly params: Parameters,
    readonly caller: Caller,
    readonly cloud: Cloud,
    readonly behaviour: Behaviour,
    readonly services: CallServices,
  ) {}

  /** For how long the answer is held back. */
  answerDelayMs = 0;

  /**
   * For a command that works for a while before it answers, the longer the more of its kind are under way, and is seen by nobody until
   * then. What holds one of the ids is waited for.
   */
  takesTime(ids: string[], commit: () => void): void {
    const { cloud, services } = this;
    const now = Date.now();
    const ownMs = services.drawLatency(this.command) * (cloud.underWay + 1);
    const endsAt = Math.ceil(Math.max(now + ownMs, cloud.heldUntil(ids)));
    cloud.begin(ids, endsAt, () => services.storing(this.command, commit));
    services.after(endsAt - now, () => cloud.settle(Date.now()));
    // A little later, so that whoever has the answer finds what it says.
    this.answerDelayMs = endsAt - now + 2;
  }

  success(): JsonObject {
    return { success: this.behaviour.successAsText ? 'true' : true };
  }

  effect(
    effect: 'created' | 'deleted' | 'changed',
    kind: string,
    id: string,
    texts: (string | null | undefined)[] = [],
  ): void {
    this.cloud.recordEffect(this.command, effect, kind, id, texts);
  }

  /** A row named by an id parameter; 431 when there is none, 531 when it belongs to somebody else. */
  row<T extends Owned>(table: Table<T>, name: string): T {
    return this.rowById(table, this.params.required(name), name);
  }

  optionalRow<T extends Owned>(table: Table<T>, name: string): T | undefined {
    const id = this.params.text(name);
    return id === undefined ? undefined : this.rowById(table, id, name);
  }

  rowById<T extends Owned>(table: Pick<Table<T>, 'get'>, id: string, name: string): T {
    const row = table.get(id);
    if (row === undefined) throw this.unknownId(name, id);
    this.checkAccess(row.accountId);
    return row;
  }

  /** A thing of the catalogue, which everybody may use. */
  catalogue<T>(things: ReadonlyMap<string, T>, name: string): T {
    const id = this.params.required(name);
    const thing = things.get(id);
    if (thing === undefined) throw this.unknownId(name, id);
    return thing;
  }

  optionalCatalogue<T>(things: ReadonlyMap<string, T>, name: string): T | undefined {
    return this.params.text(name) === undefined ? undefined : this.catalogue(things, name);
  }

  unknownId(name: string, value: string) {
    return invalidParameter(
      `Unable to execute API command ${this.command.toLowerCase()} due to invalid value. Invalid parameter ${name} value=${value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`,
    );
  }

  mayAccess(accountId: string): boolean {
    const { account, isRootAdmin } = this.caller;
    if (isRootAdmin || accountId === account.id) return true;
    const owner = this.cloud.accounts.get(accountId);
    if (owner === undefined) return false;
    if (account.type === 2 && owner.domainId === account.domainId && owner.type !== 1) return true;
    return this.cloud.projects.get(owner.projectId)?.ownerAccountId === account.id;
  }

  checkAccess(accountId: string): void {
    if (this.mayAccess(accountId)) return;
    throw permissionDenied(
      `Acct[${this.caller.account.id}-${this.caller.account.name}] does not have permission to operate with resource Acct[${accountId}]`,
    );
  }

  /** The account that will own what is made: `projectid`, or `account` + `domainid`, or the caller's. */
  owner(): Account {
    return this.namedOwner() ?? this.caller.account;
  }

  namedOwner(): Account | undefined {
    const projectId = this.params.text('projectid');
    if (projectId !== undefined && projectId !== '-1')
      return this.accountOfProject(this.row(this.cloud.projects, 'projectid'));
    const name = this.params.text('account');
    if (name === undefined) return undefined;
    const domainId = this.params.text('domainid');
    if (domainId === undefined) throw invalidParameter('Domain id is missing: account needs domainid');
    if (!this.cloud.domains.has(domainId)) throw this.unknownId('domainid', domainId);
    const account = this.cloud.accountByName.get(`${domainId}/${name}`);
    if (account === undefined) {
      throw invalidParameter(`Unable to find account ${name} in domain ${domainId}`);
    }
    this.checkAccess(account.id);
    return account;
  }

  accountOfProject(project: Project): Account {
    const account = this.cloud.accounts.get(project.accountId);
    if (account === undefined) throw invalidParameter(`Project ${project.id} has no account`);
    return account;
  }

  /** Account, domain or project of a row, as every owned object prints them. */
  ownerFields(row: Owned): JsonObject {
    const account = this.cloud.accounts.get(row.accountId);
    if (account === undefined) return {};
    const domain = this.cloud.domains.get(account.domainId);
    const project = this.cloud.projects.get(account.projectId);
    const place: JsonObject = { domainid: account.domainId, domain: domain?.name ?? 'ROOT' };
    return project === undefined
      ? { account: account.name, ...place }
      : { projectid: project.id, project: project.name, ...place };
  }

  tagFields(id: string): JsonObject[] {
    return (this.cloud.tags.get(id) ?? []).map((tag) => ({
      key: tag.key,
      value: tag.value,
      resourcetype: tag.resourceType,
      resourceid: id,
      account: this.cloud.accounts.get(tag.accountId)?.name ?? '',
    }));
  }
}

/** What commands need beside the state. */
export interface CallServices {
  after(delayMs: number, run: () => void): void;
  drawLatency(operation: string): number;
  /** Stores what a request made after its call was over, for the fault that hides new things from lists. */
  storing(command: string, commit: () => void): void;
  expungeDelayMs: number;
  pendingJobOf(instanceId: string): string | null;
  jobs: { get(id: string): Job | undefined; list(): Iterable<Job> };
}

export interface ListOptions<T> {
  /** Texts that `keyword` looks into. */
  keyword?: (row: T) => (string | null)[];
  accept?: (row: T) => boolean;
}

/**
 * The rows a list command shows: one or some ids, a project's, an account's, everything (listall), or the caller's own; then
 * keyword, tags and the command's own filters (reference, section 5).
 */
export function listRows<T extends Owned>(call: Call, table: Table<T>, options: ListOptions<T> = {}): T[] {
  const { params, cloud } = call;
  const keyword = params.text('keyword')?.toLowerCase();
  const tags = params.entries('tags');
  const rows: T[] = [];
  for (const row of scope(call, table)) {
    if (options.accept !== undefined && !options.accept(row)) continue;
    if (keyword !== undefined && options.keyword?.(row).some((text) => like(text, keyword)) !== true) continue;
    if (tags.length > 0 && !hasTags(call, row.id, tags)) continue;
    if (cloud.hidden.has(row.id)) continue;
    rows.push(row);
  }
  return rows;
}

function scope<T extends Owned>(call: Call, table: Table<T>): Iterable<T> {
  const { params, cloud, caller } = call;
  const id = params.text('id');
  const ids = params.list('ids');
  if (id !== undefined && ids !== undefined) throw invalidParameter('Specify either id or ids but not both parameters');
  if (id !== undefined) return knownRow(call, table, 'id', id);
  const inScope = ownerFilter(call);
  if (ids !== undefined) {
    const named = ids.flatMap((one) => knownRow(call, table, 'ids', one));
    return inScope === null ? named : named.filter((row) => inScope.has(row.accountId));
  }
  if (inScope === null) return table.values();
  if (inScope.size === 1) return table.ofAccount([...inScope][0] ?? caller.account.id);
  return [...inScope].flatMap((accountId) => [...table.ofAccount(accountId)]);

  function knownRow(known: Call, rows: Table<T>, name: string, value: string): T[] {
    const row = rows.get(value);
    if (row !== undefined) {
      known.checkAccess(row.accountId);
      return [row];
    }
    // The look-up of ids includes removed rows, so that a removed id gives an empty list and not an error.
    if (cloud.removed.has(value)) return [];
    throw known.unknownId(name, value);
  }
}

/** The accounts whose things are listed; null for everything but projects' things. */
function ownerFilter(call: Call): Set<string> | null {
  const { params, cloud, caller } = call;
  if (params.text('projectid') === '-1') {
    const projects = [...cloud.projects.values()].filter((project) => call.mayAccess(project.accountId));
    return new Set(projects.map((project) => project.accountId));
  }
  const named = call.namedOwner();
  if (named !== undefined) return new Set([named.id]);
  const wide = params.flag('listall') === true || params.text('domainid') !== undefined;
  if (!wide || caller.account.type === 0) return new Set([caller.account.id]);
  if (caller.isRootAdmin && cloud.projects.size === 0) return null;
  const accounts = [...cloud.accounts.values()].filter((account) => account.type !== 5 && call.mayAccess(account.id));
  return new Set(accounts.map((account) => account.id));
}

export function like(text: string | null, lowerCasePart: string): boolean {
  return text !== null && text.toLowerCase().includes(lowerCasePart);
}

function hasTags(call: Call, id: string, wanted: Record<string, string>[]): boolean {
  const tags = call.cloud.tags.get(id) ?? [];
  return wanted.every((want) =>
    tags.some((tag) => tag.key === want['key'] && (want['value'] === undefined || tag.value === want['value'])),
  );
}

const maxPageSize = 500;

/** Cuts the page and prints it: no count for an empty list, no array past the end, `count` is the total. */
export function listAnswer<T>(call: Call, object: string, rows: T[], view: (row: T) => JsonObject): JsonObject {
  const { start, size } = readPage(call.params);
  if (rows.length === 0) return {};
  const shown = rows.slice(start, start + size);
  return shown.length === 0 ? { count: rows.length } : { count: rows.length, [object]: shown.map(view) };
}

function readPage(params: Parameters): { start: number; size: number } {
  const page = params.integer('page');
  const size = params.integer('pagesize');
  if (page === undefined && size === undefined) return { start: 0, size: maxPageSize };
  if (page === undefined && size === -1) return { start: 0, size: Infinity };
  if (page === undefined || size === undefined) {
    throw invalidParameter('Parameters page and pagesize have to be given together');
  }
  if (size > maxPageSize) throw invalidParameter(`Page size can't exceed max allowed page size value: ${maxPageSize}`);
  if (page < 1 || size < 1) throw invalidParameter('Parameters page and pagesize have to be positive');
  return { start: (page - 1) * size, size };
}
