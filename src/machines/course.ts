import { waysBack } from '../planner/plan.js';
import { advance, type OrderEvent, type Surroundings } from './advance.js';
import { modeOf, preparationId } from './follow-up.js';
import type { Lever } from './lever-problem.js';
import { isOutOfPatience, type OperationEvent } from './operation.machine.js';
import { finalStatuses, type OperationState, type OrderState } from './order-state.js';
import { defaultPace } from './pace.js';

/** How an order stands right after a lever, and where it comes to rest. */
export interface Course {
  first: OrderState;
  last: OrderState;
}

/**
 * The course that an order takes after a lever when nothing else goes wrong: every request works, what is looked for is there, what
 * a job has failed with is so, and alarms ring. Pure; ends when the order is final, or when only a person, or a plan, leads on.
 */
export function courseOf(
  state: OrderState,
  lever: Lever,
  canDiscardWhileBuilding?: Surroundings['canDiscardWhileBuilding'],
): Course {
  const course = new Run(state, canDiscardWhileBuilding);
  course.happen({ about: 'lever', lever });
  const first = course.state;
  while (course.goesOn());
  return { first, last: course.state };
}

class Run {
  private readonly surroundings: Surroundings;
  /** What had failed of the shared things was asked for again; what is stuck waits for a replay of its own. */
  private asksAnew = false;

  constructor(
    public state: OrderState,
    canDiscardWhileBuilding: Surroundings['canDiscardWhileBuilding'],
  ) {
    // Late enough for every alarm that was set.
    const dues = [...state.operations.flatMap(({ dueAt, createdAt }) => [dueAt ?? 0, createdAt]), state.dueAt ?? 0];
    const at = dues.reduce((latest, due) => Math.max(latest, due), 0);
    this.surroundings = {
      installationId: '',
      at,
      pace: () => defaultPace,
      ...(canDiscardWhileBuilding && { canDiscardWhileBuilding }),
    };
  }

  happen(event: OrderEvent): boolean {
    const before = this.state.preparations;
    const { state, changed, effects } = advance(this.state, event, this.surroundings);
    this.state = state;
    this.asksAnew ||= effects.some((effect) => effect.type === 'prepare' && effect.only === undefined);
    return changed || state.preparations !== before;
  }

  /** Everything that is under way comes to something, or else what was waited for. @returns whether anything happened */
  goesOn(): boolean {
    const { status, machine } = this.state;
    if (finalStatuses.includes(status)) return false;
    if (this.state.parts.length === 0 && machine.value === 'received' && this.state.plan) {
      return this.happen({ about: 'order', event: { type: 'PLANNED' }, plan: this.state.plan });
    }
    if (this.answerAll() || this.prepare()) return true;
    // What failed is undone when nobody comes.
    return machine.value === 'failing' && this.happen({ about: 'order', event: { type: 'TIMER' } });
  }

  private answerAll(): boolean {
    let moved = false;
    for (const { partKey, name, finishedAt } of this.state.operations) {
      if (finishedAt !== null) continue;
      const now = this.state.operations.find((one) => one.partKey === partKey && one.name === name);
      const event = now && answerTo(now);
      if (event && this.happen({ about: 'operation', partKey, name, event })) moved = true;
    }
    return moved;
  }

  private prepare(): boolean {
    if (modeOf(this.state) !== 'building') return false;
    for (const { platformId, key } of this.state.plan?.preparations ?? []) {
      const known = this.state.preparations[preparationId(platformId, key)];
      const isOpen = !known || known.state === 'asked' || (known.state === 'failed' && this.asksAnew);
      if (!isOpen) continue;
      return this.happen({ about: 'preparation', platformId, key, outcome: { state: 'ready', facts: {} } });
    }
    return false;
  }
}

/** A good answer to what an operation waits for; null for one that waits for a person. */
function answerTo(operation: OperationState): OperationEvent | null {
  const { machine, name, partKey } = operation;
  const { failure } = machine.context;
  const resourceId = machine.context.resourceId ?? `${name} of ${partKey}`;
  const facts: Record<string, string> = waysBack.includes(name) ? {} : { made: name };
  const there = { resourceId, facts, startedAt: null };
  // A job that ran out of its time may have worked yet; what one has failed with is believed.
  const hasFailed = failure !== null && !isOutOfPatience(failure);
  switch (machine.value) {
    case 'requesting':
      return { type: 'DONE', ...there };
    case 'inFlight':
      return { type: 'JOB_SUCCEEDED', resourceId };
    case 'lookingUp':
      return hasFailed ? { type: 'ABSENT', guarded: true } : { type: 'FOUND', resourceId, others: [] };
    case 'verifying':
      return hasFailed ? { type: 'BROKEN', code: failure.code, message: failure.message } : { type: 'READY', ...there };
    case 'discarding':
      return { type: 'GONE' };
    case 'settling':
    case 'watching':
    case 'leaving':
    case 'backingOff':
      return { type: 'TIMER' };
    default:
      return null;
  }
}
