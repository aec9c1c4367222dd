import type { JsonObject } from '../json.js';
import { markerFor, preparationMarker, requestIdFor } from '../planner/marker.js';
import { type OperationName, operationNames, type Plan } from '../planner/plan.js';
import { itemDelivery, itemFailure, itemVerdict } from './delivery.js';
import type { ItemContext, ItemEvent } from './item.js';
import { begin, itemMachines, move, outcomeOf, type PartKind, tagOf } from './move.js';
import {
  type Failure,
  type OperationContext,
  type OperationEvent,
  operationMachine,
  type WaitKind,
} from './operation.machine.js';
import type {
  Announcement,
  Effect,
  ItemStatus,
  OperationState,
  OrderState,
  OrderStatus,
  PartState,
  PreparationOutcome,
  Step,
} from './order-state.js';
import { delayMs, type Pace } from './pace.js';
import { type WorkOrderContext, type WorkOrderEvent, workOrderMachine } from './work-order.machine.js';

/** What can happen to an order. */
export type OrderEvent =
  | { about: 'order'; event: WorkOrderEvent; plan?: Plan }
  | { about: 'operation'; partKey: string; name: OperationName; event: OperationEvent }
  | { about: 'preparation'; platformId: string; key: string; outcome: PreparationOutcome }
  /** A worker takes the order up from the database: whatever was under way is asked about again. */
  | { about: 'everything'; event: { type: 'RESUMED' } };

/** The world, as far as a pure function may know it. */
export interface Surroundings {
  installationId: string;
  /** Now, ms since epoch: the caller's clock. */
  at: number;
  pace(platformId: string): Pace;
}

/**
 * The only way forward: one event, applied to the operation, item or order it is about, and everything that follows from
 * it for the rest of the order. Pure: no clock, no chance, no I/O. The caller stores the step and then carries out its
 * effects, in that order, always.
 *
 * @throws Error on a stored state that no machine knows (needs a migration)
 */
export function advance(state: OrderState, event: OrderEvent, surroundings: Surroundings): Step {
  const turn = new Turn(state, surroundings);
  switch (event.about) {
    case 'order':
      // A plan that comes late, to an order that is held by now, is no reason to build it.
      if (turn.moveOrder(event.event) && event.plan) turn.adoptPlan(event.plan);
      break;
    case 'operation':
      turn.moveOperation(event.partKey, event.name, event.event);
      break;
    case 'preparation':
      turn.notePreparation(event.platformId, event.key, event.outcome);
      break;
    case 'everything':
      turn.moveOrder(event.event);
      for (const operation of turn.openOperations()) turn.moveOperation(operation.partKey, operation.name, event.event);
      break;
  }
  turn.followUp();
  return turn.toStep();
}

/** One call of `advance`: copies on write, so that the state handed in stays as it was. */
class Turn {
  private state: OrderState;
  private changed = false;
  private readonly changedItems = new Set<number>();
  private readonly changedOperations = new Map<string, OperationState>();
  private readonly orphans: Step['orphans'] = [];
  private readonly announcements: Announcement[] = [];
  private readonly effects: Effect[] = [];
  /** Whether anything happened that other parts may have waited for. */
  private partsMoved = false;

  constructor(
    state: OrderState,
    private readonly surroundings: Surroundings,
  ) {
    this.state = {
      ...state,
      items: [...state.items],
      parts: [...state.parts],
      operations: [...state.operations],
    };
  }

  toStep(): Step {
    return {
      state: this.state,
      changed: this.changed,
      changedItems: [...this.changedItems],
      changedOperations: [...this.changedOperations.values()],
      orphans: this.orphans,
      announcements: this.announcements,
      effects: this.effects,
    };
  }

  openOperations(): OperationState[] {
    return this.state.operations.filter((operation) => operation.finishedAt === null);
  }

  adoptPlan(plan: Plan): void {
    if (this.state.parts.length > 0) return;
    this.state.plan = plan;
    this.state.parts = plan.parts.map((part) => ({
      key: part.key,
      itemIndex: part.itemIndex,
      machine: {
        value: initialValue(part.resourceType),
        context: { hasVm: operationsOf(part.needs).length > 1, facts: {}, failure: null },
      },
    }));
    for (const part of plan.parts) this.changedItems.add(part.itemIndex);
    this.partsMoved = true;
  }

