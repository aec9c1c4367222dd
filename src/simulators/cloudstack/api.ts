import type { JsonObject } from '../../json.js';
import type { SimulatorControl } from '../control.js';
import type { HttpAnswer, HttpRequest } from '../http.js';
import type { Scheduler } from '../scheduler.js';
import type { Behaviour } from './behaviour.js';
import { Call, type Caller, type CallServices, type Command } from './call.js';
import { commands } from './commands/registry.js';
import { errorAnswer, okAnswer } from './envelope.js';
import { ApiError, unauthorized } from './errors.js';
import { JobTable } from './jobs.js';
import { anyCase, Parameters, type RawParameters } from './parameters.js';
import { plantSeedData, type SeedKeys } from './seed-data.js';
import { Sessions } from './session.js';
import { parseExpires, sameSignature, signatureOf } from './signature.js';
import { Cloud } from './state/cloud.js';
import type { User } from './state/model.js';

export interface ApiOptions {
  behaviour: Behaviour;
  control: SimulatorControl;
  scheduler: Scheduler;
  newId: () => string;
  keys: SeedKeys;
  sessionTimeoutSeconds: number;
  jobExpireMs: number;
  expungeDelayMs: number;
  /** Public addresses there are; all of the ranges when left out. */
  publicAddresses?: number | undefined;
  enforcePostAndTimestamps: boolean;
}

/** From raw parameters to an answer: who is calling, may he, what does the command do. */
export class Api {
  cloud: Cloud;
  jobs: JobTable;
  readonly #sessions: Sessions;

  constructor(private readonly options: ApiOptions) {
    this.#sessions = new Sessions(options.behaviour, options.sessionTimeoutSeconds);
    this.cloud = this.#newCloud();
    this.jobs = this.#newJobs();
  }

  reset(): void {
    this.options.scheduler.clear();
    this.#sessions.clear();
    this.cloud = this.#newCloud();
    this.jobs = this.#newJobs();
  }

  knows(command: string): boolean {
    return command === 'login' || command === 'logout' || commands.has(command);
  }

  endSession(request: HttpRequest): void {
    this.#sessions.end(request.headers.cookie);
  }

  answer(request: HttpRequest, raw: RawParameters): HttpAnswer {
    this.cloud.settle(Date.now());
    let call: Call | null = null;
    const held = (answer: HttpAnswer): HttpAnswer =>
      call === null || call.answerDelayMs === 0 ? answer : { ...answer, delayMs: call.answerDelayMs };
    try {
      const { behaviour } = this.options;
      const name = raw.get('command');
      if (name === 'login') {
        const { body, cookies } = this.#sessions.login(this.cloud, request.method, raw);
        const answer = okAnswer(name, body, wantsJson(raw), behaviour);
        return { ...answer, headers: { ...answer.headers, 'set-cookie': cookies } };
      }
      if (name === 'logout') {
        this.endSession(request);
        return okAnswer(name, { description: 'success' }, wantsJson(raw), behaviour);
      }
      const user = this.#authenticate(request, raw);
      const body = this.#execute(this.#callerOf(user), name, request, raw, (begun) => (call = begun));
      return held(okAnswer(name ?? '', body, wantsJson(raw), behaviour));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A 401 also throws away the caller's HTTP session.
      if (error.errorcode === 401) this.endSession(request);
      return held(this.refuse(request, raw, error));
    }
  }

  refuse(_request: HttpRequest, raw: RawParameters, error: ApiError): HttpAnswer {
    return errorAnswer(raw.get('command'), error, wantsJson(raw), this.options.behaviour);
  }

