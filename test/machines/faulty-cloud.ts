import { requestIdFor } from '../../src/planner/marker.js';
import type { OperationName } from '../../src/planner/plan.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import type { OperationState } from '../../src/machines/order-state.js';
import { reason, rejection } from './samples.js';
import { storyOrderId } from './story.js';

export type CloudEffect = 'send' | 'lookUp' | 'track' | 'inspect' | 'discard';

/** What one operation really has on the cloud, whatever anybody was told. */
interface Truth {
  /** Ids of live resources with its marker. */
  alive: string[];
  broken: Set<string>;
  /** The job that works on it, and whether it will leave something broken. */
  jobId: string | null;
  /** Requests on their way that nobody will hear of. */
  late: number;
  /** Look-ups in a row that were answered although lists were not complete. */
  hiddenFor: number;
  everMade: number;
}

const { code, message } = reason;
const later: OperationEvent = { type: 'TRY_LATER', code, message, retryAfterMs: null };
const lost: OperationEvent = { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'The answer was lost.' };
const operator: OperationEvent = { type: 'NEEDS_OPERATOR', code: 'CLD_AUTH', message: 'Look at the credentials.' };

/** What each way back takes away. */
const undoes: Partial<Record<OperationName, OperationName>> = {
  'vm.delete': 'vm.create',
  'ebs.detach': 'ebs.attach',
  'ebs.delete': 'ebs.create',
  'network.unbind': 'network.bind',
  'network.release': 'network.reserve',
};

/**
 * A cloud that does what the specification of the machines allows a cloud to do: it loses answers before and after the
 * work, works late, lies about jobs, hides what it has for a while (less than the settle window), breaks things.
 * `draw(n)` chooses among n behaviours; 0 is always the good one.
 */
export class FaultyCloud {
  private readonly truths = new Map<string, Truth>();
  private made = 0;

  constructor(private readonly draw: (choices: number) => number) {}

  truth(partKey: string, name: string): Truth {
    const key = `${partKey} ${name}`;
    let truth = this.truths.get(key);
    if (!truth) {
      truth = { alive: [], broken: new Set(), jobId: null, late: 0, hiddenFor: 0, everMade: 0 };
      this.truths.set(key, truth);
    }
    return truth;
  }

  /** @returns the answer, or null when the worker dies before it hears one */
  answer(type: CloudEffect, operation: OperationState): OperationEvent | null {
    const truth = this.truth(operation.partKey, operation.name);
    if (truth.alive.length > 1) throw new Error(`${operation.name} was built ${truth.alive.length} times`);
    switch (type) {
      case 'send':
        return this.send(truth, operation);
      case 'track':
        return this.job(truth);
      case 'lookUp':
        return this.find(truth, operation);
      case 'inspect':
        return this.inspect(truth, operation);
      case 'discard':
        return this.discard(truth, operation);
    }
  }

  private make(truth: Truth, { partKey, name }: OperationState): string {
    const id = `${name} ${(this.made += 1)}`;
    truth.everMade += 1;
    truth.alive.push(id);
    // Removing one thing takes what the other operation made.
    const undone = undoes[name];
    if (undone) this.truth(partKey, undone).alive.length = 0;
    return id;
  }

