import { z } from 'zod';
import type { Json, JsonObject } from '../../json.js';
import type { HttpRequest } from '../http.js';
import { bodyRefusal } from './body.js';
import { forbidden, notFound, unauthorized, type Service } from './errors.js';
import type { Cloud } from './state/cloud.js';
import type { Domain, Project, Token, User } from './state/identity-model.js';
import type { Row } from './state/model.js';
import type { Table } from './state/table.js';

/** Who calls, as the token says. */
export interface Caller {
  token: Token;
  user: User;
  project: Project | null;
  domain: Domain | null;
  roles: { id: string; name: string }[];
  /** Holds the role admin in the scope of the token. */
  isAdmin: boolean;
}

export interface Reply {
  status: number;
  body?: JsonObject;
  headers?: Record<string, string>;
}

export const ok = (body?: JsonObject): Reply => ({ status: 200, ...(body && { body }) });
export const created = (body: JsonObject): Reply => ({ status: 201, body });
export const accepted = (body?: JsonObject): Reply => ({ status: 202, ...(body && { body }) });
export const noContent = (): Reply => ({ status: 204 });

export interface CallParts {
  operation: string;
  service: Service;
  request: HttpRequest;
  params: Record<string, string>;
  body: unknown;
  cloud: Cloud;
  caller: Caller | null;
  requestId: string;
  /** The minor number of the microversion; 0 where the service has none. */
  version: number;
  origin: string;
}

/** One request on its way through a service. */
export class Call {
  readonly operation: string;
  readonly service: Service;
  readonly request: HttpRequest;
  readonly cloud: Cloud;
  readonly requestId: string;
  readonly version: number;
  readonly origin: string;
  readonly body: unknown;
  readonly query: URLSearchParams;
  readonly #params: Record<string, string>;
  readonly #caller: Caller | null;

  constructor(parts: CallParts) {
    this.operation = parts.operation;
    this.service = parts.service;
    this.request = parts.request;
    this.cloud = parts.cloud;
    this.requestId = parts.requestId;
    this.version = parts.version;
    this.origin = parts.origin;
    this.body = parts.body;
    this.query = new URLSearchParams(parts.request.query);
    this.#params = parts.params;
    this.#caller = parts.caller;
  }

  /** A placeholder of the path. */
  param(name: string): string {
    return this.#params[name] ?? '';
  }

  get caller(): Caller {
    if (this.#caller === null) throw unauthorized();
    return this.#caller;
  }

  get isAdmin(): boolean {
    return this.caller.isAdmin;
  }

  /** The project of the token. */
  get projectId(): string {
    const { project } = this.caller;
    if (project === null) throw forbidden(`Policy doesn't allow ${this.operation} to be performed.`);
    return project.id;
  }

  /** The body, checked. @throws 400 in the service's words. */
  read<T>(schema: z.ZodType<T>): T {
    const parsed = schema.safeParse(this.body);
    if (parsed.success) return parsed.data;
    throw bodyRefusal(this.service, parsed.error, this.body);
  }

  requireAdmin(policy: string): void {
    if (!this.isAdmin) throw forbidden(`Policy doesn't allow ${policy} to be performed.`);
  }

  mayAccess(row: { projectId: string }): boolean {
    return this.isAdmin || row.projectId === this.caller.project?.id;
  }

  /** A row that the caller may see. @throws 404 with the text otherwise. */
  row<T extends Row>(table: Table<T>, id: string, text: string): T {
    const row = table.get(id);
    if (row === undefined || !this.mayAccess(row)) throw notFound(text);
    return row;
  }

  /** The caller's rows, or everybody's. */
  rowsOf<T extends Row>(table: Table<T>, projectId: string | null): T[] {
    const rows = projectId === null ? table.values() : table.ofProject(projectId);
    return [...rows].filter((row) => !this.cloud.hidden.has(row.id));
  }

  effect(
    effect: 'created' | 'deleted' | 'changed',
    kind: string,
    id: string,
    texts: (string | null | undefined)[] = [],
  ): void {
    this.cloud.recordEffect(this.operation, effect, kind, id, texts);
  }
}

export const isoSeconds = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
/** Without a zone, as Cinder and some fields of Nova print it. */
export const isoMicros = (ms: number) => `${new Date(ms).toISOString().slice(0, 23)}000`;

/** A value as a query names it; lists and objects have no such text. */
export function queryText(value: Json | undefined): string | null {
  return value === null || value === undefined || typeof value === 'object' ? null : String(value);
}

/** Leaves out what is undefined. */
export function compact(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] !== undefined));
}
