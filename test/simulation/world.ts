import type { Logger } from 'pino';
import type { Bundle } from '../../src/machines/begin-order.js';
import { createSealer } from '../../src/secrets.js';
import type { SimulatedResource } from '../../src/simulators/control.js';
import { isHeld, type SimulatedCloud } from '../../src/simulators/http.js';
import { insertPlatform } from '../../src/store/platforms.js';
import { applicationName } from '../../src/store/ownership.js';
import type { SeenEvent, SeenRejection, SentMessage } from '../invariants/evidence.js';
import { checkInvariants } from '../invariants/check.js';
import { cloudEvidence } from '../invariants/from-cloud.js';
import { ControlSide } from '../support/control-side.js';
import { type Book, type Errand, orderAgain, statusOf, writeBook, writeUnkindBook } from './billing.js';
import { SimulatedBroker } from './broker.js';
import { chance, type Chance, installChance } from './chance.js';
import { adminPassword, type WorldCloud } from '../clouds/test-cloud.js';
import { drawTroubles, type Profile, settleWindowMs, type Troubles } from './faults.js';
import { type NetworkFault, simulatedHttp } from './network.js';
import { Operators } from './operators.js';
import { Others } from './others.js';
import type { Statement, SimulatedStore, StoreWeather } from './store.js';
import { Trace } from './trace.js';
import { SimulatedProcess, type VirtualTime } from './virtual-time.js';
import { type Burst, type Unkindness, unkindnesses } from './unkindness.js';
import { Watch } from './watch.js';
import { stepsOf } from './watch-store.js';
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
  /** Of a processor: what else the machine does is no cost of the simulation. */
  cpuMs: number;
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
const minuteMs = 60_000;
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

/** Orders that are neither at their end nor wait for a person with nothing under way. */
const underWay = `from work_order o
  where o.finished_at is null
    and (exists (select from cloud_operation c
                  where c.order_id = o.order_id and c.finished_at is null and c.state <> 'stuck')
         or (o.status <> 'held' and o.machine ->> 'value' <> 'undoStuck'))`;