  notePreparation(platformId: string, key: string, outcome: PreparationOutcome): void {
    this.partsMoved = true;
    this.state.preparations = { ...this.state.preparations, [preparationId(platformId, key)]: outcome };
  }

  /** @returns whether the event meant anything to the order's machine */
  moveOrder(event: WorkOrderEvent): boolean {
    const moved = move<WorkOrderContext>(workOrderMachine, this.state.machine, event);
    if (!moved.taken) return false;
    this.changed = true;
    this.state.machine = moved.next;
    this.state.status = tagOf(workOrderMachine, moved.next.value) as OrderStatus;
    this.state.dueAt = null;
    for (const action of moved.actions) {
      if (action.type === 'plan') this.effects.push({ type: 'plan' });
      if (action.type === 'prepare') this.effects.push({ type: 'prepare' });
      if (action.type === 'wait') this.sleepOrder(moved.next.context.tries);
      if (action.type === 'announce') this.announceOrder((action.params as { event: string }).event);
    }
    return true;
  }

  moveOperation(partKey: string, name: OperationName, told: OperationEvent): void {
    const operation = this.state.operations.find((one) => one.partKey === partKey && one.name === name);
    if (!operation || operation.finishedAt !== null) return;
    // A job that has spoken tells nothing new: "done" with nothing there, found again, is a look that found nothing.
    const spoken = told.type === 'FOUND_JOB' && told.jobId === operation.machine.context.settledJobId;
    const event: OperationEvent = spoken ? { type: 'ABSENT' } : told;
    const moved = move<OperationContext>(operationMachine, operation.machine, event);
    if (!moved.taken) return;
    const jobTaken = moved.next.value === 'inFlight' && (event.type === 'ACCEPTED' || event.type === 'FOUND_JOB');
    const ended = moved.next.value === 'done' || moved.next.value === 'failed';
    const next = this.putOperation({
      ...operation,
      machine: moved.next,
      requestId: this.requestIdAfter(operation, moved.next.context),
      dueAt: null,
      submittedAt: jobTaken ? this.surroundings.at : operation.submittedAt,
      finishedAt: ended ? this.surroundings.at : null,
    });
    if (jobTaken) {
      this.announce('item.job-submitted', operation.itemIndex, { operation: name, jobId: moved.next.context.jobId });
    }
    this.doActions(next, moved.actions, event);
    if (moved.next.value === operation.machine.value) return;
    const { facts, failure, resourceId } = moved.next.context;
    if (moved.next.value === 'done') {
      this.movePart(partKey, { type: 'OPERATION_DONE', facts });
    } else if (moved.next.value === 'failed') {
      this.movePart(partKey, { type: 'OPERATION_FAILED', failure: failure ?? unexplained });
    } else if (moved.next.value === 'stuck') {
      this.movePart(partKey, {
        type: 'OPERATION_STUCK',
        failure: failure ?? {
          ...unexplained,
          message: `${name} needs a person (resource ${resourceId ?? 'unknown'}).`,
        },
      });
    }
  }

  /** A new one for each attempt and stage; worked out only then, for it costs a hash. */
  private requestIdAfter(operation: OperationState, next: OperationContext): string {
    const before = operation.machine.context;
    if (before.attempt === next.attempt && before.stage === next.stage) return operation.requestId;
    return requestId(operation.marker, operation.name, next);
  }

  /** What follows from what has happened: items whose needs are met or never will be, and the order's own verdict. */
  followUp(): void {
    // Most events only move an operation along, and nobody waits for that.
    if (!this.partsMoved) return;
    let moved = true;
    while (moved) moved = this.state.parts.some((part) => this.followUpPart(part));
    this.settleItems();
    this.settleOrder();
  }

  private followUpPart(part: PartState): boolean {
    if (this.outcome(part) !== 'open') return false;
    const begun = new Set(this.state.operations.filter((one) => one.partKey === part.key).map((one) => one.name));
    const planned = this.state.plan?.parts.find((one) => one.key === part.key);
    if (!planned) return false;
    const ahead = operationsOf(planned.needs).filter((name) => !begun.has(name));
    for (const name of ahead) {
      for (const need of planned.needs[name] ?? []) {
        const failure = part.machine.context.failure ? null : this.failureOf(planned.platformId, need);
        if (failure && this.movePart(part.key, { type: 'NEED_FAILED', failure })) return true;
      }
    }
    const next = ahead[0];
    const busy = this.state.operations.some((one) => one.partKey === part.key && one.finishedAt === null);
    if (!next || busy || part.machine.context.failure) return false;
    const ready = (planned.needs[next] ?? []).every((need) => this.isReady(planned.platformId, need));
    return ready && this.movePart(part.key, { type: 'NEEDS_MET' });
  }

