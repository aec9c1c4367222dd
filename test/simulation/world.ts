import type { Logger } from 'pino';
import { RefusedError } from '../../src/errors.js';
import type { Bundle } from '../../src/machines/begin-order.js';
import type { Lever } from '../../src/machines/levers.js';
import { createSealer } from '../../src/secrets.js';
import { isHeld, type SimulatedCloud } from '../../src/simulators/http.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { applicationName } from '../../src/store/ownership.js';
import type { SeenEvent, SeenRejection, SentLever, SentMessage } from '../invariants/evidence.js';
import { checkInvariants } from '../invariants/check.js';
import { cloudEvidence } from '../invariants/from-cloud.js';
import { ControlSide } from '../support/control-side.js';
import { type Book, type Errand, statusOf, writeBook } from './billing.js';
import { SimulatedBroker } from './broker.js';
import { chance, type Chance, installChance } from './chance.js';
import { adminPassword, type WorldCloud } from '../clouds/test-cloud.js';
import { drawTroubles, type Profile, settleWindowMs, type Troubles } from './faults.js';
import { simulatedHttp } from './network.js';
import type { SimulatedStore, StoreWeather } from './store.js';
import { Trace } from './trace.js';
import { realNow, SimulatedProcess, type VirtualTime } from './virtual-time.js';
import { Watch } from './watch.js';
import { startWorker, stopWorker, topics, type WorkerProcess } from './worker-process.js';

export interface SeedResult {
  seed: number;
  violations: string[];
  /** Same seed, same digest. */
  digest: string;
  /** The end of what happened. */
  tail: string[];
  orders: number;
  /** How often each fault struck, and how the orders ended. */
  counts: Record<string, number>;
  virtualMs: number;
  realMs: number;
}

export interface SeedOptions {
  profile: Profile;
  cloud: WorldCloud & { kind: string };
  /** Every line of the trace, while it happens. */
  print?: (line: string) => void;
}

/** Liveness: after the last trouble everything has to be settled within this time (I7). */
const patienceMs = 15 * 60_000;
/** How far a clock may jump; an alarm set by a clock that was ahead rings as much later. */
const longJumpMs = 3_600_000;
/** A world that rings more often than this does not come to rest. */
const mostRings = 3_000_000;
const platformIds = ['7f61019a8d3011e7aebb005056aaa8be', 'sjif259a8d3011e7aebb005056aaa8be'];
const pace = {
  settleMs: 500,
  holdMs: 1_000,
  cutMs: 1_000,
  watchMs: 200,
  retryMs: 300,
  retryMaxMs: 3_000,
  pollMinMs: 100,
  pollMaxMs: 1_000,
};

/** Runs the world of one seed from its first message to its last check. */
export async function runSeed(
  seed: number,
  time: VirtualTime,
  store: SimulatedStore,
  options: SeedOptions,
): Promise<SeedResult> {
  const startedAt = realNow();
  const restore = [installChance(seed)];
  time.reset();
  restore.push(time.install());
  try {
    store.reset();
    const world = new World(seed, time, store, options);
    const result = await world.run();
    return { ...result, realMs: realNow() - startedAt };
  } finally {
    for (const undo of restore.toReversed()) undo();
  }
}

class World {
  private readonly trace: Trace;
  private readonly troubles: Troubles;
  private readonly random: Chance;
  private readonly counts: Record<string, number> = {};
  private readonly violations: string[] = [];
  private readonly logs: string[] = [];
  private readonly billing = new SimulatedProcess('billing');
  private readonly cloudProcess = new SimulatedProcess('cloud');
  private readonly cloud: SimulatedCloud;
  private readonly broker: SimulatedBroker;
  private readonly sealer = createSealer(Buffer.from(Array.from({ length: 32 }, (_, i) => i)));
  private readonly book: Book;
  private readonly sent: SentMessage[] = [];
  private readonly levers: SentLever[] = [];
  private readonly bundle: Bundle;
  private readonly watch: Watch;
  private workers: WorkerProcess[] = [];
  private started = 0;
  private peace = false;
  private longestJumpMs = 0;
  /** Errands that are not done yet. */
  private open = 0;
  /** Crossings until the next armed crash, and what dies there. */
  private fuses: { crossings: number; burn: (process: SimulatedProcess) => void }[] = [];

