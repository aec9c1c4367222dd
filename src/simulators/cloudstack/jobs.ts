import type { JsonObject } from '../../json.js';
import type { SimulatorControl } from '../control.js';
import type { Fault } from '../faults.js';
import type { Scheduler } from '../scheduler.js';
import type { Behaviour } from './behaviour.js';
import type { Call, JobPlan } from './call.js';
import { ApiError, internalError, invalidParameter } from './errors.js';
import type { Job } from './state/model.js';

const lowerCaseUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const sweepEveryMs = 60_000;

interface Running {
  job: Job;
  plan: JobPlan;
  call: Call;
  fault: Fault | null;
}

/** The async jobs: a table, one queue per key, and one timer for all. */
export class JobTable {
  readonly #jobs = new Map<string, Job>();
  readonly #pending = new Set<Job>();
  readonly #pendingByInstance = new Map<string, Job>();
  /** Who waits behind the running job of a queue. */
  readonly #queues = new Map<string, Running[]>();

  constructor(
    private readonly control: SimulatorControl,
    private readonly scheduler: Scheduler,
    private readonly behaviour: Behaviour,
    private readonly expireMs: number,
    private readonly newId: () => string,
  ) {
    this.#sweepLater();
  }

  get size(): number {
    return this.#jobs.size;
  }

  /**
   * Takes the job. Its id is checked here and not before, because an AC command has made its record by then: a resend with
   * the same `customjobid` is refused and still leaves a second record (reference, section 7).
   */
  submit(call: Call, cmd: string, plan: JobPlan): Job {
    const id = this.#idFor(call);
    const job: Job = {
      id,
      command: call.command,
      cmd,
      accountId: call.caller.account.id,
      userId: call.caller.user.id,
      instanceType: plan.instanceType,
      instanceId: plan.instanceId,
      status: 0,
      resultCode: 0,
      result: null,
      created: Date.now(),
      completed: null,
      vanished: false,
      stuck: false,
    };
    this.#jobs.set(id, job);
    this.#pending.add(job);
    if (plan.instanceId !== null) this.#pendingByInstance.set(plan.instanceId, job);
    const fault = this.control.takeFault('job', call.command);
    job.vanished = fault?.kind === 'job-vanishes';
    this.#enqueue({ job, plan, call, fault });
    return job;
  }

  /** Undefined for a job that never was, has expired, or has vanished. */
  get(id: string): Job | undefined {
    const job = this.#jobs.get(id);
    if (job === undefined || job.vanished || this.#isExpired(job, Date.now())) return undefined;
    return job;
  }

  pendingOf(instanceId: string): string | null {
    return this.#pendingByInstance.get(instanceId)?.id ?? null;
  }

  /** Oldest first. Since 4.12 a finished job is hidden from the list. */
  *list(): Iterable<Job> {
    const now = Date.now();
    for (const job of this.behaviour.listsFinishedJobs ? this.#jobs.values() : this.#pending) {
      if (!job.vanished && !this.#isExpired(job, now)) yield job;
    }
  }

  #idFor(call: Call): string {
    const wanted = this.behaviour.customJobId ? call.params.text('customjobid') : undefined;
    if (wanted === undefined) return this.newId();
    if (!lowerCaseUuid.test(wanted)) throw invalidParameter(`Custom job id ${wanted} is not a lower-case uuid`);
    if (this.#jobs.has(wanted)) throw invalidParameter(`Custom job id ${wanted} is already in use`);
    return wanted;
  }

  #enqueue(running: Running): void {
    const { queue } = running.plan;
    const waiting = queue === undefined ? undefined : this.#queues.get(queue);
    if (waiting !== undefined) {
      waiting.push(running);
      return;
    }
    if (queue !== undefined) this.#queues.set(queue, []);
    this.#start(running);
  }

  #start(running: Running): void {
    try {
      running.plan.begin?.();
    } catch (error) {
      // Refused in the job: the poll shows it as quickly as a real worker thread would pick it up.
      this.scheduler.after(Math.min(50, this.control.drawLatency(running.call.command)), () => {
        this.#fail(running.job, asApiError(error));
        this.#next(running.plan.queue);
      });
      return;
    }
    this.scheduler.after(this.control.drawLatency(running.call.command), () => {
      this.#run(running);
      this.#next(running.plan.queue);
    });
  }

  #next(queue: string | undefined): void {
    if (queue === undefined) return;
    const next = this.#queues.get(queue)?.shift();
    if (next === undefined) this.#queues.delete(queue);
    else this.#start(next);
  }

  #run({ job, plan, fault }: Running): void {
    try {
      switch (fault?.kind) {
        case 'job-fails':
          plan.undo?.();
          this.#fail(job, faultError(fault, 'Internal error executing command'));
          return;
        case 'job-lies-failed':
          plan.finish();
          this.#fail(
            job,
            faultError(fault, 'Internal error executing command, please contact your system administrator'),
          );
          return;
        case 'job-lies-done':
          this.#succeed(job, lie(plan));
          return;
        case 'job-lost-result':
          // A restart of the management server: code 530 and a text that the API cannot print.
          if (fault.effect === true) plan.finish();
          else plan.undo?.();
          this.#complete(job, 2, fault.errorcode ?? 530, null);
          return;
        case 'job-never-ends':
          // Its queue goes on, unlike a real one, so that the scenario can still be cleaned up.
          if (fault.effect !== false) plan.finish();
          job.stuck = true;
          this.#forgetPendingInstance(job);
          return;
        default:
          this.#succeed(job, plan.finish());
      }
    } catch (error) {
      plan.undo?.();
      this.#fail(job, asApiError(error));
    }
  }

  #succeed(job: Job, result: JsonObject): void {
    this.#complete(job, 1, 0, result);
  }

  #fail(job: Job, error: ApiError): void {
    const code = this.behaviour.flatJobResultCode ? 530 : error.errorcode;
    this.#complete(job, 2, code, { errorcode: error.errorcode, errortext: error.message });
  }

  #complete(job: Job, status: 1 | 2, resultCode: number, result: JsonObject | null): void {
    Object.assign(job, { status, resultCode, result, completed: Date.now() });
    this.#pending.delete(job);
    this.#forgetPendingInstance(job);
  }

  #forgetPendingInstance(job: Job): void {
    if (job.instanceId !== null && this.#pendingByInstance.get(job.instanceId) === job) {
      this.#pendingByInstance.delete(job.instanceId);
    }
  }

  #isExpired(job: Job, now: number): boolean {
    if (job.completed === null) return false;
    return now - (this.behaviour.jobExpiryFrom === 'creation' ? job.created : job.completed) > this.expireMs;
  }

  #sweepLater(): void {
    this.scheduler.after(sweepEveryMs, () => {
      const now = Date.now();
      for (const job of this.#jobs.values()) if (this.#isExpired(job, now)) this.#jobs.delete(job.id);
      this.#sweepLater();
    });
  }
}

function lie(plan: JobPlan): JsonObject {
  if (plan.pretend !== undefined) {
    const result = plan.pretend();
    plan.undo?.();
    return result;
  }
  if (plan.undo === undefined) return { success: true };
  const result = plan.finish();
  plan.undo();
  return result;
}

function faultError(fault: Fault, text: string): ApiError {
  return new ApiError(fault.errorcode ?? 530, fault.errortext ?? text);
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return internalError(`simulator defect: ${error instanceof Error ? error.message : String(error)}`);
}