  private send(truth: Truth, operation: OperationState): OperationEvent | null {
    truth.hiddenFor = 0;
    const { attempt, stage } = operation.machine.context;
    if (operation.requestId !== requestIdFor(storyOrderId, operation, attempt, stage)) {
      throw new Error(`the intent of attempt ${attempt} was not stored`);
    }
    const jobId = `job of ${operation.requestId}`;
    const removes = operation.name in undoes;
    switch (this.draw(11)) {
      case 1:
        return later;
      case 2:
        return { type: 'REJECTED', code: rejection.code, message: rejection.message };
      case 3:
        return operator;
      case 4:
        return lost;
      case 5:
        this.make(truth, operation);
        return lost;
      case 6:
        return null;
      case 7:
        this.make(truth, operation);
        return null;
      case 8:
        truth.late += 1;
        return lost;
      case 9: {
        const resourceId = this.make(truth, operation);
        if (!removes) truth.broken.add(resourceId);
        truth.jobId = jobId;
        return { type: 'ACCEPTED', jobId, resourceId };
      }
      case 10: {
        const resourceId = this.make(truth, operation);
        return { type: 'DONE', resourceId, facts: { id: resourceId }, startedAt: null };
      }
      default: {
        const resourceId = this.make(truth, operation);
        truth.jobId = jobId;
        return { type: 'ACCEPTED', jobId, resourceId: this.draw(2) === 0 ? resourceId : null };
      }
    }
  }

  private job(truth: Truth): OperationEvent | null {
    const [resourceId = null] = truth.alive;
    switch (this.draw(7)) {
      case 1:
        return { type: 'JOB_FAILED', ...rejection }; // a lie when the resource is fine
      case 2:
        return { type: 'JOB_FAILED', disposition: 'retry', code, message };
      case 3:
        return { type: 'JOB_LOST' };
      case 4:
        return { type: 'OVERDUE' };
      case 5:
        return null;
      case 6:
        return { type: 'JOB_FAILED', disposition: 'ask-human', code: 'CLD_AUTH', message: 'Look at the credentials.' };
      default:
        return { type: 'JOB_SUCCEEDED', resourceId: this.draw(2) === 0 ? resourceId : null };
    }
  }

  private find(truth: Truth, operation: OperationState): OperationEvent | null {
    // What was on its way arrives within the settle window, so before the third look-up.
    if (truth.late > 0) {
      if (truth.hiddenFor < 2 && this.draw(2) === 1) {
        truth.hiddenFor += 1;
        return { type: 'ABSENT' };
      }
      truth.late -= 1;
      this.make(truth, operation);
    }
    switch (this.draw(5)) {
      case 1:
        return later;
      case 2:
        return null;
      case 3:
        if (truth.hiddenFor >= 2) break;
        truth.hiddenFor += 1;
        return { type: 'ABSENT' };
      case 4:
        if (!truth.jobId || truth.alive.length === 0) break;
        return { type: 'FOUND_JOB', jobId: truth.jobId, resourceId: truth.alive[0] ?? null };
    }
    const [resourceId, ...others] = truth.alive;
    return resourceId === undefined ? { type: 'ABSENT' } : { type: 'FOUND', resourceId, others };
  }

  private inspect(truth: Truth, operation: OperationState): OperationEvent | null {
    const resourceId = operation.machine.context.resourceId ?? '';
    switch (this.draw(6)) {
      case 1:
        return { type: 'PENDING' };
      case 2:
        return later;
      case 3:
        return null;
      case 4:
        truth.broken.add(resourceId);
        break;
      case 5:
        if (truth.hiddenFor >= 2) break;
        truth.hiddenFor += 1;
        return { type: 'ABSENT' };
    }
    if (!truth.alive.includes(resourceId)) return { type: 'ABSENT' };
    if (truth.broken.has(resourceId)) return { type: 'BROKEN', code: 'CLD_RESOURCE_ERROR', message: 'State Error.' };
    return { type: 'READY', resourceId, facts: { id: resourceId }, startedAt: null };
  }

  private discard(truth: Truth, operation: OperationState): OperationEvent | null {
    const resourceId = operation.machine.context.resourceId ?? '';
    const remove = () => truth.alive.splice(0, truth.alive.length, ...truth.alive.filter((id) => id !== resourceId));
    switch (this.draw(7)) {
      case 1:
        return { type: 'IN_PROGRESS' };
      case 2:
        return later;
      case 3:
        return lost;
      case 4:
        remove();
        return lost;
      case 5:
        remove();
        return null;
      case 6:
        return operator;
      default:
        remove();
        return { type: 'GONE' };
    }
  }
}
