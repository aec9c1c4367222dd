import { markerFor, preparationMarker, requestIdFor } from '../planner/marker.js';
import { type OperationName, type Plan, removals, waysBack } from '../planner/plan.js';
import type { JsonObject } from '../json.js';
import { itemDelivery, itemFailure, itemVerdict } from './delivery.js';
import {
  kindOf,
  modeOf,
  nextMove,
  nextSettlement,
  openOperation,
  operationsOf,
  orderVerdict,
  partOutcome,
  preparationId,
  rollbackCause,
  unexplained,
} from './follow-up.js';
import type { ItemContext, ItemEvent } from './item.js';
import { failedOperation, type Lever, leverProblem, markableParts } from './lever-problem.js';
import { begin, itemMachines, move, type PartKind, tagOf } from './move.js';
import { type OperationContext, type OperationEvent, operationMachine, type WaitKind } from './operation.machine.js';
import {
  addOperation,
  hasOperations,
  operationKey,
  operationOf,
  operationsOfPart,
  partsOfItem,
  placeOfOperation,
  placeOfPart,
  plannedPart,
} from './order-index.js';
import type {
  Announcement,
  Effect,
  OperationState,
  OrderState,
  OrderStatus,
  PartState,
  PreparationOutcome,
  Step,
} from './order-state.js';
import { finalStatuses, isSameAsk } from './order-state.js';
import { delayMs, type Pace } from './pace.js';
import { carryAlong, touchPart } from './tally.js';
import { type WorkOrderContext, type WorkOrderEvent, workOrderMachine } from './work-order.machine.js';

/** What can happen to an order. */
export type OrderEvent =
  | { about: 'order'; event: WorkOrderEvent; plan?: Plan }
  /** `of`: the operation as it stood when it was asked; an answer to anything but what is asked now is no news. */
  | { about: 'operation'; partKey: string; name: OperationName; event: OperationEvent; of?: OperationState }
  | { about: 'preparation'; platformId: string; key: string; outcome: PreparationOutcome }
  /** A worker takes the order up from the database: whatever was under way is asked about again. */
  | { about: 'everything'; event: { type: 'RESUMED' } }
  /** An operator pulls a lever that `leverProblem` allows. */
  | { about: 'lever'; lever: Lever };

