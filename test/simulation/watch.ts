import { RefusedError } from '../../src/errors.js';
import type { OrderEvent } from '../../src/machines/advance.js';
import type { OrderState, Step } from '../../src/machines/order-state.js';
import { preparationProducer } from '../../src/machines/begin-order.js';
import { userKey } from '../../src/planner/plan.js';
import { type Asked, Calls, currentAsked } from './watch-calls.js';
import { type Inside, insideOf } from './watch-inside.js';
import {
  auditProblem,
  forecastProblem,
  type Pull,
  refusedChangeProblem,
  silenceProblem,
  wrongs,
} from './watch-levers.js';
import { type Around, type Held, lacksOf, waitsFor } from './watch-progress.js';
import { reportProblem } from './watch-reports.js';
import { arrivalProblem, type IntentRow, intentProblem, isGoneBackOn, undoingProblem } from './watch-requests.js';
import { Races, sqlProblem, type Statement } from './watch-store.js';
import { isWanted, keyOf, type OpenRow } from './watch-wanted.js';
import type { SimulatedProcess } from './virtual-time.js';

export interface WatchSurroundings {
  /** Since the start of the world, ms. */
  now(): number;
  /** Looks at something as a process does, by its clocks. */
  as<T>(process: SimulatedProcess, look: () => T): T;
  /** The world's own eyes: at once, without any trouble. @throws what PostgreSQL says */
  ask(text: string, values?: unknown[]): Record<string, unknown>[];
  /** Whether a process has its database at the moment. */
  isReachable(process: SimulatedProcess): boolean;
  /** Whether nothing is made to go wrong any more. */
  isPeace(): boolean;
  /** Whether a request of that name changes anything. */
  isChange(name: string): boolean;
  /** A violation, with the invariant that it breaks in front. */
  report(text: string): void;
}

/** A change on its way, as the watch gave it out when it left. */
export interface SentChange {
  name: string;
  asked: Asked | null;
}

interface Watched {
  process: SimulatedProcess;
  inside: Inside;
  /** Whether it has started and was not asked to stop. */
  isReady(): boolean;
}

/** For how long something may be missing while its worker is well, ms. */
const patienceMs = { lack: 15_000, unknown: 30_000, unowned: 60_000, silent: 60_000, call: 600_000 };
const tickMs = 1_000;
/** From its placing to its first request a preparation is not looked at again: meanwhile the wish that it was placed for counts, s awake. */
const placedTicks = 5;
const ticksALook = 5;

/**
 * Judges a world while it goes on: what a request stands on when it leaves, whose verdict moves an operation, whether every
 * open order has what will move it, how levers are answered. The tables at the end do not show any of it. It asks and
 * listens, and changes nothing: a world runs the same without it.
 */
export class Watch {
  private readonly calls: Calls;
  private readonly races = new Races();
  private readonly pulls: Pull[] = [];
  private workers: Watched[] = [];
  /** How long each thing has been missing, by its words; `look` is when it was seen last. */
  private missing = new Map<string, { ms: number; look: number }>();
  private looks = 0;
  private ticks = 0;
  /** Preparations that have sent something, and whether somebody wanted them when their work began. */
  private readonly making = new Set<string>();
  /** Placed because somebody wanted them, and how long the workers had been awake by then. */
  private readonly placedForSomebody = new Map<string, number>();
  private awakeTicks = 0;
  private readonly wantedAtStart = new WeakMap<Asked, boolean>();
  private readonly told = new Set<string>();
  /** How often each rule had something to judge: a watch that sees nothing finds nothing. */
  readonly seen = { changes: 0, arrivals: 0, decisions: 0, answers: 0, statements: 0, levers: 0, looks: 0, placed: 0 };

  constructor(private readonly world: WatchSurroundings) {
    this.calls = new Calls(
      () => world.now(),
      (asked) => this.workBegins(asked),
    );
  }

  /** Puts itself into a worker that has been built and not been started. */
  attach(process: SimulatedProcess, worker: object, isReady: () => boolean): void {
    const inside = insideOf(worker);
    this.workers = [...this.workers.filter((one) => one.process.alive), { process, inside, isReady }];
    this.calls.attach(process, inside);
    const decide = inside.engine.decide.bind(inside.engine);
    inside.engine.decide = (state, event) => {
      const step = decide(state, event);
      if (step) this.decided(state, event, step);
      return step;
    };
    this.watchLevers(process, inside);
  }

  // Requests.

