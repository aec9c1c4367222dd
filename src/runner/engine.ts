import { randomUUID } from 'node:crypto';
import { crashPoint } from '../crash-point.js';
import { advance, type OrderEvent, type Surroundings } from '../machines/advance.js';
import { emptyStep } from '../machines/begin-order.js';
import { operationByKey, operationKey } from '../machines/order-index.js';
import {
  type Effect,
  finalStatuses,
  type OperationState,
  type OrderState,
  type Step,
} from '../machines/order-state.js';
import type { Pace } from '../machines/pace.js';
import type { Hold, Warning, WorkOrder } from '../schemas/work-order.js';
import type { AuditEntry } from '../store/audit.js';
import type { LoadedOrder } from '../store/load-orders.js';
import type { Standing, StepToSave } from '../store/steps.js';
import { type CommitOptions, storeGroup } from './commit.js';
import { isCurrent, mergeSteps, onlyLooks, stepNames } from './steps.js';
import { Timers } from './timers.js';

/** An open order in the memory of the one worker that owns it. */
export interface OpenOrder {
  state: OrderState;
  revision: number;
  epoch: number;
  callbackUrl: string | null;
  /** The order as billing sent it, while it is being planned; read from the database when it is not here. */
  order: WorkOrder | null;
  /** Whether its things are known to be claimed for it. */
  claimed: boolean;
  /** Events that arrived while a step is being stored or carried out. */
  waiting: Happening[];
  /** Whether a step is on its way: being stored, or its effects being begun. Until it is through, nothing else is decided. */
  saving: boolean;
  /** As it is in the database. */
  stored: OrderState;
  /** Steps taken that needed no storing of their own; they are stored with the next one that does. */
  unsaved: Step[];
  storedOperations: number;
}

/** An event and what has to be stored with the step it causes. */
export interface Happening {
  event: OrderEvent;
  planned?: { warnings: Warning[]; holds: Hold[] };
  secrets?: { itemIndex: number; field: string; sealed: Uint8Array }[];
  /** The operator's act that this is, written down with the step. */
  audit?: AuditEntry;
  /** The revision that somebody looked at when they decided this; anything else is not what they meant. */
  seenRevision?: number | null;
  /** Told what became of it, always, and once. */
  settled?(fate: Fate): void;
}

/**
 * Stored; without meaning in the order's state; overtaken by another event; another worker's business by now; or refused, because
 * the order could not take it and is quarantined. Of all but the first nothing was done.
 */
export type Fate = 'stored' | 'ignored' | 'stale' | 'lost' | 'refused';

/** What the engine cannot do itself: everything that reaches outside. Called after the step is stored, never before. */
export interface Outside {
  plan(open: OpenOrder): void;
  prepare(open: OpenOrder): void;
  run(effect: 'send' | 'lookUp' | 'inspect' | 'discard', open: OpenOrder, operation: OperationState): void;
  track(open: OpenOrder, operation: OperationState): void;
  /** Nothing more happens to it by itself: it is at its end, or waits for a person. */
  ended(open: OpenOrder): void;
  /** It stands in our name at another step than we knew: it has to be read again. */
  reread(orderId: string): void;
}

export interface EngineOptions extends CommitOptions {
  installationId: string;
  now: () => number;
  pace: (platformId: string) => Pace;
  canDiscardWhileBuilding?: NonNullable<Surroundings['canDiscardWhileBuilding']>;
  /** Orders in one commit at the most; parameters are arrays, so this bounds memory, not parameter count. */
  maxGroup?: number;
}

/** Events of one order that are decided in one go: some milliseconds. */
const mostAtOnce = 100;

/**
 * The only code that moves an order. Events come in, `advance` decides, and the steps of all orders that are ready go into
 * one commit (design D3); their effects start after it, from memory, without another query. One order has at most one
 * step on its way, so its effects run in the order of its steps.
 */
export class Engine {
  private readonly open = new Map<string, OpenOrder>();
  private ready: { open: OpenOrder; save: StepToSave; settled: NonNullable<Happening['settled']>[] }[] = [];
  private flushing: Promise<void> | null = null;
  private readonly timers: Timers;
  private outside: Outside | null = null;
  private stopped = false;
  readonly counters = { commits: 0, steps: 0, lostRaces: 0, ignoredEvents: 0, reread: 0 };

  constructor(private readonly options: EngineOptions) {
    this.timers = new Timers(options.now, (alarm) => this.ring(alarm.orderId, alarm.operation, alarm.dueAt));
  }

  /** Ties the knot: the outside needs the engine to report back to. */
  connect(outside: Outside): void {
    this.outside = outside;
  }

  get openOrders(): number {
    return this.open.size;
  }