  #authenticate(request: HttpRequest, raw: RawParameters): User {
    const inSession = this.#sessions.userOf(this.cloud, request.headers.cookie, raw);
    if (inSession !== null) return inSession;
    const user = this.cloud.userByApiKey.get(anyCase(raw, 'apikey') ?? '');
    const given = anyCase(raw, 'signature');
    if (user?.secretKey === null || user?.secretKey === undefined || given === undefined) throw unauthorized();
    if (!sameSignature(given, signatureOf(raw, user.secretKey))) throw unauthorized();
    this.#checkExpiry(raw);
    if (user.state !== 'enabled') throw unauthorized();
    return user;
  }

  #checkExpiry(raw: RawParameters): void {
    const { behaviour, enforcePostAndTimestamps } = this.options;
    const isVersion3 = anyCase(raw, 'signatureversion') === '3';
    if (!isVersion3 && !enforcePostAndTimestamps) return;
    const at = parseExpires(anyCase(raw, 'expires') ?? '', behaviour.legacyExpiresOnly);
    if (at === null || at < Date.now()) throw unauthorized();
    if (enforcePostAndTimestamps && (!isVersion3 || at > Date.now() + 15 * 60_000)) throw unauthorized();
  }

  #callerOf(user: User): Caller {
    const account = this.cloud.accounts.get(user.accountId);
    if (account === undefined || account.state === 'disabled') throw unauthorized();
    return { user, account, isRootAdmin: account.type === 1 };
  }

  #execute(
    caller: Caller,
    name: string | undefined,
    request: HttpRequest,
    raw: RawParameters,
    begun: (call: Call) => void,
  ): JsonObject {
    const { behaviour } = this.options;
    if (name === undefined || name === '') throw new ApiError(400, 'no command sent', null, true);
    const command = commands.get(name);
    if (command === undefined || behaviour.minor < (command.since ?? 0)) throw this.#forbidden(true);
    if (command.admin === true && !caller.isRootAdmin) throw this.#forbidden(behaviour.forbiddenStatus === 432);
    this.#checkMethod(name, request);
    const params = new Parameters(raw, name);
    const needed = behaviour.displaytextRequired
      ? [...(command.required ?? []), ...(command.requiredUpTo49 ?? [])]
      : (command.required ?? []);
    for (const parameter of needed) if (!params.has(parameter)) throw params.missing(parameter);

    const call = new Call(name, params, caller, this.cloud, behaviour, this.#services());
    begun(call);
    return this.#storing(name, () => this.#run(call, command));
  }

  #storing<T>(name: string, work: () => T): T {
    this.cloud.createdInCall = [];
    const result = work();
    const hide = this.cloud.createdInCall.length === 0 ? null : this.options.control.takeFault('list', name);
    if (hide !== null) this.cloud.hidden.hide(this.cloud.createdInCall, hide.hideMs);
    return result;
  }

  #run(call: Call, command: Command): JsonObject {
    if (command.kind === 'S') return command.run(call);
    const plan = command.run(call);
    const job = this.jobs.submit(call, jobClass(command.cmd, call), plan);
    return command.kind === 'A' ? { jobid: job.id } : { id: plan.instanceId ?? '', jobid: job.id };
  }

  #checkMethod(name: string, request: HttpRequest): void {
    if (!this.options.enforcePostAndTimestamps || request.method === 'POST') return;
    if (!/^(get|list|query|find)/.test(name)) throw new ApiError(400, `${name} has to be sent by POST`, null);
  }

  #forbidden(anonymous: boolean): ApiError {
    const text = 'The given command does not exist or it is not available for user';
    if (this.options.behaviour.forbiddenStatus === 401) return new ApiError(401, text, null, anonymous);
    return new ApiError(432, text, 9999, true);
  }

  #services(): CallServices {
    const { scheduler, expungeDelayMs, control } = this.options;
    return {
      expungeDelayMs,
      drawLatency: (operation) => control.drawLatency(operation),
      storing: (command, commit) => this.#storing(command, commit),
      after: (delayMs, run) => scheduler.after(delayMs, run),
      pendingJobOf: (instanceId) => this.jobs.pendingOf(instanceId),
      jobs: this.jobs,
    };
  }

  #newCloud(): Cloud {
    const cloud = new Cloud(
      this.options.control,
      this.options.newId,
      this.options.control.random,
      this.options.publicAddresses,
    );
    plantSeedData(cloud, this.options.keys);
    return cloud;
  }

  #newJobs(): JobTable {
    const { control, scheduler, behaviour, jobExpireMs, newId } = this.options;
    return new JobTable(control, scheduler, behaviour, jobExpireMs, newId);
  }
}

function wantsJson(raw: RawParameters): boolean {
  return anyCase(raw, 'response')?.toLowerCase() === 'json';
}

/**
 * The Java class of a job. Root admins see the `...CmdByAdmin` twin of user commands.
 * guess: every user command on VMs, volumes, addresses, networks and VPCs has such a twin.
 */
function jobClass(cmd: string, call: Call): string {
  const hasTwin = /^user\.(vm|volume|address|network|vpc)\.(?!.*ACL)/.test(cmd);
  return hasTwin && call.caller.isRootAdmin && call.behaviour.minor > 4
    ? `org.apache.cloudstack.api.command.admin.${cmd.slice(5)}CmdByAdmin`
    : `org.apache.cloudstack.api.command.${cmd}Cmd`;
}