/** The world, as far as a pure function may know it. */
export interface Surroundings {
  installationId: string;
  /** Now, ms since epoch: the caller's clock. */
  at: number;
  pace(platformId: string): Pace;
  /** Whether the cloud takes away what an operation makes while it is being made. Not given: it does not. */
  canDiscardWhileBuilding?(platformId: string, name: OperationName): boolean;
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
      turn.moveOperation(event.partKey, event.name, event.event, event.of);
      break;
    case 'preparation':
      turn.notePreparation(event.platformId, event.key, event.outcome);
      break;
    case 'everything':
      turn.resumeEverything();
      break;
    case 'lever':
      if (leverProblem(state, event.lever) === null) turn.pull(event.lever);
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
  private readonly removed: Step['removed'] = [];
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
    carryAlong(state, this.state);
  }

  toStep(): Step {
    return {
      state: this.state,
      changed: this.changed,
      changedItems: [...this.changedItems],
      changedOperations: [...this.changedOperations.values()],
      orphans: this.orphans,
      removed: this.removed,
      announcements: this.announcements,
      effects: this.effects,
    };
  }

  /** Whatever is under way is asked about again. */
  resumeEverything(): void {
    this.moveOrder({ type: 'RESUMED' });
    this.takeUpWhatIsOpen();
    // What a person's hold or a quarantine kept from happening may be due now.
    this.partsMoved = true;
  }

  private takeUpWhatIsOpen(): void {
    for (const operation of this.state.operations) {
      if (operation.finishedAt === null) this.moveOperation(operation.partKey, operation.name, { type: 'RESUMED' });
    }
  }

  /** One operator's act; that it means something here was asked before (`leverProblem`). */
  pull(lever: Lever): void {
    this.partsMoved = true;
    const message = lever.reason;
    switch (lever.act) {
      case 'cancel':
        // What a quarantine left lying is asked about before it is given up.
        if (this.state.machine.value === 'quarantined') this.takeUpWhatIsOpen();
        this.moveOrder({ type: 'CANCEL', code: 'OPS_CANCELLED', message });
        break;
      case 'hold':
        this.moveOrder({ type: 'PAUSE', code: 'OPS_HELD', message });
        break;
      case 'resume':
        this.moveOrder({ type: 'RELEASE', planned: this.state.parts.length > 0 });
        break;
      case 'replay':
        this.replay();
        break;
      case 'skip':
        for (const part of partsOfItem(this.state, lever.itemIndex)) this.skip(part, message);
        this.leaveFailing();
        break;
      case 'mark-done':
        for (const part of markableParts(this.state, lever.itemIndex)) this.markDone(part, lever.resourceId);
        this.leaveFailing();
        break;
    }
  }

  /** What the order failed for may be dealt with now; while something else stands against it, it waits on, and begins nothing. */
  private leaveFailing(): void {
    if (this.state.machine.value !== 'failing' || rollbackCause(this.state)) return;
    this.moveOrder({ type: 'REPLAY', planned: true });
  }

  private replay(): void {
    const from = this.state.machine.value;
    this.moveOrder({ type: 'REPLAY', planned: this.state.parts.length > 0 });
    if (from === 'quarantined') this.takeUpWhatIsOpen();
    switch (modeOf(this.state)) {
      case 'building':
        return this.buildAgain();
      case 'undoing':
        return this.undoAgain();
      // Planned anew, or back where it waited for a person before it was quarantined.
      case 'resting':
        return;
    }
  }

  private buildAgain(): void {
    // What could not be prepared is prepared anew, and until then nobody knows.
    this.state.preparations = Object.fromEntries(
      Object.entries(this.state.preparations).map(([id, outcome]) => [
        id,
        outcome.state === 'ready' ? outcome : { state: 'asked' },
      ]),
    );
    for (const { key } of this.state.parts) {
      const open = openOperation(this.state, key);
      if (open) this.moveOperation(key, open.name, { type: 'REPLAYED' });
      else this.movePart(key, { type: 'REPLAYED' });
    }
  }

  /** Only what takes down is tried again, and what was given up is only looked for: nothing is made for an order that goes. */
  private undoAgain(): void {
    for (const part of this.state.parts) {
      const open = openOperation(this.state, part.key);
      if (!open && partOutcome(this.state, part) === 'remains') this.movePart(part.key, { type: 'REPLAYED' });
      if (open?.machine.value !== 'stuck') continue;
      if (waysBack.includes(open.name)) this.moveOperation(part.key, open.name, { type: 'REPLAYED' });
      else this.abandon(open);
    }
  }

  /** What it makes is not wanted any more. */
  private abandon({ partKey, name, platformId }: OperationState): void {
    const atOnce = this.surroundings.canDiscardWhileBuilding?.(platformId, name) === true;
    // What many orders share has no way back of its own.
    const goes = atOnce ? 'atOnce' : this.state.kind === 'preparation' ? 'whenMade' : null;
    this.moveOperation(partKey, name, { type: 'ABANDONED', ...(goes && { goes }) });
  }

  private skip(part: PartState, reason: string): void {
    const failure = { disposition: 'reject' as const, code: 'OPS_SKIPPED', message: reason };
    this.movePart(part.key, { type: 'SKIPPED', failure });
    const open = openOperation(this.state, part.key);
    if (open && !waysBack.includes(open.name)) this.abandon(open);
  }

  private markDone(part: PartState, resourceId: string): void {
    if (this.movePart(part.key, { type: 'MARKED_GONE' })) {
      // Taken off the list on that word; a look after the order's end lists it again should it be there all the same.
      const made = operationsOfPart(this.state, part.key).find((one) => one.machine.value === 'done');
      const madeId = made?.machine.context.resourceId;
      if (made && madeId) this.removed.push({ platformId: made.platformId, resourceId: madeId, onWord: true });
      return;
    }
    const failed = failedOperation(this.state, part);
    const operation = openOperation(this.state, part.key) ?? failed;
    if (!operation || !['stuck', 'failed'].includes(operation.machine.value)) return;
    this.moveOperation(part.key, operation.name, { type: 'MARKED_DONE', resourceId });
    // Back to where it waits for that operation, which is open again.
    if (operation === failed) this.movePart(part.key, { type: 'REPLAYED' });
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
    const { value: from } = this.state.machine;
    const hasRested = modeOf(this.state) === 'resting' && from !== 'quarantined';
    const dueAt = this.state.dueAt;
    this.changed = true;
    this.state.machine = moved.next;
    this.state.status = tagOf(workOrderMachine, moved.next.value) as OrderStatus;
    this.state.dueAt = null;
    if (moved.next.value === 'undoing' && moved.next.value !== from) this.abandonWhatIsOpen();
    if (hasRested && modeOf(this.state) !== 'resting') this.ringWhatWaited();
    // With the order's own, the items' verdicts can change no more: they are said now, and once.
    if (finalStatuses.includes(this.state.status)) this.announceItems();
    for (const action of moved.actions) {
      if (action.type === 'plan') this.effects.push({ type: 'plan' });
      if (action.type === 'prepare') this.askForShared(action.params as { only: 'look' | null });
      // A restart does not begin the wait anew.
      if (action.type === 'wait') this.sleepOrder(event.type === 'RESUMED' ? dueAt : null);
      if (action.type === 'announce') this.announceOrder((action.params as { event: string }).event);
    }
    return true;
  }

  /** Nothing more is made; what is on its way is waited for, and then undone. */
  private abandonWhatIsOpen(): void {
    this.partsMoved = true;
    const kept = this.state.machine.context.ending === 'partial';
    for (const operation of this.state.operations) {
      if (kept && this.state.items[operation.itemIndex]?.master) continue;
      if (operation.finishedAt !== null || waysBack.includes(operation.name)) continue;
      this.abandon(operation);
    }
  }

  private askForShared({ only }: { only: 'look' | null }): void {
    this.effects.push({ type: 'prepare', ...(only && { only }) });
  }

  /**
   * What was to be tried again while the order waited for a person was not; its time may be over. Where it is not over by the wall's
   * clock its alarm may have rung all the same, for alarms go by another clock: it is set once more.
   */
  private ringWhatWaited(): void {
    for (const operation of this.state.operations) {
      const { partKey, name, machine, dueAt } = operation;
      if (machine.value !== 'backingOff' || dueAt === null) continue;
      if (dueAt <= this.surroundings.at) this.moveOperation(partKey, name, { type: 'TIMER' });
      else this.effects.push({ type: 'timer', operation, dueAt });
    }
  }

  moveOperation(partKey: string, name: OperationName, told: OperationEvent, of?: OperationState): void {
    const operation = operationOf(this.state, partKey, name);
    if (!operation || (of && !isSameAsk(operation, of))) return;
    const reopens = told.type === 'REPLAYED' || told.type === 'MARKED_DONE';
    if (operation.finishedAt !== null && !reopens) return;
    const event = this.judged(operation, nothingNew(operation, told));
    const moved = move<OperationContext>(operationMachine, operation.machine, event);
    if (!moved.taken) return;
    if (operation.machine.value === 'requesting' && moved.next.value === 'lookingUp') {
      moved.next.context = { ...moved.next.context, mayRunUntil: this.mayRunUntil(operation, event) };
    }
    const jobTaken = moved.next.value === 'inFlight' && (event.type === 'ACCEPTED' || event.type === 'FOUND_JOB');
    const ended = moved.next.value === 'done' || moved.next.value === 'failed';
    const next = this.putOperation({
      ...operation,
      machine: moved.next,
      requestId: this.requestIdAfter(operation, moved.next.context),
      // What only is remembered does not put the alarm off.
      dueAt: moved.next.value === operation.machine.value ? operation.dueAt : null,
      submittedAt: jobTaken ? this.surroundings.at : operation.submittedAt,
      finishedAt: ended ? this.surroundings.at : null,
    });
    if (jobTaken) {
      this.announce('item.job-submitted', operation.itemIndex, { operation: name, jobId: moved.next.context.jobId });
    }
    this.doActions(next, moved.actions, event);
    this.partsMoved ||= ended || moved.next.value === 'stuck' || operation.machine.value === 'stuck';
    if (moved.next.value === operation.machine.value) return;
    this.noteDiscarded(operation, next);
    this.tellPart(next);
  }

  /** Nobody knows what became of a request that left: for how long it may be running depends on how its answer failed to come. */
  private mayRunUntil({ platformId, machine }: OperationState, event: OperationEvent): number {
    const how = event.type === 'OUTCOME_UNKNOWN' ? event.how : undefined;
    if (how === 'failed') return machine.context.mayRunUntil;
    const { holdMs, cutMs } = this.surroundings.pace(platformId);
    const isSilent = how === 'silent';
    return Math.max(machine.context.mayRunUntil, this.surroundings.at + (isSilent ? holdMs : cutMs));
  }

  /** What the machine, which has no clock and does not know its order, has to know of both. */
  private judged({ machine }: OperationState, event: OperationEvent): OperationEvent {
    const orderWaits = modeOf(this.state) === 'resting';
    switch (event.type) {
      case 'ABSENT':
        return { ...event, orderWaits, mayStillRun: this.surroundings.at < machine.context.mayRunUntil };
      case 'TIMER':
      case 'NEXT_STAGE':
        return { ...event, orderWaits };
      default:
        return event;
    }
  }

  /** What the end of an operation means for its part. */
  private tellPart({ partKey, name, platformId, machine }: OperationState): void {
    const { facts, failure, resourceId, abandoned } = machine.context;
    if (machine.value === 'done') {
      if (removals.includes(name) && resourceId !== null) this.removed.push({ platformId, resourceId });
      this.movePart(partKey, { type: 'OPERATION_DONE', facts });
    } else if (machine.value === 'failed') {
      // Given up before it was done: that is no failure of the cloud's.
      const why = abandoned ? givenUp : (failure ?? unexplained);
      this.movePart(partKey, { type: 'OPERATION_FAILED', failure: why });
      if (removals.includes(name)) this.listRemains(partKey);
    } else if (machine.value === 'stuck' && removals.includes(name)) {
      this.listRemains(partKey);
    }
  }

  /** What was being made is not wanted any more, and was to go at once: it went, or the cloud would not remove it. */
  private noteDiscarded({ platformId, machine }: OperationState, next: OperationState): void {
    const { resourceId, abandoned } = machine.context;
    const wasGoing = machine.value === 'discarding' || machine.value === 'leaving';
    if (!abandoned || !wasGoing || resourceId === null) return;
    if (next.machine.value === 'stuck') this.orphans.push({ operation: next, resourceIds: [resourceId], why: 'undo' });
    if (next.machine.value === 'failed') this.removed.push({ platformId, resourceId });
  }

  /** What the cloud would not remove is listed by the id it was made with. */
  private listRemains(partKey: string): void {
    const made = operationsOfPart(this.state, partKey).find((one) => one.machine.value === 'done');
    const resourceId = made?.machine.context.resourceId;
    if (made && resourceId) this.orphans.push({ operation: made, resourceIds: [resourceId], why: 'undo' });
  }

  /** A new one for each attempt and stage; worked out only then, for it costs a hash. */
  private requestIdAfter(operation: OperationState, next: OperationContext): string {
    const before = operation.machine.context;
    if (before.attempt === next.attempt && before.stage === next.stage) return operation.requestId;
    return requestIdFor(this.state.orderId, operation, next.attempt, next.stage);
  }

  /** What follows from what has happened: parts that may begin or be undone, items' verdicts, the order's own. */
  followUp(): void {
    // Most events only move an operation along, and nobody waits for that.
    if (!this.partsMoved) return;
    for (let moved = true; moved;) {
      for (let due = nextMove(this.state); due; due = nextMove(this.state)) this.movePart(due.part.key, due.event);
      this.settleItems();
      const verdict = orderVerdict(this.state);
      moved = verdict !== null && this.moveOrder(verdict);
    }
  }

  /** @returns whether the event meant anything to the part's machine */
  private movePart(partKey: string, event: ItemEvent): boolean {
    const index = placeOfPart(this.state, partKey);
    const part = index === undefined ? undefined : this.state.parts[index];
    if (index === undefined || !part) return false;
    const moved = move<ItemContext>(itemMachines[kindOf(this.state, part)], part.machine, event);
    if (!moved.taken) return false;
    this.changed = true;
    this.partsMoved = true;
    this.changedItems.add(part.itemIndex);
    this.state.parts[index] = { ...part, machine: moved.next };
    touchPart(this.state, partKey);
    for (const action of moved.actions) {
      if (action.type === 'startOperation')
        this.startOperation(part, (action.params as { operation: string }).operation);
    }
    return true;
  }

  private startOperation(part: PartState, asked: string): void {
    const planned = plannedPart(this.state, part.key);
    const platformId = planned?.platformId ?? this.state.items[part.itemIndex]?.platformId ?? '';
    // A preparation's one operation is named by what it prepares.
    const [firstName] = operationsOf(planned?.needs ?? {});
    const name = (asked === 'prepare' ? firstName : asked) as OperationName;
    const isOver = modeOf(this.state) === 'undoing' || finalStatuses.includes(this.state.status);
    // No way leads here; if one ever does, the order stops for a person before anything is sent.
    if (isOver && !waysBack.includes(name)) throw new Error(`${name} of ${part.key} for an order that is being undone`);
    const earlier = operationOf(this.state, part.key, name);
    if (earlier) return this.takeUpAgain(earlier);
    const first = begin<OperationContext>(operationMachine);
    const { installationId, at } = this.surroundings;
    // One marker for everything done to one thing: what is removed later is recognised by what it was made with.
    const marker =
      this.state.kind === 'preparation'
        ? preparationMarker(installationId, platformId, part.key)
        : markerFor(installationId, this.state.producer, this.state.workOrderId, part.key, firstName ?? name);
    if (!hasOperations(this.state, part.itemIndex)) this.announce('item.started', part.itemIndex, {});
    const operation = this.putOperation({
      partKey: part.key,
      itemIndex: part.itemIndex,
      name,
      platformId,
      marker,
      requestId: requestIdFor(this.state.orderId, { marker, name }, first.next.context.attempt, null),
      machine: first.next,
      dueAt: null,
      createdAt: at,
      submittedAt: null,
      finishedAt: null,
    });
    this.doActions(operation, first.actions, null);
  }

  /** An operation that the part has had before: one that failed is tried anew, one that is done need not be done twice. */
  private takeUpAgain(operation: OperationState): void {
    if (operation.machine.value === 'done') this.tellPart(operation);
    else this.moveOperation(operation.partKey, operation.name, { type: 'REPLAYED' });
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
          if (others.length > 0) this.orphans.push({ operation, resourceIds: others, why: 'twin' });
          break;
        }
      }
    }
  }

  private sleepOperation(operation: OperationState, kind: WaitKind, event: OperationEvent | null): void {
    const askedMs = event?.type === 'TRY_LATER' ? event.retryAfterMs : null;
    const { retries, watches, laters, lookUps } = operation.machine.context;
    const count = kind === 'retry' ? retries : kind === 'settle' ? Math.max(laters, lookUps) : watches;
    const pace = this.surroundings.pace(operation.platformId);
    const dueAt = this.surroundings.at + delayMs(pace, kind, count, operation.marker, askedMs);
    this.effects.push({ type: 'timer', operation: this.putOperation({ ...operation, dueAt }), dueAt });
  }

  private sleepOrder(keptDueAt: number | null): void {
    const { value, context } = this.state.machine;
    const pace = this.surroundings.pace(this.state.items[0]?.platformId ?? '');
    const waitMs =
      value === 'failing' ? context.undoAfterMs : delayMs(pace, 'retry', context.tries, this.state.orderId, null);
    const dueAt = keptDueAt ?? this.surroundings.at + waitMs;
    this.state.dueAt = dueAt;
    this.effects.push({ type: 'timer', operation: null, dueAt });
  }

  private putOperation(operation: OperationState): OperationState {
    const key = operationKey(operation);
    const place = placeOfOperation(this.state, key);
    if (place === undefined) addOperation(this.state, operation);
    else this.state.operations[place] = operation;
    touchPart(this.state, operation.partKey);
    this.changed = true;
    this.changedOperations.set(key, operation);
    return operation;
  }

  private settleItems(): void {
    for (let one = nextSettlement(this.state); one; one = nextSettlement(this.state)) {
      const item = this.state.items[one.itemIndex];
      if (item) this.state.items[one.itemIndex] = { ...item, status: one.status };
      this.changedItems.add(one.itemIndex);
    }
  }

  private announceItems(): void {
    for (const [index, item] of this.state.items.entries()) {
      const data =
        item.status === 'completed' ? itemDelivery(this.state, index) : { failure: itemFailure(this.state, index) };
      this.announce(`item.${item.status}`, index, data);
    }
  }

  private announceOrder(event: string): void {
    const data: JsonObject =
      event === 'held'
        ? { reason: this.state.machine.context.reason }
        : ['completed', 'partial', 'failed', 'cancelled'].includes(event)
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
}

/**
 * A job that has spoken tells nothing new: "done" with nothing there, found again, is a look that found nothing. A thing that
 * it names is looked at, though, however often: it may not have been shown yet.
 */
function nothingNew({ machine }: OperationState, told: OperationEvent): OperationEvent {
  if (told.type !== 'FOUND_JOB' || told.jobId !== machine.context.settledJobId) return told;
  const { resourceId } = told;
  return resourceId === null ? { type: 'ABSENT' } : { type: 'NAMED_AGAIN', resourceId };
}

/** Given up before it was done, because the order is undone. */
const givenUp = { disposition: 'reject' as const, code: 'OPS_UNDONE', message: 'Given up before it was done.' };

function initialValue(kind: PartKind): string {
  return begin<ItemContext>(itemMachines[kind]).next.value;
}