  /** @returns what to hand over when it arrives; null for one that changes nothing */
  requestLeaves(process: SimulatedProcess, name: string, body: string): SentChange | null {
    if (!this.world.isChange(name)) return null;
    this.seen.changes += 1;
    const asked = currentAsked() ?? null;
    const workerId = this.workers.find((one) => one.process === process)?.inside.workerId ?? '';
    if (!asked && this.isDestroyedByPerson()) return { name, asked };
    const row = asked ? this.intentOf(asked) : null;
    if (row === 'unseen') return { name, asked };
    this.tell('I4', intentProblem(name, asked, row, workerId));
    if (!asked) return { name, asked };
    const [, jobId] = /[?&]?customjobid=([0-9a-f-]{36})/.exec(body) ?? [];
    if (jobId !== undefined && jobId !== asked.operation.requestId)
      this.tell('I4', `${name} leaves as job ${jobId} for request ${asked.operation.requestId}`);
    this.tell('I8', undoingProblem(name, asked));
    this.preparationSends(name, asked);
    return { name, asked };
  }

  requestArrives(sent: SentChange | null): void {
    if (!sent?.asked) return;
    this.seen.arrivals += 1;
    const row = this.intentOf(sent.asked);
    if (row !== 'unseen') this.tell('I4', arrivalProblem(sent.name, sent.asked, row));
  }

  /** What operators have removed is no operation's; that it is to go is written in its row. */
  private isDestroyedByPerson(): boolean {
    return (this.ask(`select 1 from orphan where state = 'destroying' limit 1`) ?? []).length > 0;
  }

  private intentOf({ orderId, operation }: Asked): IntentRow | null | 'unseen' {
    const rows = this.ask(
      `select c.state, c.request_id as "requestId", c.attempt, c.marker, o.worker_id as "workerId", o.status,
              o.machine ->> 'value' as "orderState"
         from cloud_operation c join work_order o using (order_id)
        where c.order_id = $1 and c.part_key = $2 and c.name = $3`,
      [orderId, operation.partKey, operation.name],
    );
    return rows ? ((rows[0] as unknown as IntentRow | undefined) ?? null) : 'unseen';
  }

  // What is shared.

  private workBegins(asked: Asked): void {
    if (asked.effect !== 'send' || asked.atStart?.kind !== 'preparation') return;
    const placedAt = this.placedForSomebody.get(asked.orderId) ?? Number.NEGATIVE_INFINITY;
    const isJustPlaced = this.awakeTicks - placedAt <= placedTicks;
    this.wantedAtStart.set(asked, isJustPlaced || this.isPreparationWanted(asked.orderId));
  }

  /** The first change of a preparation leaves: somebody wants it, now or when its work began. */
  private preparationSends(name: string, asked: Asked): void {
    const { orderId, effect, operation, atStart } = asked;
    if (effect !== 'send' || atStart?.kind !== 'preparation' || operation.name.endsWith('.remove')) return;
    if (this.making.has(orderId)) return;
    this.making.add(orderId);
    if (this.wantedAtStart.get(asked) !== false || this.isPreparationWanted(orderId)) return;
    this.tell('I8', `${name} leaves for ${atStart.workOrderId}, which no open order wants`);
  }

  private preparationPlaced(orderId: string, workOrderId: string): void {
    this.seen.placed += 1;
    if (this.isPreparationWanted(orderId)) this.placedForSomebody.set(orderId, this.awakeTicks);
    else this.tell('I8', `${workOrderId} is placed, and no open order wants it`);
  }

  /** By the tables, or by the memory of any worker that has not heard of what is committed yet. */
  private isPreparationWanted(orderId: string): boolean {
    const rows = this.ask(
      `select o.order_id as "orderId", o.kind, o.work_order_id as "workOrderId", o.machine ->> 'value' as value,
              coalesce(p.plan -> 'preparations', '[]') as preparations, p.plan -> 'parts' -> 0 as part,
              o.finished_at is not null as "isOver"
         from work_order o left join work_order_plan p using (order_id)`,
    );
    if (!rows) return true;
    const open = rows.flatMap((row): OpenRow[] => {
      const { part, isOver, ...one } = row as unknown as OpenRow & {
        part: { platformId: string; key: string } | null;
        isOver: boolean;
      };
      const value = this.kinder(one.orderId, one.value);
      // What is over by the tables may be open yet for the worker whose step has ended it.
      if (isOver && value === one.value) return [];
      return [{ ...one, value, makes: one.kind === 'preparation' ? part : null }];
    });
    if (isWanted(orderId, open)) return true;
    return isWanted(orderId, open, this.registered());
  }