  get(orderId: string): OpenOrder | undefined {
    return this.open.get(orderId);
  }

  /** Takes an order whose first step has just been stored, and starts that step's effects. */
  begin(step: Step, facts: { order: WorkOrder | null; callbackUrl: string | null; claimed: boolean }): void {
    if (this.open.has(step.state.orderId)) return; // `Ownership` found it in the database first
    const open: OpenOrder = {
      state: step.state,
      stored: step.state,
      revision: 1,
      epoch: 1,
      waiting: [],
      saving: false,
      unsaved: [],
      storedOperations: 0,
      ...facts,
    };
    if (rests(step.state)) return;
    this.open.set(step.state.orderId, open);
    this.carryOut(open, step);
    this.goOn(open);
  }

  /** Takes an order from the database: after a restart, or from a worker that is gone. */
  resume(loaded: LoadedOrder): void {
    // It may have come to its end, or before a person, since somebody saw it open.
    if (rests(loaded.state)) return;
    this.hold(loaded);
    this.dispatch(loaded.state.orderId, { event: { about: 'everything', event: { type: 'RESUMED' } } });
  }

  /** Takes an order from the database without asking about what is under way: for the lever that is about to move it. */
  hold(loaded: LoadedOrder): void {
    const { state, revision, epoch, callbackUrl } = loaded;
    crashPoint('order.resumed', () => [state.machine.value]);
    this.open.set(state.orderId, {
      state,
      stored: state,
      revision,
      epoch,
      callbackUrl,
      order: null,
      claimed: false,
      waiting: [],
      saving: false,
      unsaved: [],
      storedOperations: state.operations.length,
    });
  }

  /** Something happened to an order. Stored and carried out soon; an order that is not ours any more is left alone. */
  dispatch(orderId: string, happening: Happening): void {
    const open = this.open.get(orderId);
    if (!open || this.stopped) return happening.settled?.('lost');
    open.waiting.push(happening);
    this.goOn(open);
  }

  /** Lets go of an order that was only held for a lever, when nothing came of that: others may move it. */
  release(orderId: string): void {
    const open = this.open.get(orderId);
    if (open && !open.saving && open.waiting.length === 0 && rests(open.state)) this.forget(open, 'lost');
  }

  /** Forgets every open order: they belong to others now. @returns how many */
  dropAll(): number {
    const dropped = [...this.open.values()];
    for (const open of dropped) this.forget(open, 'lost');
    return dropped.length;
  }

  /** Resolves when everything decided so far is stored. */
  async settle(): Promise<void> {
    while (this.flushing) await this.flushing;
  }

  async stop(): Promise<void> {
    await this.settle();
    this.stopped = true;
    this.timers.stop();
    this.dropAll();
  }

  /** Decides what waits, unless a step of the order is on its way: then it waits for that. */
  private goOn(open: OpenOrder): void {
    if (open.saving || open.waiting.length === 0 || !this.isHeld(open)) return;
    this.take(open);
    if (!open.saving && open.waiting.length > 0) setImmediate(() => this.goOn(open));
  }

  /** Decides what waits for this order, as one step; of very much, a part, so that other orders have their turn in between. */
  private take(open: OpenOrder): void {
    const steps: Step[] = [];
    const secrets = new Map<string, StepToSave['secrets'][number]>();
    const audit: AuditEntry[] = [];
    const settled: NonNullable<Happening['settled']>[] = [];
    let planned: Happening['planned'] | null = null;
    let state = open.state;
    const batch = open.waiting.splice(0, mostAtOnce);
    for (let happening = batch.shift(); happening; happening = batch.shift()) {
      const { seenRevision = null } = happening;
      if (seenRevision !== null && (seenRevision !== open.revision || steps.length > 0)) {
        happening.settled?.('stale');
        continue;
      }
      const step = this.decide(state, happening.event);
      if (step === null) {
        for (const tell of [...settled, happening.settled, ...batch.map((one) => one.settled)]) tell?.('refused');
        return this.quarantine(open, 'No state machine of this version knows how to go on.');
      }
      if (!step.changed) {
        this.counters.ignoredEvents += 1;
        open.state = state = step.state;
        happening.settled?.('ignored');
        continue;
      }
      state = step.state;
      steps.push(step);
      if (happening.audit) audit.push(happening.audit);
      if (happening.settled) settled.push(happening.settled);
      // Of two under one name the later one: one statement can write a row only once.
      for (const one of happening.secrets ?? []) secrets.set(`${one.itemIndex} ${one.field}`, one);
      if (happening.planned) planned = happening.planned;
    }
    if (steps.length === 0) return this.release(open.state.orderId);
    // With what was learnt after the last step that changed something: a preparation's outcome is never stored.
    const taken = { ...mergeSteps(steps), state };
    if (!planned && secrets.size === 0 && audit.length === 0 && settled.length === 0 && onlyLooks(taken)) {
      open.state = taken.state;
      // Only the last one's state is stored: those before need not be kept, and of an order of many parts they are large.
      for (const earlier of open.unsaved.slice(-1)) earlier.state = taken.state;
      open.unsaved.push({ ...taken, effects: [] });
      return this.carryOut(open, taken);
    }
    const step = mergeSteps([...open.unsaved.splice(0), taken]);
    open.saving = true;
    const ends = finalStatuses.includes(step.state.status);
    this.ready.push({
      open,
      settled,
      save: {
        stepId: randomUUID(),
        step,
        seenRevision: open.revision,
        epoch: open.epoch,
        storedOperations: open.storedOperations,
        planDocument: planned && {
          plan: step.state.plan && JSON.stringify(step.state.plan),
          warnings: JSON.stringify(planned.warnings),
          holds: JSON.stringify(planned.holds),
        },
        callbackUrl: ends && step.state.kind === 'billing' ? open.callbackUrl : null,
        secrets: [...secrets.values()],
        audit,
      },
    });
    this.flushing ??= this.flush();
  }