  constructor(
    private readonly seed: number,
    private readonly time: VirtualTime,
    private readonly store: SimulatedStore,
    private readonly options: SeedOptions,
  ) {
    this.trace = new Trace(() => time.elapsedMs, 40, options.print ?? null);
    this.random = chance(seed, 'world');
    this.troubles = drawTroubles(seed, options.profile, options.cloud);
    this.bundle = {
      policy: this.random.pick(['rollback', 'rollback', 'keep-master', 'best-effort']),
      undoAfterMs: this.random.pick([0, 1_000, 10_000]),
    };
    const isLost = options.profile === 'lost-answers';
    this.book = writeBook(chance(seed, 'billing'), {
      orders: isLost ? 10 : this.random.int(1, 4),
      withinMs: Math.min(this.troubles.untilMs, 8_000),
      noise: !isLost,
      several: options.profile === 'swarm' ? chance(seed, 'quantities') : null,
    });
    this.cloud = time.as(this.cloudProcess, () => options.cloud.build(this.random));
    this.watch = new Watch({
      now: () => time.elapsedMs,
      clockOf: (process) => time.now + process.clockOffsetMs,
      ask: (text, values = []) => store.ask({ text, values }).rows,
      isReachable: (process) =>
        this.workers.every((one) => one.process !== process || time.elapsedMs >= one.cutOffUntil),
      isPeace: () => this.peace,
      isChange: (name) => options.cloud.isChange(name),
      report: (text) => this.violations.push(text),
    });
    const weather = chance(seed, 'broker');
    const { broker } = this.troubles;
    this.broker = new SimulatedBroker(
      time,
      {
        delayMs: () => weather.between(0.5, 8),
        sendFault: () => {
          if (this.peace) return 'none';
          if (weather.happens(broker.lostBefore)) return this.counted('broker lost-before', 'lost-before');
          return weather.happens(broker.lostAfter) ? this.counted('broker lost-after', 'lost-after') : 'none';
        },
        commitFails: () => !this.peace && weather.happens(broker.commitFails) && this.counted('broker commit', true),
      },
      this.trace,
    );
  }

  async run(): Promise<Omit<SeedResult, 'realMs'>> {
    await this.prepare();
    const workers = this.options.profile === 'lost-answers' ? 1 : this.random.int(1, 3);
    for (let i = 0; i < workers; i++) this.startSoon(this.random.between(0, 500));
    this.broker.start();
    this.watchOn();
    this.open = this.book.errands.length;
    for (const errand of this.book.errands) this.time.after(this.billing, errand.atMs, () => this.doErrand(errand));
    this.planTroubles();

    const { untilMs } = this.troubles;
    let nextLookAt = 0;
    const settled = () => {
      if (this.violations.length > 0 || this.time.rung > mostRings) return true;
      if (this.open > 0 || this.time.elapsedMs < nextLookAt) return false;
      nextLookAt = this.time.elapsedMs + 500;
      return this.isSettled();
    };
    const start = this.time.now;
    // With nothing left to do there is no need to wait for the troubles to end.
    if (!(await this.time.run(settled, start + untilMs))) {
      this.makePeace();
      nextLookAt = 0;
      if (!(await this.time.run(settled, start + untilMs + patienceMs + this.longestJumpMs)))
        this.violations.push(...this.unsettled());
    } else this.makePeace();
    if (this.time.rung > mostRings) this.violations.push(`I7: the world does not come to rest: ${mostRings} wake-ups`);
    await this.judge();
    this.end();
    return {
      seed: this.seed,
      violations: this.violations,
      tail: this.trace.last,
      digest: this.trace.digest(),
      orders: this.book.secrets.length,
      counts: this.counts,
      virtualMs: this.time.elapsedMs,
    };
  }