  private kinder(orderId: string, value: string): string {
    const known = this.workers.map(({ inside }) => inside.engine.get(orderId)?.state);
    return known.find((state) => state && !isGoneBackOn(state))?.machine.value ?? value;
  }

  /** What users' registrations want, beside orders. */
  private registered(): Set<string> {
    const rows = this.ask(
      'select user_id as "userId", platform_id as "platformId", generation from tenant_registration',
    ) as { userId: string; platformId: string; generation: number }[] | null;
    const kinds = ['tenant', 'default-network', 'tenant-removal', 'default-network-removal'] as const;
    return new Set(
      (rows ?? []).flatMap(({ userId, platformId, generation }) =>
        kinds.map((kind) => keyOf({ platformId, key: userKey(kind, userId, generation) })),
      ),
    );
  }

  // The database.

  /**
   * PostgreSQL has carried out a statement, or has not.
   *
   * @param isAlone whether it is no part of a longer transaction
   * @param isInjected whether the world made its error up
   */
  sqlAnswered(
    process: SimulatedProcess,
    statement: Statement,
    answer: Error | { rows: Record<string, unknown>[] },
    { isAlone = true, isInjected = false } = {},
  ): void {
    this.seen.statements += 1;
    if (answer instanceof Error) {
      if (!isInjected) this.tell('SQL', sqlProblem(process, statement, answer));
      return;
    }
    this.races.executed(process, statement);
    if (statement.name !== 'insert-orders' || !isAlone) return;
    const orderIds = answer.rows.map((row) => row['order_id']);
    const placed = this.ask(
      'select order_id, work_order_id from work_order where producer = $1 and order_id = any($2::uuid[])',
      [preparationProducer, `{${orderIds.join(',')}}`],
    );
    for (const row of placed ?? []) this.preparationPlaced(row['order_id'] as string, row['work_order_id'] as string);
  }

  /** A worker says something. */
  logLine(process: SimulatedProcess, fields: object, message = ''): void {
    if (!message.includes('taken over by another worker')) return;
    const { orderId } = fields as { orderId: string };
    const [row] =
      this.ask('select worker_id as "workerId", epoch, revision from work_order where order_id = $1', [orderId]) ?? [];
    const found = (row ?? null) as { workerId: string | null; epoch: number; revision: number } | null;
    this.tell('I6', this.races.problem(process, orderId, found));
  }

  // The engine.

  private decided(state: OrderState, event: OrderEvent, step: Step): void {
    this.seen.decisions += 1;
    const source = this.calls.sourceOf(event);
    if (source) this.seen.answers += 1;
    this.tell('I5', reportProblem(state, event, step, source));
    if (step.changed) this.excuse(state, event, step);
  }

  /** What makes a forecast void: another lever, the cloud's no, or the end of an order that had the same things of billing's. */
  private excuse(state: OrderState, event: OrderEvent, step: Step): void {
    for (const pull of this.pulls) {
      if (pull.excuse !== null || pull.fate.state === 'refused') continue;
      if (isFinalStep(step) && this.areRivals(pull.orderId, state.orderId)) {
        pull.excuse = `${state.workOrderId} gave up what both are for`;
        continue;
      }
      if (event.about === 'lever') {
        const isItself = event.lever.act === pull.lever.act && event.lever.reason === pull.lever.reason;
        if (pull.orderId === state.orderId && !isItself) pull.excuse = `${event.lever.act} came after it`;
        continue;
      }
      const isTrouble =
        !this.world.isPeace() && step.changedOperations.some((one) => ['stuck', 'failed'].includes(one.machine.value));
      const isNo = event.about === 'operation' && wrongs.includes(event.event.type);
      if (!isNo && !isTrouble) continue;
      if (pull.orderId === state.orderId || this.needs(pull.orderId, state))
        pull.excuse = `${event.about === 'operation' ? event.event.type : event.about} for ${state.workOrderId}`;
    }
  }

  /** Orders for one thing of billing's: while one has it the other is held, and goes on when it is given up. */
  private areRivals(orderId: string, other: string): boolean {
    if (orderId === other) return false;
    const rows = this.ask(
      `select 1 from work_order_item a join work_order_item b using (resource_id) where a.order_id = $1 and b.order_id = $2`,
      [orderId, other],
    );
    return (rows ?? []).length > 0;
  }