  /**
   * An order that cannot be moved, or whose step PostgreSQL will not take, stops alone and is shown to a person (I7, I17). It
   * stays as it was last stored; only where it stands and why is written over it.
   */
  private quarantine(open: OpenOrder, message: string): void {
    const { orderId, machine, sequence, kind } = open.stored;
    this.options.log.fatal({ orderId, message }, 'an order is quarantined');
    if (machine.value === 'quarantined') return this.forget(open, 'refused');
    const reason = { code: 'SYS_STEP_REFUSED', message };
    const interrupted = { state: machine.value, reason: machine.context.reason };
    const told = kind === 'billing' ? 1 : 0;
    const state: OrderState = {
      ...open.stored,
      status: 'held',
      machine: { value: 'quarantined', context: { ...machine.context, reason, interrupted } },
      dueAt: null,
      sequence: sequence + told,
    };
    const announcement = {
      sequence: sequence + 1,
      type: 'work-order.held',
      itemIndex: null,
      at: this.options.now(),
      data: { reason },
    } as const;
    settleAll(open, 'refused');
    open.unsaved.length = 0;
    open.saving = true;
    this.ready.push({
      open,
      settled: [],
      save: {
        stepId: randomUUID(),
        step: { ...emptyStep(state), announcements: told ? [announcement] : [] },
        seenRevision: open.revision,
        epoch: open.epoch,
        storedOperations: open.storedOperations,
        planDocument: null,
        callbackUrl: null,
        secrets: [],
        audit: [],
      },
    });
    this.flushing ??= this.flush();
  }

  /** @returns null when the machines cannot decide: our bug, and only this order's trouble */
  private decide(state: OrderState, event: OrderEvent): Step | null {
    try {
      const { installationId, now, pace, canDiscardWhileBuilding } = this.options;
      const known = canDiscardWhileBuilding && { canDiscardWhileBuilding };
      return advance(state, event, { installationId, at: now(), pace, ...known });
    } catch (error) {
      const { orderId } = state;
      this.options.log.fatal({ orderId, error: (error as Error).stack }, 'no decision on an order; it stops here');
      return null;
    }
  }

  /** Commits group after group while there is something to commit; what becomes ready meanwhile forms the next group. */
  private async flush(): Promise<void> {
    await new Promise(setImmediate);
    while (this.ready.length > 0) {
      const group = this.ready.splice(0, this.options.maxGroup ?? 400).filter((one) => this.isStillOurs(one));
      if (group.length === 0) continue;
      for (const { save } of group) crashPoint('step.before', () => stepNames(save.step));
      const fates = await storeGroup(
        group.map((one) => one.save),
        this.options,
      );
      this.counters.commits += 1;
      this.counters.steps += fates.stored.size;
      for (const { open, save, settled } of group) {
        const fate = fates.stored.has(save.stepId) ? 'stored' : fates.refused.has(save.stepId) ? 'refused' : 'lost';
        for (const tell of settled) tell(fate);
        if (fate === 'stored') this.stored(open, save.step);
        else if (fate === 'refused') this.refused(open, save.step);
        else this.lost(open, fates.lost.get(save.stepId) ?? null);
      }
    }
    this.flushing = null;
  }