  /** @returns whether the event meant anything to the part's machine */
  private movePart(partKey: string, event: ItemEvent): boolean {
    const index = this.state.parts.findIndex((one) => one.key === partKey);
    const part = this.state.parts[index];
    if (!part) return false;
    const moved = move<ItemContext>(itemMachines[this.kindOf(part)], part.machine, event);
    if (!moved.taken) return false;
    this.changed = true;
    this.partsMoved = true;
    this.changedItems.add(part.itemIndex);
    this.state.parts[index] = { ...part, machine: moved.next };
    for (const action of moved.actions) {
      if (action.type === 'startOperation')
        this.startOperation(part, (action.params as { operation: string }).operation);
    }
    return true;
  }

  private startOperation(part: PartState, asked: string): void {
    const planned = this.state.plan?.parts.find((one) => one.key === part.key);
    const platformId = planned?.platformId ?? this.state.items[part.itemIndex]?.platformId ?? '';
    // A preparation's one operation is named by what it prepares.
    const [firstName] = operationsOf(planned?.needs ?? {});
    const name = (asked === 'prepare' ? firstName : asked) as OperationName;
    const first = begin<OperationContext>(operationMachine);
    const { installationId, at } = this.surroundings;
    // One marker for everything done to one thing: what is removed later is recognised by what it was made with.
    const marker =
      this.state.kind === 'preparation'
        ? preparationMarker(installationId, platformId, part.key)
        : markerFor(installationId, this.state.producer, this.state.workOrderId, part.key, firstName ?? name);
    if (this.state.operations.every((one) => one.itemIndex !== part.itemIndex)) {
      this.announce('item.started', part.itemIndex, {});
    }
    const operation = this.putOperation({
      partKey: part.key,
      itemIndex: part.itemIndex,
      name,
      platformId,
      marker,
      requestId: requestId(marker, name, first.next.context),
      machine: first.next,
      dueAt: null,
      createdAt: at,
      submittedAt: null,
      finishedAt: null,
    });
    this.doActions(operation, first.actions, null);
  }

  private doActions(
    operation: OperationState,
    actions: { type: string; params: unknown }[],
    event: OperationEvent | null,
  ): void {
    for (const action of actions) {
      switch (action.type) {
        case 'send':
        case 'lookUp':
        case 'track':
        case 'inspect':
        case 'discard':
          this.effects.push({ type: action.type, operation });
          break;
        case 'wait':
          this.sleepOperation(operation, (action.params as { kind: WaitKind }).kind, event);
          break;
        case 'listOrphans': {
          const { others } = operation.machine.context;
          if (others.length > 0) this.orphans.push({ operation, resourceIds: others });
          break;
        }
      }
    }
  }

  private sleepOperation(operation: OperationState, kind: WaitKind, event: OperationEvent | null): void {
    const askedMs = event?.type === 'TRY_LATER' ? event.retryAfterMs : null;
    const count = kind === 'retry' ? operation.machine.context.retries : operation.machine.context.watches;
    const pace = this.surroundings.pace(operation.platformId);
    const dueAt = this.surroundings.at + delayMs(pace, kind, count, operation.marker, askedMs);
    this.effects.push({ type: 'timer', operation: this.putOperation({ ...operation, dueAt }), dueAt });
  }

  private sleepOrder(tries: number): void {
    const pace = this.surroundings.pace(this.state.items[0]?.platformId ?? '');
    const dueAt = this.surroundings.at + delayMs(pace, 'retry', tries, this.state.orderId, null);
    this.state.dueAt = dueAt;
    this.effects.push({ type: 'timer', operation: null, dueAt });
  }

  private putOperation(operation: OperationState): OperationState {
    const index = this.state.operations.findIndex(
      (one) => one.partKey === operation.partKey && one.name === operation.name,
    );
    if (index === -1) this.state.operations.push(operation);
    else this.state.operations[index] = operation;
    this.changed = true;
    this.changedOperations.set(`${operation.partKey} ${operation.name}`, operation);
    return operation;
  }