/** Runs the world of one seed from its first message to its last check. */
export async function runSeed(
  seed: number,
  time: VirtualTime,
  store: SimulatedStore,
  options: SeedOptions,
): Promise<SeedResult> {
  const before = process.cpuUsage();
  const restore = [installChance(seed)];
  time.reset();
  restore.push(time.install());
  try {
    store.reset();
    const world = new World(seed, time, store, options);
    const result = await world.run();
    const { user, system } = process.cpuUsage(before);
    return { ...result, cpuMs: (user + system) / 1_000 };
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
  private readonly operators: Operators;
  private others: Others | null = null;
  private readonly unkind: Unkindness | null;
  private readonly bundle: Bundle;
  private readonly watch: Watch;
  private workers: WorkerProcess[] = [];
  private started = 0;
  private peace = false;
  /** By how much clocks were set at most, ms: what was to ring then may ring that much later. */
  private jumpedMs = 0;
  /** Workers that are about to start. */
  private starting = 0;
  /** The day is over: nobody replaces a worker that ends while another one is left. */
  private isNight = false;
  /** Services that stand still, and clouds that nobody gets into (from `refusesFrom` on), until when. */
  private stillstands: { service: string; refusesFrom: number; until: number }[] = [];
  /** Orders whose next step is refused, with what SQLSTATE; and all that this ever happened to. */
  private readonly refused = new Map<string, string>();
  private readonly provoked = new Set<string>();
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
    this.unkind = this.troubles.unkind;
    const isLost = options.profile === 'lost-answers';
    this.book = this.unkind
      ? writeUnkindBook(chance(seed, 'billing'), this.unkind)
      : writeBook(chance(seed, 'billing'), {
          orders: isLost ? 10 : this.random.int(1, 4),
          withinMs: Math.min(this.troubles.untilMs, 8_000),
          noise: !isLost,
          several: options.profile === 'swarm' ? chance(seed, 'quantities') : null,
        });
    this.operators = new Operators({
      time,
      store,
      trace: this.trace,
      random: this.unkind ? chance(seed, 'operators') : this.random,
      count: (what) => this.count(what),
      resources: () => this.resources(),
    });
    this.cloud = time.as(this.cloudProcess, () => options.cloud.build(this.random));
    this.watch = new Watch({
      now: () => time.elapsedMs,
      as: (process, look) => time.as(process, look),
      ask: (text, values = []) => store.ask({ text, values }).rows,
      isReachable: (process) =>
        !store.isAway && this.workers.every((one) => one.process !== process || time.elapsedMs >= one.cutOffUntil),
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

  async run(): Promise<Omit<SeedResult, 'cpuMs'>> {
    await this.prepare();
    const workers = this.options.profile === 'lost-answers' ? 1 : this.random.int(1, 3);
    for (let i = 0; i < workers; i++) this.startSoon(this.random.between(0, 500));
    this.broker.start();
    this.watchOn();
    this.open = this.book.errands.length;
    for (const errand of this.book.errands) this.time.after(this.billing, errand.atMs, () => this.doErrand(errand));
    if (this.unkind) await this.runBursts(this.unkind);
    else await this.runOnce();
    if (this.time.rung > mostRings) this.violations.push(`I7: the world does not come to rest: ${mostRings} wake-ups`);
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

  /** One burst of troubles, and then peace until everything has settled. */
  private async runOnce(): Promise<void> {
    this.faultsOn();
    this.planTroubles({ atMs: 0, troubleMs: this.troubles.untilMs });
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
      if (!(await this.time.run(settled, start + untilMs + patienceMs + this.jumpedMs)))
        this.violations.push(...this.unsettled());
    } else this.makePeace();
    await this.judge();
  }

  /** Several bursts, hours apart; then people look after what waits for them; then an hour in which what is late may happen. */
  private async runBursts({ bursts }: Unkindness): Promise<void> {
    const isOver = () => this.violations.length > 0 || this.time.rung > mostRings;
    for (const [i, burst] of bursts.entries()) {
      await this.sleepUntil(burst.atMs);
      this.trace.add('world', `burst ${i + 1}`);
      this.peace = false;
      this.faultsOn();
      this.planTroubles(burst);
      await this.runUntil(isOver, burst.atMs + burst.troubleMs);
      this.makePeace();
      const next = bursts[i + 1];
      if (!next) break;
      const later = this.book.errands.filter(({ atMs }) => atMs >= next.atMs).length;
      const isQuiet = this.everySoOften(() => this.open <= later && this.isSettled());
      // What has not settled by then goes on when the machines wake up.
      await this.runUntil(() => isOver() || isQuiet(), Math.min(this.time.elapsedMs + 45_000, next.atMs));
    }
    this.lookAfterOrders();
    const isEnded = this.everySoOften(() => this.open === 0 && this.isEnded());
    const untilMs = this.time.elapsedMs + patienceMs + this.jumpedMs;
    if (!(await this.runUntil(() => isOver() || isEnded(), untilMs))) this.violations.push(...this.unsettled());
    if (isOver()) return;
    await this.judge('at the end');
    const endMs = this.time.elapsedMs;
    this.isNight = true;
    for (const [i, running] of this.workers.entries()) if (i > 0) this.stop(running);
    for (const afterMs of [10 * minuteMs, 60 * minuteMs]) {
      if (isOver()) return;
      await this.sleepUntil(endMs + afterMs - 3_000);
      await this.runUntil(isOver, endMs + afterMs + 12_000);
      if (!(await this.runUntil(() => isOver() || isEnded(), this.time.elapsedMs + patienceMs))) {
        this.violations.push(...this.unsettled());
      }
      if (isOver()) return;
      await this.judge(`${afterMs / minuteMs} minutes after the end`);
    }
  }

  /** @param atMs after the start of the world. @returns false when that came first */
  private runUntil(done: () => boolean, atMs: number): Promise<boolean> {
    return this.time.run(done, this.time.now - this.time.elapsedMs + atMs);
  }

  /** Looking is dear: twice a second of virtual time is often enough. */
  private everySoOften(look: () => boolean): () => boolean {
    let nextAt = 0;
    return () => {
      if (this.time.elapsedMs < nextAt) return false;
      nextAt = this.time.elapsedMs + 500;
      return look();
    };
  }

  /**
   * Hours in which nothing is sent: all machines and PostgreSQL are suspended, the cloud is not. A heartbeat a second would make hours too
   * dear to be tried. The monotonic clocks stand still, those on the wall do not; nobody takes anybody for dead.
   */
  private async sleepUntil(atMs: number): Promise<void> {
    if (this.time.elapsedMs >= atMs) return;
    const mayFallAsleep = () =>
      this.violations.length > 0 ||
      (this.store.isIdle && this.starting === 0 && this.workers.every(({ process }) => !process.frozen));
    await this.runUntil(mayFallAsleep, Math.min(atMs, this.time.elapsedMs + 120_000));
    if (!mayFallAsleep()) return void (await this.runUntil(() => this.violations.length > 0, atMs));
    const fromMs = this.time.elapsedMs;
    const sleepers = [...this.workers];
    this.trace.add('world', `sleeps until ${atMs}`);
    for (const { process } of sleepers) process.frozen = true;
    await this.runUntil(() => false, atMs);
    const sleptMs = this.time.elapsedMs - fromMs;
    this.count('seconds asleep', Math.round(sleptMs / 1_000));
    this.store.ask({
      text: `update worker set heartbeat_at = heartbeat_at + make_interval(secs => $1::float8 / 1000)`,
      values: [sleptMs],
    });
    for (const { process } of sleepers) {
      process.asleepMs += sleptMs;
      if (process.alive) this.time.thaw(process);
    }
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
          requestTimeoutMs: this.unkind?.requestTimeoutMs ?? 2_000,
          catalogueTtlMs: this.random.pick([0, 5_000, 60_000]),
          pace: this.unkind?.pace ?? { ...pace, jobDeadlineMs: 20_000 },
        },
        sealedCredentials: this.sealer.seal(JSON.stringify(secret), platformId),
      });
    }
    this.store.onError = (label, { code, message }) => {
      if (this.unkind && /^[0-9A-Z]{5}$/.test(code ?? ''))
        this.violations.push(`SQLSTATE ${code} that nobody injected, of ${label}: ${message}`);
    };
    if (!this.unkind) return;
    for (const what of unkindnesses) this.count(what, 0);
    this.count('order of an unknown kind', this.book.unknownKinds.size);
    const { latency } = this.unkind;
    if (latency) this.control('POST', '/_sim/latency', latency);
    if (latency) this.count('slow jobs and long polls');
    if (this.unkind.isBeyond) this.count('requests carried out beyond every deadline');
    this.others = new Others({
      time: this.time,
      store: this.store,
      trace: this.trace,
      random: chance(this.seed, 'others'),
      count: (what) => this.count(what),
      resources: () => this.resources(),
      stranger: cloud.stranger((request) => {
        const asked = { query: '', headers: {}, body: '', ...request };
        const answer = this.time.as(this.cloudProcess, () => this.cloud.handle(asked));
        // A stranger does not wait for a service that is frozen; what he asked for is carried out all the same.
        return answer === 'cut' || isHeld(answer) ? 'cut' : answer;
      }),
      platformIds,
      userIds: this.book.userIds,
      rotated: (before) => cloud.rotated(before, this.random),
      credentials: secret,
      ready: () => this.ready,
    });
  }

  /** Everything alive at the cloud. */
  private resources(): SimulatedResource[] {
    return (this.control('GET', '/_sim/resources') as { resources: SimulatedResource[] }).resources;
  }

  private faultsOn(): void {
    this.control('POST', '/_sim/faults', this.troubles.cloud);
  }

  private faultsOff(): void {
    const { faults } = this.control('GET', '/_sim/faults') as { faults: { kind: string; struck: number }[] };
    for (const fault of faults) this.count(`cloud ${fault.kind}`, fault.struck);
    this.control('DELETE', '/_sim/faults');
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
    this.starting += 1;
    this.time.after(null, delayMs, () => {
      this.starting -= 1;
      const process = new SimulatedProcess(`worker-${number}`);
      process.clockOffsetMs = this.store.server.clockOffsetMs;
      const workerId = `w${number}-${this.seed}`;
      const running: WorkerProcess = {
        process,
        applicationName: applicationName(workerId),
        worker: null,
        consumer: null,
        publisher: null,
        registry: null,
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
      faultDelayMs: (fault) =>
        fault === 'late' && !(this.unkind && random.happens(0.3)) ? random.between(1, 400) : random.between(100, 5_000),
      refusal: (statement) => this.refusalOf(statement),
      crossing,
      executed: (...executed) => this.watch.sqlAnswered(...executed),
    };
    const network = {
      delayMs: () => random.between(1, 30),
      fault: (name: string): NetworkFault => {
        const now = this.time.elapsedMs;
        if (this.stillstands.some(({ refusesFrom, until }) => refusesFrom <= now && now < until))
          return 'no-connection';
        const fault = drawn(this.troubles.network, 'network');
        if (fault === 'doubled' && !mayDouble(name)) return 'none';
        const changes = !/^(GET|HEAD|list|query)/.test(name);
        return (fault === 'held' || fault === 'held-cut') && !changes ? 'none' : fault;
      },
      // A late request comes within the settle window, beyond which nobody can tell it from one that was lost; or within the time
      // that the platform allows for it; or, in worlds that are beyond that, whenever it likes.
      lateMs: (fault: NetworkFault) => {
        if (fault === 'held' || fault === 'held-cut') return this.heldMs(fault, random);
        return fault === 'answer-late' ? random.between(1, 5_000) : random.between(1, settleWindowMs * 0.6);
      },
      queuedMs: (name: string, sentAt: number) => this.queuedMs(name, sentAt),
      crossing,
    };
    return { store, network };
  }

  private heldMs(fault: 'held' | 'held-cut', random: Chance): number {
    const { holdMs = 0, cutMs = 0 } = this.unkind?.pace ?? {};
    if (fault === 'held-cut') return random.between(100, cutMs * 0.95);
    if (!this.unkind?.isBeyond) return random.between(2_000, holdMs * 0.95);
    return holdMs + random.between(1_000, random.happens(0.6) ? 8 * minuteMs : 50 * minuteMs);
  }

  /** What a service that stands still does with a request: carries it out at the thaw, unless that would be later than it ever holds one. */
  private queuedMs(name: string, sentAt: number): number | null {
    const now = this.time.elapsedMs;
    const until = Math.max(0, ...this.stillstands.map((one) => (name.includes(one.service) ? one.until : 0)));
    if (until <= now) return 0;
    const isTooLate = until - sentAt > (this.unkind?.pace['holdMs'] ?? 0) * 0.95;
    this.count(
      isTooLate && !this.unkind?.isBeyond
        ? 'request dropped by a frozen service'
        : 'request queued by a frozen service',
    );
    return isTooLate && !this.unkind?.isBeyond ? null : until - now;
  }

  /** PostgreSQL refuses a step for what is in it, alone or in its group, until it came alone. */
  private refusalOf(statement: Statement): string | null {
    if (this.refused.size === 0) return null;
    const orderIds = stepsOf(statement).map(({ orderId }) => orderId);
    const orderId = orderIds.find((one) => this.refused.has(one));
    if (orderId === undefined) return null;
    const code = this.refused.get(orderId) ?? null;
    if (orderIds.length > 1) return code;
    this.refused.delete(orderId);
    this.provoked.add(orderId);
    this.count('step refused by PostgreSQL');
    return code;
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
    if (!this.isNight || this.workers.length === 0) this.startSoon(this.random.between(50, 4_000));
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
      const isProvoked = [...this.provoked].some((orderId) => text.includes(orderId)) && text.includes('quarantined');
      if ((level === 'fatal' && !isProvoked) || isBug) {
        this.violations.push(`log: ${process.name}: ${text.slice(0, 1_500)}`);
      }
    };
    const log = { debug: () => {}, trace: () => {} };
    for (const level of ['info', 'warn', 'error', 'fatal']) Object.assign(log, { [level]: line(level) });
    return log as unknown as Logger;
  }

  // Troubles.

  private planTroubles({ atMs, troubleMs }: Burst): void {
    const { crashes, freezes, clockJumps, gracefulStops, partitions, levers } = this.troubles;
    const at = (count: number, what: string, happen: () => void) => {
      for (let i = 0; i < count; i++) {
        this.time.after(null, atMs - this.time.elapsedMs + this.random.between(200, troubleMs), () => {
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
        this.jumpedMs = Math.max(this.jumpedMs, sizeMs);
        this.trace.add(process.name, `clock jumps by ${process.clockOffsetMs} ms`);
      }),
    );
    at(gracefulStops, 'graceful stop', () => someone((running) => this.stop(running)));
    if (this.unkind) this.planUnkindness(this.unkind, at, someone);
    else at(levers, 'lever', () => someone((running) => this.operators.pullOne(running)));
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

  private planUnkindness(
    unkind: Unkindness,
    at: (count: number, what: string, happen: () => void) => void,
    someone: (act: (running: WorkerProcess) => void) => void,
  ): void {
    const random = chance(this.seed, `unkind things at ${this.time.elapsedMs}`);
    const holdMs = unkind.pace['holdMs'] ?? 0;
    const { others } = this;
    at(unkind.levers, 'lever', () => this.operators.pullAny(this.ready));
    at(unkind.freezes, 'service frozen', () => {
      const now = this.time.elapsedMs;
      const service = random.pick(this.options.cloud.services);
      const forMs = random.between(500, unkind.isBeyond ? 3 * holdMs : 0.8 * holdMs);
      this.trace.add('cloud', `${service || 'all of it'} freezes for ${Math.round(forMs)} ms`);
      this.stillstands.push({ service, refusesFrom: Number.POSITIVE_INFINITY, until: now + forMs });
    });
    at(unkind.outages, 'cloud away with requests in its queue', () => {
      const now = this.time.elapsedMs;
      const forMs = random.between(3_000, random.pick([holdMs, holdMs, 2 * minuteMs]));
      this.trace.add('cloud', `is away for ${Math.round(forMs)} ms`);
      this.stillstands.push({ service: '', refusesFrom: now + random.between(100, 1_500), until: now + forMs });
    });
    at(unkind.storeOutages, 'PostgreSQL away', () =>
      this.storeAway(random.between(1_000, unkind.longestStoreOutageMs)),
    );
    at(unkind.suspends, 'machine suspended', () =>
      someone((running) => this.freeze(running, random.between(1_000, 30_000), true)),
    );
    at(unkind.refusals, 'refusal of a step', () => {
      const { rows } = this.store.ask({
        text: `select order_id from work_order where finished_at is null and (kind = 'billing' or $1) order by created_at, order_id`,
        values: [random.happens(0.2)],
      });
      if (rows.length === 0) return;
      this.refused.set(random.pick(rows)['order_id'] as string, random.pick(['22P02', '22003', '23514', '23505']));
    });
    at(unkind.reorders, 'ordered again under another id', () => this.orderAgain(random));
    at(unkind.strangers, 'somebody else at the cloud', () => others?.meddle());
    at(unkind.clockSettings, 'clock of all set', () => {
      const sizeMs = random.int(5_000, 20 * 60_000) * (random.happens(0.6) ? 1 : -1);
      this.jumpedMs += Math.abs(sizeMs);
      this.trace.add('world', `the clock of the machine that all are on is set by ${sizeMs} ms`);
      this.store.server.clockOffsetMs += sizeMs;
      for (const { process } of this.workers) process.clockOffsetMs += sizeMs;
    });
    at(unkind.platformChanges, 'platform changed', () => someone((running) => others?.changePlatform(running)));
    at(unkind.registrations, 'registration asked for', () => someone((running) => others?.register(running)));
  }

  /** Mostly what waits, is held, or has ended without being delivered. */
  private orderAgain(random: Chance): void {
    const { rows } = this.store.ask({
      text: `select work_order_id, status from work_order where kind = 'billing' order by created_at, order_id`,
    });
    const undelivered = rows.filter(({ status }) => status !== 'completed');
    const some = undelivered.length > 0 && random.happens(0.8) ? undelivered : rows;
    if (some.length === 0) return;
    const { work_order_id: workOrderId, status } = random.pick(some) as Record<string, string>;
    const errand = orderAgain(this.book, workOrderId ?? '', random);
    if (!errand) return;
    this.count(`ordered again: ${status}`);
    this.open += 1;
    this.time.after(this.billing, random.between(0, 2_000), () => this.doErrand(errand));
  }

  private storeAway(forMs: number): void {
    this.trace.add('store', `is away for ${Math.round(forMs)} ms`);
    this.store.goAway();
    for (const { applicationName: name } of this.workers) this.store.closeSessions(name);
    this.time.after(null, forMs, () => {
      this.trace.add('store', 'is back');
      this.store.comeBack();
      for (const { applicationName: name } of this.workers) this.store.openSessions(name);
    });
  }

  /** As a signal would. */
  private stop(running: WorkerProcess): void {
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
  }

  /** When the troubles are over operators look after what waits for a person, as they have to. */
  private lookAfterOrders(): void {
    if (this.unkind) {
      const { ready, book } = this;
      const mayBeLeft = this.others?.hasRemovedAccount === true;
      // Nobody looks at anything at night, nor pulls a lever time and again while PostgreSQL is away and none is answered.
      const mayLook = ready.length > 0 && !this.store.isAway;
      const inVain = mayLook ? this.operators.lookAfter(ready, book.unknownKinds, mayBeLeft) : [];
      this.violations.push(...inVain.map((one) => `I7: ${one}`));
      return void this.time.after(null, 2_000, () => this.lookAfterOrders());
    }
    const [running] = this.ready;
    if (!running) return void this.time.after(null, 1_000, () => this.lookAfterOrders());
    this.operators.lookOnce(running);
  }

  /** @param isSuspended with its machine: a monotonic clock does not run meanwhile */
  private freeze(running: WorkerProcess, forMs: number, isSuspended = false): void {
    const { process } = running;
    if (process.frozen) return;
    this.trace.add(process.name, `${isSuspended ? 'is suspended' : 'freezes'} for ${Math.round(forMs)} ms`);
    process.frozen = true;
    // PostgreSQL ends transactions that are idle for a minute; here at once, since they would stop the whole store.
    this.store.processGone(process);
    this.time.after(null, forMs, () => {
      if (!process.alive) return;
      if (isSuspended) process.asleepMs += forMs;
      this.trace.add(process.name, 'thaws');
      this.time.thaw(process);
    });
  }

  private makePeace(): void {
    this.trace.add('world', 'the troubles are over');
    this.faultsOff();
    this.peace = true;
    this.fuses = [];
    for (const { process } of this.workers) process.clockOffsetMs = this.store.server.clockOffsetMs;
    this.others?.open();
    if (!this.unkind) this.lookAfterOrders();
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
    if (this.isUnderWay()) return false;
    const { rows } = this.store.ask({
      text: `select (select count(*)::int from event) as events,
                    (select count(*)::int from received_message
                      where verdict in ('conflict', 'set-aside', 'refused')) as rejected`,
      values: [],
    });
    const told = (topic: string, id: 'id' | 'messageId') =>
      new Set(this.broker.records(topic).map(({ value }) => jsonOf<Record<string, unknown>>(value)[id])).size;
    if (told(topics.events, 'id') < (rows[0]?.['events'] as number)) return false;
    if (told(topics.rejected, 'messageId') < (rows[0]?.['rejected'] as number)) return false;
    return (this.broker.committedOffset(topics.orders) ?? 0) >= this.broker.records(topics.orders).length;
  }

  /** Nothing waits any more, not even for a person; but for what is shared, needs one, and is needed by no order. */
  private isEnded(): boolean {
    if (!this.isSettled()) return false;
    const { rows } = this.store.ask({
      text: `select order_id, kind from work_order where finished_at is null`,
      values: [],
    });
    const mayBeLeft = (kind: unknown) => kind !== 'billing' || this.others?.hasRemovedAccount === true;
    return rows.every(({ order_id: orderId, kind }) => mayBeLeft(kind) && this.operators.isLeft(orderId as string));
  }

  /** Whether there is an order that is neither at its end nor waits for a person with nothing under way. */
  private isUnderWay(): boolean {
    const { rows } = this.store.ask({ text: `select exists (select ${underWay}) as "is"`, values: [] });
    return rows[0]?.['is'] === true;
  }

  private unfinished(): Record<string, unknown>[] {
    return this.store.ask({
      text: `select o.work_order_id, o.status, o.machine ->> 'value' as state, o.worker_id,
                    (select string_agg(c.name || ':' || c.state, ' ' order by c.number) from cloud_operation c
                      where c.order_id = o.order_id and c.finished_at is null) as operations
               ${underWay} order by o.created_at, o.order_id`,
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

  private async judge(when = 'at the end'): Promise<void> {
    const before = this.violations.length;
    // Who stops at the first thing that is wrong has not come to the end.
    const isCut = this.violations.length > 0;
    if (!isCut) this.watch.end();
    for (const [what, times] of Object.entries(this.watch.seen)) this.count(`watch ${what}`, times);
    const control = new ControlSide(async (method, path, body) => this.control(method, path, body));
    const { rows } = this.store.ask({
      text: `select o.kind, o.status, o.machine ->> 'value' as state, o.machine -> 'context' -> 'reason' ->> 'code' as code,
                    o.revision, count(*)::int as orders from work_order o group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
    });
    // What is counted is how it stands in the end.
    for (const name of Object.keys(this.counts))
      if (/^(billing|preparation|figure) /.test(name)) delete this.counts[name];
    for (const row of rows) {
      const reason = row['status'] === 'held' ? ` ${row['state'] as string} ${row['code'] as string}` : '';
      this.count(`${row['kind'] as string} ${row['status'] as string}${reason}`, row['orders'] as number);
      this.trace.add('world', JSON.stringify(row));
    }
    const end = this.broker.records(topics.orders).length;
    const report = await checkInvariants(
      {
        sql: this.store.sql,
        clouds: [
          await cloudEvidence(control, {
            name: 'cloud',
            foreignIds: this.others?.foreignIds ?? [],
            touchedIds: this.others?.removedIds ?? [],
            addedByOthers: this.others?.addedByOthers ?? {},
          }),
        ],
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
        levers: this.operators.levers,
        secrets: [...this.book.secrets, adminPassword],
        // What is carried out beyond every deadline comes when it likes, also just before another one.
        settleWindowMs: this.unkind?.isBeyond ? 0 : settleWindowMs,
      },
      { stillRunning: isCut },
    );
    this.violations.push(...this.builtUnasked());
    this.violations.push(...report.violations.map(({ invariant, text }) => `${invariant}: ${text}`));
    for (const [name, figure] of Object.entries(report.figures)) this.count(`figure ${name}`, figure);
    if (this.unkind && this.violations.length > before) this.violations.push(`seen ${when}`);
  }

  /** Nothing is built for an order that says what nobody here understands, whatever lever is pulled. */
  private builtUnasked(): string[] {
    const { unknownKinds } = this.book;
    if (unknownKinds.size === 0) return [];
    const { rows } = this.store.ask({
      text: `select o.work_order_id, c.name from cloud_operation c join work_order o using (order_id)
              where o.work_order_id = any($1::text[]) order by 1, 2`,
      values: [[...unknownKinds]],
    });
    return rows.map(
      (row) => `${row['name'] as string} was begun for ${row['work_order_id'] as string}, which nobody understands`,
    );
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