  /**
   * Whether a step that is about to be stored is of the order as we hold it now. While it waited we may have been taken for dead
   * and have taken the order anew: its old step beside its new one in one statement would write its rows under the new one's name
   * (seen: a finished order with an operation that was not).
   */
  private isStillOurs({ open, settled }: Engine['ready'][number]): boolean {
    if (this.isHeld(open)) return true;
    for (const tell of settled) tell('lost');
    return false;
  }

  /** The order may have been taken anew meanwhile, as another object. */
  private isHeld(open: OpenOrder): boolean {
    return this.open.get(open.state.orderId) === open;
  }

  private stored(open: OpenOrder, step: Step): void {
    crashPoint('step.stored', () => stepNames(step));
    open.revision += 1;
    open.storedOperations = step.state.operations.length;
    open.state = step.state;
    open.stored = step.state;
    open.saving = false;
    // Dropped while it was stored: whoever takes the order next looks for himself what has to be done.
    if (!this.isHeld(open)) return;
    this.carryOut(open, step);
    if (rests(open.state)) {
      this.forget(open, 'ignored');
      this.outside?.ended(open);
    } else this.goOn(open);
  }

  /** PostgreSQL will never take this step. */
  private refused(open: OpenOrder, step: Step): void {
    if (!this.isHeld(open)) return;
    if (step.state.machine.value === 'quarantined') {
      this.options.log.fatal({ orderId: step.state.orderId }, 'an order cannot even be quarantined; it stays as it is');
      return this.forget(open, 'refused');
    }
    this.quarantine(open, 'PostgreSQL refused a step of this order for what is in it; see the log.');
  }

  /** Nothing of this step was stored, and nothing more of it is ours to do. A lost race needs a winner: who has the order now? */
  private lost(open: OpenOrder, winner: Standing | null): void {
    const { orderId } = open.state;
    const { workerId } = this.options.identity;
    const isHeld = this.isHeld(open);
    this.forget(open, 'lost');
    if (winner?.workerId === workerId && winner.epoch === open.epoch) {
      this.counters.reread += 1;
      this.options.log.error({ orderId, revision: winner.revision }, 'an order of ours stands where we did not put it');
      if (isHeld) this.outside?.reread(orderId);
      return;
    }
    this.counters.lostRaces += 1;
    const by = { workerId: winner?.workerId ?? null, epoch: winner?.epoch ?? null };
    this.options.log.warn({ orderId, by }, 'order was taken over by another worker');
  }

  /** Whoever waits for something to become of it is told. One that was taken anew meanwhile, as another object, stays. */
  private forget(open: OpenOrder, fate: Fate): void {
    if (this.isHeld(open)) this.open.delete(open.state.orderId);
    settleAll(open, fate);
  }

  /** Begins a step's effects. What is told at once, while it does, waits until they are all begun. */
  private carryOut(open: OpenOrder, step: Step): void {
    const { outside } = this;
    if (!outside) throw new Error('Engine.connect has not been called.');
    open.saving = true;
    try {
      for (const effect of step.effects) this.beginEffect(outside, open, effect);
    } finally {
      open.saving = false;
    }
  }

  private beginEffect(outside: Outside, open: OpenOrder, effect: Effect): void {
    // Several steps may have been stored as one: what an earlier one wanted may be overtaken by a later one.
    if ('operation' in effect && effect.operation && !isCurrent(open.state, effect.operation)) return;
    switch (effect.type) {
      case 'plan':
        return outside.plan(open);
      case 'prepare':
        return outside.prepare(open);
      case 'track':
        return outside.track(open, effect.operation);
      case 'timer':
        return this.timers.add({
          dueAt: effect.dueAt,
          orderId: open.state.orderId,
          operation: effect.operation && operationKey(effect.operation),
        });
      default:
        return outside.run(effect.type, open, effect.operation);
    }
  }

  private ring(orderId: string, key: string | null, dueAt: number): void {
    const open = this.open.get(orderId);
    if (!open) return;
    if (key === null) {
      if (open.state.dueAt === dueAt) this.dispatch(orderId, { event: { about: 'order', event: { type: 'TIMER' } } });
      return;
    }
    const operation = operationByKey(open.state, key);
    if (operation?.dueAt !== dueAt) return;
    const { partKey, name } = operation;
    this.dispatch(orderId, { event: { about: 'operation', partKey, name, event: { type: 'TIMER' } } });
  }
}

/** Whether nothing will happen to an order by itself any more: final, or waiting for a person with nothing under way. */
export function rests({ status, machine }: OrderState): boolean {
  return finalStatuses.includes(status) || machine.value === 'held' || machine.value === 'quarantined';
}

function settleAll(open: OpenOrder, fate: Fate): void {
  for (const { settled } of open.waiting.splice(0)) settled?.(fate);
}