  // What is there from the start.

  private async prepare(): Promise<void> {
    const { cloud } = this.options;
    const secret = cloud.credentials(this.random);
    for (const [i, platformId] of platformIds.entries()) {
      await insertPlatform(this.store.sql as never, {
        platformId,
        name: `dc-${i + 1}`,
        kind: cloud.kind,
        serviceUrl: `http://cloud.simulation${cloud.servicePath}`,
        state: 'open',
        settings: {
          ...cloud.settings,
          callsPerSecond: 500,
          requestTimeoutMs: 2_000,
          catalogueTtlMs: this.random.pick([0, 5_000, 60_000]),
          pace: { ...pace, jobDeadlineMs: 20_000 },
        },
        sealedCredentials: this.sealer.seal(JSON.stringify(secret), platformId),
      });
    }
    this.control('POST', '/_sim/faults', this.troubles.cloud);
  }

  private control(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): unknown {
    const answer = this.time.as(this.cloudProcess, () =>
      this.cloud.handle({ method, path, query: '', headers: {}, body: body === undefined ? '' : JSON.stringify(body) }),
    );
    if (answer === 'cut' || isHeld(answer) || answer.status >= 300) throw new Error(`${method} ${path} was refused`);
    return JSON.parse(answer.body);
  }

  // Workers.

  private startSoon(delayMs: number): void {
    const number = ++this.started;
    this.time.after(null, delayMs, () => {
      const process = new SimulatedProcess(`worker-${number}`);
      const workerId = `w${number}-${this.seed}`;
      const running: WorkerProcess = {
        process,
        applicationName: applicationName(workerId),
        worker: null,
        consumer: null,
        publisher: null,
        cutOffUntil: 0,
      };
      this.workers.push(running);
      this.trace.add(process.name, 'starts');
      this.store.openSessions(running.applicationName);
      const weather = this.roads(running);
      this.time.as(process, () => {
        void startWorker(running, {
          pool: this.store.openPool(process, weather.store, this.trace),
          kafka: this.broker.client(process),
          sealer: this.sealer,
          log: this.logOf(process),
          workerId,
          leaseMs: 6_000,
          bundle: this.bundle,
          openHttp: ({ timeoutMs }) =>
            simulatedHttp({
              time: this.time,
              process,
              cloud: this.cloud,
              nameOf: this.options.cloud.nameOf,
              cloudProcess: this.cloudProcess,
              timeoutMs,
              weather: weather.network,
              trace: this.trace,
              watch: this.watch,
            }),
          watch: this.watch,
        }).catch((error: unknown) => this.kill(running, `could not start: ${(error as Error).message}`));
      });
    });
  }

  /** The roads of one worker, with what happens on them. */
  private roads(running: WorkerProcess) {
    const { process } = running;
    const random = chance(this.seed, `roads of ${process.name}`);
    const mayDouble = (name: string) =>
      this.options.profile === 'doubled-creates' || this.options.cloud.mayDouble(name);
    const drawn = <Fault extends string>(rates: Partial<Record<Fault, number>>, what: string): Fault | 'none' => {
      if (this.peace) return 'none';
      for (const [fault, rate] of Object.entries(rates) as [Fault, number][]) {
        if (random.happens(rate)) return this.counted(`${what} ${fault}`, fault);
      }
      return 'none';
    };
    const crossing = (who: SimulatedProcess) => this.cross(who);
    const store: StoreWeather = {
      delayMs: () => random.between(0.1, 1.5),
      fault: () => (this.time.elapsedMs < running.cutOffUntil ? 'lost-before' : drawn(this.troubles.store, 'store')),
      faultDelayMs: (fault) => (fault === 'late' ? random.between(1, 400) : random.between(100, 5_000)),
      crossing,
      executed: (who, statement, result, isAlone) => this.watch.sqlAnswered(who, statement, result, { isAlone }),
    };
    const network = {
      delayMs: () => random.between(1, 30),
      fault: (name: string) => {
        const fault = drawn(this.troubles.network, 'network');
        return fault === 'doubled' && !mayDouble(name) ? 'none' : fault;
      },
      // A late request comes within the settle window, beyond which nobody can tell it from one that was lost.
      lateMs: (fault: string) =>
        fault === 'answer-late' ? random.between(1, 5_000) : random.between(1, settleWindowMs * 0.6),
      crossing,
    };
    return { store, network };
  }