  private settleItems(): void {
    for (const index of this.changedItems) {
      const item = this.state.items[index];
      const status = item && this.itemStatus(index);
      if (!item || !status || status === item.status) continue;
      this.state.items[index] = { ...item, status };
      if (status === 'completed') this.announce('item.completed', index, itemDelivery(this.state, index));
      if (status === 'failed' || status === 'cancelled') {
        this.announce(`item.${status}`, index, { failure: itemFailure(this.state, index) });
      }
    }
  }

  private itemStatus(itemIndex: number): ItemStatus {
    const parts = this.state.parts.filter((part) => part.itemIndex === itemIndex);
    const outcomes = parts.map((part) => this.outcome(part));
    if (outcomes.includes('needsOperator')) return 'held';
    if (outcomes.includes('open')) {
      return this.state.operations.some((one) => one.itemIndex === itemIndex) ? 'provisioning' : 'pending';
    }
    if (outcomes.includes('failed')) return 'failed';
    return outcomes.includes('cancelled') ? 'cancelled' : 'completed';
  }

  private settleOrder(): void {
    if (this.state.parts.length === 0) return;
    if (this.state.machine.value === 'planned' && this.state.operations.length > 0) this.moveOrder({ type: 'STARTED' });
    const statuses = this.state.items.map((item) => item.status);
    const stuck = statuses.indexOf('held');
    if (stuck !== -1) {
      const failure = itemFailure(this.state, stuck);
      const { code, message } = failure ?? unexplained;
      this.moveOrder({ type: 'ITEM_STUCK', code, message });
    } else if (statuses.every((status) => status === 'completed')) {
      this.moveOrder({ type: 'ALL_COMPLETED' });
    } else if (statuses.every((status) => ['completed', 'failed', 'cancelled'].includes(status))) {
      this.moveOrder({ type: statuses.includes('completed') ? 'SOME_COMPLETED' : 'NONE_COMPLETED' });
    }
  }

  private announceOrder(event: string): void {
    const data: JsonObject =
      event === 'held'
        ? { reason: this.state.machine.context.reason }
        : ['completed', 'partial', 'failed'].includes(event)
          ? { items: this.state.items.map((item, index) => itemVerdict(this.state, item, index)) }
          : {};
    this.announce(`work-order.${event}`, null, data);
  }

  private announce(type: Announcement['type'], itemIndex: number | null, data: JsonObject): void {
    // Preparations are our own business: billing never ordered them.
    if (this.state.kind === 'preparation') return;
    this.state.sequence += 1;
    this.announcements.push({ sequence: this.state.sequence, type, itemIndex, at: this.surroundings.at, data });
  }

  private kindOf(part: PartState): PartKind {
    return (this.state.items[part.itemIndex]?.resourceType ?? 'PREPARATION') as PartKind;
  }

  private outcome(part: PartState) {
    return outcomeOf(this.kindOf(part), part.machine.value);
  }

  private isReady(platformId: string, need: string): boolean {
    const part = this.state.parts.find((one) => one.key === need);
    if (part) return this.outcome(part) === 'completed';
    return this.state.preparations[preparationId(platformId, need)]?.state === 'ready';
  }

  private failureOf(platformId: string, need: string): Failure | null {
    const part = this.state.parts.find((one) => one.key === need);
    const preparation = this.state.preparations[preparationId(platformId, need)];
    const cause = part
      ? ['failed', 'cancelled'].includes(this.outcome(part)) && (part.machine.context.failure ?? unexplained)
      : preparation?.state === 'failed' && preparation.failure;
    return cause ? { disposition: 'reject', code: 'need_failed', message: `${need}: ${cause.message}` } : null;
  }
}

const unexplained: Failure = { disposition: 'ask-human', code: 'CLD_OUTCOME_UNCLEAR', message: 'No reason was given.' };

function requestId(marker: string, name: OperationName, { attempt, stage }: OperationContext): string {
  return requestIdFor(`${marker}/${name}`, attempt, stage);
}

/** The operations of a part in the order they run; not the order of the keys, which jsonb does not keep. */
function operationsOf(needs: object): OperationName[] {
  return operationNames.filter((name) => name in needs);
}

/** A preparation belongs to a platform: two data centres each have a default network of the same user. */
export function preparationId(platformId: string, key: string): string {
  return `${platformId} ${key}`;
}

function initialValue(kind: PartKind): string {
  return begin<ItemContext>(itemMachines[kind]).next.value;
}