  private needs(orderId: string, { kind, plan }: OrderState): boolean {
    const [part] = plan?.parts ?? [];
    if (kind !== 'preparation' || !part) return false;
    const { platformId, key } = part;
    const sought = JSON.stringify([{ platformId, key }]);
    const rows = this.ask(`select 1 from work_order_plan where order_id = $1 and plan -> 'preparations' @> $2::jsonb`, [
      orderId,
      sought,
    ]);
    return rows === null || rows.length > 0;
  }

  // Levers.

  private watchLevers(process: SimulatedProcess, { levers }: Inside): void {
    const pulled = (at: Pull['at'], orderId: string, lever: Pull['lever']): Pull => {
      this.seen.levers += 1;
      const pull: Pull = {
        process,
        at,
        orderId,
        lever,
        waitedMs: 0,
        isTold: false,
        excuse: null,
        fate: { state: 'waiting' },
      };
      this.pulls.push(pull);
      return pull;
    };
    const pull = levers.pull.bind(levers);
    levers.pull = async (orderId, lever, puller) => {
      const own = pulled('pull', orderId, lever);
      try {
        const told = await pull(orderId, lever, puller);
        own.fate = { state: 'done', ends: told.outcome.ends, at: this.world.now() };
        return told;
      } catch (error) {
        const isRefused =
          error instanceof RefusedError && (error.code !== 'SYS_BUSY' || /nothing was done/.test(error.message));
        own.fate = isRefused ? { state: 'refused', code: error.code } : { state: 'unclear' };
        throw error;
      } finally {
        this.leverAnswered(own);
      }
    };
    const pullHere = levers.pullHere.bind(levers);
    levers.pullHere = async (orderId, lever, puller) => {
      const own = pulled('pullHere', orderId, lever);
      try {
        return await pullHere(orderId, lever, puller);
      } finally {
        own.fate = { state: 'unclear' };
      }
    };
  }

  private leverAnswered(pull: Pull): void {
    const entries = this.entriesOf(pull);
    if (entries === null) return;
    this.tell('I19', auditProblem(this.sameAs(pull), entries));
    const [row] =
      this.ask(`select machine -> 'context' -> 'reason' ->> 'message' as reason from work_order where order_id = $1`, [
        pull.orderId,
      ]) ?? [];
    if (entries === 0)
      this.tell('I19', refusedChangeProblem(pull, (row?.['reason'] as string | null | undefined) ?? null));
  }

  private sameAs({ orderId, lever }: Pull): Pull[] {
    return this.pulls.filter(
      (one) => one.orderId === orderId && one.lever.act === lever.act && one.lever.reason === lever.reason,
    );
  }

  private entriesOf({ orderId, lever: { act, reason } }: Pull): number | null {
    const rows = this.ask('select 1 from audit where order_id = $1 and action = $2 and reason = $3', [
      orderId,
      `orders.${act}`,
      reason,
    ]);
    return rows?.length ?? null;
  }

  // Time.

  /** To be called every second of the world. */
  tick(): void {
    this.ticks += 1;
    if (this.workers.some((one) => this.isWell(one))) this.awakeTicks += 1;
    for (const pull of this.pulls) {
      const { process, fate } = pull;
      if (fate.state !== 'waiting' || !process.alive) continue;
      if (!process.frozen && this.world.isReachable(process)) pull.waitedMs += tickMs;
      const silence = silenceProblem(pull);
      if (silence === null) continue;
      pull.isTold = true;
      this.tell('I19', silence);
    }
    if (this.ticks % ticksALook === 0) this.look();
  }

  /** What the run leaves to be said when all is over. */
  end(): void {
    for (const pull of this.pulls) {
      const entries = this.entriesOf(pull);
      if (entries !== null) this.tell('I19', auditProblem(this.sameAs(pull), entries, true));
      const [row] = this.ask('select work_order_id, status from work_order where order_id = $1', [pull.orderId]) ?? [];
      if (row) this.tell('I19', forecastProblem(pull, row['work_order_id'] as string, row['status'] as string));
    }
  }