  /** A worker stands at a wire. */
  private cross(process: SimulatedProcess): void {
    if (this.peace || this.fuses.length === 0) return;
    for (const fuse of this.fuses) fuse.crossings -= 1;
    const burnt = this.fuses.find(({ crossings }) => crossings <= 0);
    if (!burnt) return;
    this.fuses = this.fuses.filter((one) => one !== burnt);
    burnt.burn(process);
  }

  private kill(running: WorkerProcess, why: string): void {
    const { process } = running;
    if (!process.alive) return;
    this.trace.add(process.name, `dies: ${why}`);
    process.alive = false;
    this.store.processGone(process);
    this.store.closeSessions(running.applicationName);
    this.workers = this.workers.filter((one) => one !== running);
    this.startSoon(this.random.between(50, 4_000));
  }

  private get ready(): WorkerProcess[] {
    return this.workers.filter(({ worker, process }) => worker !== null && !process.frozen);
  }

  private logOf(process: SimulatedProcess): Logger {
    const line = (level: string) => (fields: object, message?: string) => {
      // Where the sources lie says nothing of what happened, and differs from run to run.
      const text = `${level} ${message ?? ''} ${JSON.stringify(fields)}`.replaceAll(/\(?file:[^\s"\\]*/g, '');
      this.logs.push(text);
      this.trace.add(process.name, text.slice(0, 400));
      this.watch.logLine(process, fields, message);
      // Our own bugs; everything else is weather.
      const isBug = /is not an answer|could not be planned/.test(text) && !text.includes('Connection terminated');
      if (level === 'fatal' || isBug) {
        this.violations.push(`log: ${process.name}: ${text.slice(0, 1_500)}`);
      }
    };
    const log = { debug: () => {}, trace: () => {} };
    for (const level of ['info', 'warn', 'error', 'fatal']) Object.assign(log, { [level]: line(level) });
    return log as unknown as Logger;
  }

  // Troubles.

  private planTroubles(): void {
    const { untilMs, crashes, freezes, clockJumps, gracefulStops, partitions, levers } = this.troubles;
    const at = (count: number, what: string, happen: () => void) => {
      for (let i = 0; i < count; i++) {
        this.time.after(null, this.random.between(200, untilMs), () => {
          if (this.peace) return;
          this.count(what);
          happen();
        });
      }
    };
    const someone = (act: (running: WorkerProcess) => void) => {
      const { ready } = this;
      if (ready.length > 0) act(this.random.pick(ready));
    };
    at(crashes, 'crash', () => {
      // Not at a moment but at a wire: just before something leaves, when it is on its way, or when its answer comes.
      this.fuses.push({
        crossings: this.random.int(1, 12),
        burn: (process) => {
          const running = this.workers.find((one) => one.process === process);
          if (running) this.kill(running, 'kill -9');
        },
      });
    });
    at(freezes, 'freeze', () => someone((running) => this.freeze(running, this.random.between(1_000, 15_000))));
    at(clockJumps, 'clock jump', () =>
      someone(({ process }) => {
        const sizeMs = this.random.happens(0.05) ? longJumpMs : this.random.int(2_000, 120_000);
        process.clockOffsetMs = this.random.happens(0.5) ? sizeMs : -sizeMs;
        this.longestJumpMs = Math.max(this.longestJumpMs, sizeMs);
        this.trace.add(process.name, `clock jumps by ${process.clockOffsetMs} ms`);
      }),
    );
    at(gracefulStops, 'graceful stop', () =>
      someone((running) => {
        this.trace.add(running.process.name, 'is asked to stop');
        this.time.as(running.process, () => {
          const stopped = running.worker;
          running.worker = null;
          void stopWorker({ ...running, worker: stopped }).then(
            () => this.kill(running, 'stopped'),
            (error: unknown) => this.kill(running, `stopped with ${(error as Error).message}`),
          );
        });
        // What a supervisor does with a process that does not end.
        this.time.after(null, 30_000, () => this.kill(running, 'kill -9 after 30 s'));
      }),
    );
    at(levers, 'lever', () => someone((running) => this.pullLever(running)));
    at(partitions, 'cut off from the database', () =>
      someone((running) => {
        const forMs = this.random.between(500, 12_000);
        running.cutOffUntil = this.time.elapsedMs + forMs;
        this.trace.add(running.process.name, `is cut off from the database for ${Math.round(forMs)} ms`);
        this.store.processGone(running.process);
        this.store.closeSessions(running.applicationName);
        this.time.after(null, forMs, () => {
          if (running.process.alive) this.store.openSessions(running.applicationName);
        });
      }),
    );
  }

  /** An operator who pulls some lever at some order, on any worker. */
  private pullLever(running: WorkerProcess): void {
    const orders = this.store.ask({
      text: `select order_id, work_order_id from work_order where kind = 'billing' order by created_at, order_id`,
    }).rows;
    if (orders.length === 0) return;
    const { order_id: orderId, work_order_id: workOrderId } = this.random.pick(orders) as Record<string, string>;
    const act = this.random.pick(['cancel', 'hold', 'hold', 'resume', 'resume', 'replay', 'replay', 'skip'] as const);
    const reason = `operator ${this.levers.length}`;
    const lever: Lever = act === 'skip' ? { act, itemIndex: this.random.int(0, 3), reason } : { act, reason };
    const entry: SentLever = { action: `orders.${act}`, workOrderId: workOrderId ?? '', reason, answer: null };
    this.levers.push(entry);
    const answered = (answer: number | null, why = '') => {
      entry.answer = answer;
      this.count(`lever ${act} ${answer ?? 'no answer'}`);
      this.trace.add('operator', `${act} ${workOrderId} at ${running.process.name}: ${answer ?? 'no answer'} ${why}`);
    };
    this.time.as(running.process, () => {
      void running.worker?.levers.pull(orderId ?? '', lever, { actor: 'operator', seenRevision: null }).then(
        () => this.time.after(null, 1, () => answered(200)),
        (error: unknown) => {
          // What is not refused may have been done: its answer says nothing.
          const isRefused = error instanceof RefusedError && error.code !== 'SYS_BUSY';
          this.time.after(null, 1, () => answered(isRefused ? 409 : null, (error as Error).message));
        },
      );
    });
  }

  /** When the troubles are over operators look after what was put on hold and what could not be undone, as they have to. */
  private lookAfterOrders(): void {
    const [running] = this.ready;
    if (!running) return void this.time.after(null, 1_000, () => this.lookAfterOrders());
    const waiting = this.store.ask({
      text: `select order_id, work_order_id, case machine ->> 'value' when 'paused' then 'resume' else 'replay' end as act
               from work_order where machine ->> 'value' in ('paused', 'undoStuck') order by order_id`,
    }).rows as { order_id: string; work_order_id: string; act: 'resume' | 'replay' }[];
    for (const { order_id: orderId, work_order_id: workOrderId, act } of waiting) {
      const reason = 'after the troubles';
      const entry: SentLever = { action: `orders.${act}`, workOrderId, reason, answer: null };
      this.levers.push(entry);
      this.time.as(running.process, () => {
        void running.worker?.levers.pull(orderId, { act, reason }, { actor: 'operator', seenRevision: null }).then(
          () => (entry.answer = 200),
          (error: unknown) => {
            if (error instanceof RefusedError && error.code !== 'SYS_BUSY') entry.answer = 409;
          },
        );
      });
    }
  }

  private freeze(running: WorkerProcess, forMs: number): void {
    const { process } = running;
    this.trace.add(process.name, `freezes for ${Math.round(forMs)} ms`);
    process.frozen = true;
    // PostgreSQL ends transactions that are idle for a minute; here at once, since they would stop the whole store.
    this.store.processGone(process);
    this.time.after(null, forMs, () => {
      if (!process.alive) return;
      this.trace.add(process.name, 'thaws');
      this.time.thaw(process);
    });
  }

  private makePeace(): void {
    this.trace.add('world', 'the troubles are over');
    for (const fault of (this.control('GET', '/_sim/faults') as { faults: { kind: string; struck: number }[] })
      .faults) {
      this.count(`cloud ${fault.kind}`, fault.struck);
    }
    this.control('DELETE', '/_sim/faults');
    this.peace = true;
    this.fuses = [];
    for (const { process } of this.workers) process.clockOffsetMs = 0;
    this.lookAfterOrders();
  }

  // Billing.

  private doErrand(errand: Errand): void {
    if (errand.channel === 'kafka') {
      const { bytes, workOrderId, key } = errand.message;
      const offset = this.broker.append(topics.orders, { key, value: bytes });
      this.trace.add('billing', `record ${offset}: ${workOrderId} ${errand.message.made}`);
      this.sent.push({
        channel: 'kafka',
        bytes,
        workOrderId,
        answer: 'acknowledged',
        place: { topic: topics.orders, partition: 0, offset },
      });
      this.open -= 1;
    } else this.post(errand);
  }

  /** Posts it until it is answered; who does not answer in time may have taken it all the same. */
  private post(errand: Errand): void {
    const { message } = errand;
    const again = () => this.time.after(this.billing, this.random.between(200, 2_000), () => this.post(errand));
    const { ready } = this;
    if (ready.length === 0) return void again();
    const { worker, process } = this.random.pick(ready);
    const entry: SentMessage = {
      channel: 'http',
      bytes: message.bytes,
      workOrderId: message.workOrderId,
      answer: null,
    };
    this.sent.push(entry);
    let isOver = false;
    const over = (answer: number | null) => {
      if (isOver) return;
      isOver = true;
      entry.answer = answer;
      this.trace.add('billing', `${message.workOrderId} ${message.made}: ${answer ?? 'no answer'}`);
      if (answer === null || answer >= 500) again();
      else this.open -= 1;
    };
    this.time.as(process, () => {
      void worker?.intake
        .receive({
          channel: 'http',
          origin: 'billing',
          bytes: message.bytes,
          contentType: message.contentType,
          headers: {},
        })
        .then(
          (receipt) => this.time.after(this.billing, 1, () => over(statusOf(receipt))),
          () => this.time.after(this.billing, 1, () => over(503)),
        );
    });
    this.time.after(this.billing, 8_000, () => over(null));
  }

  // The end.

  private isSettled(): boolean {
    if (this.unfinished().length > 0) return false;
    const { rows } = this.store.ask({
      text: `select (select count(*)::int from event) as events,
                    (select count(*)::int from received_message
                      where verdict in ('conflict', 'set-aside', 'refused')) as rejected`,
    });
    const told = (topic: string, id: 'id' | 'messageId') =>
      new Set(this.broker.records(topic).map(({ value }) => jsonOf<Record<string, unknown>>(value)[id])).size;
    if (told(topics.events, 'id') < (rows[0]?.['events'] as number)) return false;
    if (told(topics.rejected, 'messageId') < (rows[0]?.['rejected'] as number)) return false;
    return (this.broker.committedOffset(topics.orders) ?? 0) >= this.broker.records(topics.orders).length;
  }

  /** Orders that are neither at their end nor wait for a person with nothing under way. */
  private unfinished(): Record<string, unknown>[] {
    return this.store.ask({
      text: `select o.work_order_id, o.status, o.machine ->> 'value' as state, o.worker_id,
                    (select string_agg(c.name || ':' || c.state, ' ' order by c.number) from cloud_operation c
                      where c.order_id = o.order_id and c.finished_at is null) as operations
               from work_order o
              where o.finished_at is null
                and (exists (select from cloud_operation c
                              where c.order_id = o.order_id and c.finished_at is null and c.state <> 'stuck')
                     or (o.status <> 'held' and o.machine ->> 'value' <> 'undoStuck'))
              order by o.created_at, o.order_id`,
    }).rows;
  }

  private unsettled(): string[] {
    const found = this.unfinished().map((row) => `I7: not settled in time: ${JSON.stringify(row)}`);
    if (this.open > 0) found.push(`I7: ${this.open} messages were never answered`);
    if (found.length === 0) found.push('I11: not everything was published, or read, in time');
    return found;
  }

  /** The watch looks every second. */
  private watchOn(): void {
    this.time.after(null, 1_000, () => {
      this.watch.tick();
      this.watchOn();
    });
  }

  private async judge(): Promise<void> {
    // Who stops at the first thing that is wrong has not come to the end.
    const isCut = this.violations.length > 0;
    if (!isCut) this.watch.end();
    for (const [what, times] of Object.entries(this.watch.seen)) this.count(`watch ${what}`, times);
    const control = new ControlSide(async (method, path, body) => this.control(method, path, body));
    const { rows } = this.store.ask({
      text: `select o.kind, o.status, o.machine ->> 'value' as state, o.machine -> 'context' -> 'reason' ->> 'code' as code,
                    o.revision, count(*)::int as orders from work_order o group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
    });
    for (const row of rows) {
      const reason = row['status'] === 'held' ? ` ${row['state'] as string} ${row['code'] as string}` : '';
      this.count(`${row['kind'] as string} ${row['status'] as string}${reason}`, row['orders'] as number);
      this.trace.add('world', JSON.stringify(row));
    }
    const end = this.broker.records(topics.orders).length;
    const report = await checkInvariants(
      {
        sql: this.store.sql,
        clouds: [await cloudEvidence(control, { name: 'cloud' })],
        sent: this.sent,
        intake: {
          topic: topics.orders,
          partitions: [{ partition: 0, committed: this.broker.committedOffset(topics.orders), end }],
        },
        events: this.broker.records(topics.events).map(({ key, value, headers }) => ({
          ...jsonOf<Omit<SeenEvent, 'text'>>(value),
          text: `${value?.toString() ?? ''}${JSON.stringify(headers)}`,
          key,
        })),
        rejected: this.broker.records(topics.rejected).map(({ value }) => ({
          ...jsonOf<Omit<SeenRejection, 'text'>>(value),
          text: value?.toString() ?? '',
        })),
        outputs: [{ name: 'logs', text: this.logs.join('\n') }],
        levers: this.levers,
        secrets: [...this.book.secrets, adminPassword],
        settleWindowMs,
      },
      { stillRunning: isCut },
    );
    this.violations.push(...report.violations.map(({ invariant, text }) => `${invariant}: ${text}`));
    for (const [name, figure] of Object.entries(report.figures)) this.count(`figure ${name}`, figure);
  }

  private end(): void {
    for (const { process } of this.workers) process.alive = false;
    this.billing.alive = false;
    this.cloudProcess.alive = false;
    this.cloud.close();
  }

  private count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  private counted<T>(what: string, value: T): T {
    this.count(what);
    return value;
  }
}

function jsonOf<T>(value: Buffer | null): T {
  return JSON.parse(value?.toString() ?? '{}') as T;
}