  private look(): void {
    this.workers = this.workers.filter(({ process }) => {
      if (!process.alive) this.calls.forget(process);
      return process.alive;
    });
    const well = this.workers.filter((one) => this.isWell(one));
    // Nobody could have anything that is missing: what is, is neither forgotten nor counted.
    if (well.length === 0) return;
    const rows = this.ask(
      `select o.order_id as "orderId", o.work_order_id as "workOrderId", o.kind, o.worker_id as "workerId", o.revision,
              o.machine ->> 'value' as value, p.plan -> 'parts' -> 0 as part
         from work_order o left join work_order_plan p using (order_id)
        where o.finished_at is null order by o.created_at, o.order_id`,
    ) as unknown as LookRow[] | null;
    if (!rows) return;
    this.looks += 1;
    this.seen.looks += 1;
    const made = rows.filter(({ kind, part }) => kind === 'preparation' && part);
    const inPreparation = new Set(made.map(({ part }) => keyOf(part as { platformId: string; key: string })));
    for (const row of rows) {
      if (row.value === 'held' || row.value === 'quarantined') continue;
      const owner = this.workers.find(({ inside }) => inside.workerId === row.workerId);
      const what = `${row.workOrderId} (${row.value}, revision ${row.revision})`;
      if (!owner) {
        this.miss(patienceMs.unowned, `${what} belongs to ${row.workerId}, who is gone`);
      } else if (this.isWell(owner)) this.lookAt(what, row, owner, inPreparation);
      else this.keep(what);
    }
    for (const one of well) this.lookAtCalls(one);
    for (const [text, { look }] of this.missing) if (look !== this.looks) this.missing.delete(text);
  }

  private isWell({ process, isReady }: Watched): boolean {
    return process.alive && !process.frozen && isReady() && this.world.isReachable(process);
  }

  private lookAt(what: string, { orderId }: LookRow, { process, inside }: Watched, inPreparation: Set<string>): void {
    const open = inside.engine.get(orderId);
    if (!open) return this.miss(patienceMs.unknown, `${what} belongs to ${process.name}, which does not know of it`);
    const calls = this.calls.of(process).filter((call) => call.orderId === orderId);
    const around: Around = {
      now: this.world.as(process, () => inside.engine.options.now()),
      calls: calls.map(({ asked }) => ({ operation: asked?.operation ?? null })),
      hasJob: (platformId, jobId) => inside.poller.jobs.get(platformId)?.has(jobId) === true,
      inPreparation,
    };
    const held: Held = { state: open.state, revision: open.revision, isMoving: open.saving || open.waiting.length > 0 };
    for (const lack of lacksOf(held, around)) this.miss(patienceMs.lack, `${what} at ${process.name}: ${lack}`);
    if (waitsFor(held, around) === null)
      this.miss(patienceMs.silent, `${what} at ${process.name} is silent: no step, no alarm, no call`);
    if (held.isMoving) this.miss(patienceMs.silent, `${what} at ${process.name} waits for a step to be stored`);
  }

  private lookAtCalls({ process, inside }: Watched): void {
    for (const { asked, since, platformId } of this.calls.of(process)) {
      if (!asked || inside.platforms.isAway(platformId)) continue;
      const { operation, effect } = asked;
      this.miss(
        patienceMs.call,
        `the ${effect} for ${operation.name} (${operation.marker}) at ${process.name} since ${Math.round(since)} ms does not end`,
      );
    }
  }

  /** Something is missing at this look; told when it has been for so long. */
  private miss(patience: number, text: string): void {
    const known = this.missing.get(text);
    const ms = known ? known.ms + tickMs * ticksALook : 0;
    this.missing.set(text, { ms, look: this.looks });
    if (ms > patience) this.tell('I7', `${text}, for ${ms / 1_000} s`);
  }

  /** What cannot be looked at for the moment is not forgotten, and not counted. */
  private keep(what: string): void {
    for (const [text, one] of this.missing) if (text.startsWith(what)) one.look = this.looks;
  }

  /** Null when a transaction that has failed is in the way; nothing can be seen then. */
  private ask(text: string, values?: unknown[]): Record<string, unknown>[] | null {
    try {
      return this.world.ask(text, values);
    } catch (error) {
      if ((error as { code?: string }).code === '25P02') return null;
      throw error;
    }
  }

  /** Once each: what is wrong at one look is wrong at the next. */
  private tell(invariant: string, problem: string | null): void {
    const text = `${invariant}: ${problem}`;
    const key = text.replace(/, for \d+ s$/, '');
    if (problem === null || this.told.has(key)) return;
    this.told.add(key);
    this.world.report(text);
  }
}

interface LookRow {
  orderId: string;
  workOrderId: string;
  kind: string;
  workerId: string | null;
  revision: number;
  value: string;
  part: { platformId: string; key: string } | null;
}

const isFinalStep = ({ state }: Step): boolean => ['failed', 'cancelled'].includes(state.status);
