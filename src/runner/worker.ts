import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { Intake, secretContext } from '../consumers/intake.js';
import type { Surroundings } from '../machines/advance.js';
import type { Bundle } from '../machines/begin-order.js';
import type { OrderState } from '../machines/order-state.js';
import type { Pace as Gate } from '../provisioners/pace.js';
import type { OperationName } from '../planner/plan.js';
import type { PlatformConfig, Provisioner } from '../provisioners/provisioner.js';
import type { Warning, WorkOrder } from '../schemas/work-order.js';
import type { Sealer } from '../secrets.js';
import { claimConflicts, claimResources } from '../store/accept.js';
import { readDocument } from '../store/callbacks.js';
import { databaseTime } from '../store/ownership.js';
import { installationId as readInstallationId } from '../store/installation.js';
import { listPlatforms } from '../store/platforms.js';
import { readSecret } from '../store/secrets.js';
import { announceClouds, cloudsOfOthers, type SeenClouds } from '../store/worker-clouds.js';
import { Clock } from './clock.js';
import { Engine, type OpenOrder } from './engine.js';
import { LateLooks, type LookTimes } from './late-looks.js';
import { Levers } from './levers.js';
import { Orphans } from './orphans.js';
import { type Identity, Ownership } from './ownership.js';
import { dryPlan, planOrder } from './plan-order.js';
import { Platforms } from './platforms.js';
import { Poller } from './poll-jobs.js';
import { Preparations } from './preparations.js';
import { Effects } from './run-effects.js';
import { Registrar, type RegistrarOptions } from './registrar.js';
import { Tenants } from './tenants.js';
import { UserBook } from './user-book.js';

export interface WorkerOptions {
  pool: pg.Pool;
  sealer: Sealer;
  log: Logger;
  workerId?: string;
  leaseMs: number;
  createProvisioner(config: PlatformConfig, gate: Gate): Provisioner;
  callbackWarnings(order: WorkOrder): Warning[];
  /** What becomes of the rest of an order when an item of it fails. Not given: best effort. */
  bundleOf?: (order: WorkOrder) => Bundle;
  /** Whether an order's result may be posted where it asks. */
  mayCallBack(url: string): boolean;
  /** Pieces of work under way per cloud account at the most, where the cloud sets no limit of its own. */
  concurrency?: number;
  /** Turns at a cloud account that a tenant gets for one of the others'; 1 for those who are not named. */
  tenantWeights?: ReadonlyMap<string, number>;
  /** Shorter times for tests. */
  registrar?: Pick<RegistrarOptions, 'removalDelayMs' | 'lookEveryMs'>;
  looks?: Partial<LookTimes>;
}

/**
 * A worker: the engine and everything it reaches outside with. Build it, `start` it, hand messages to `intake`; it knows
 * nothing of Kafka, HTTP or where its clouds really are.
 */
export class Worker {
  private constructor(
    readonly installationId: string,
    readonly engine: Engine,
    readonly intake: Intake,
    readonly platforms: Platforms,
    readonly ownership: Ownership,
    readonly poller: Poller,
    readonly levers: Levers,
    readonly orphans: Orphans,
    readonly lateLooks: LateLooks,
    readonly registrar: Registrar,
    readonly users: UserBook,
    private readonly effects: Effects,
    private readonly preparations: Preparations,
    private readonly identity: Identity,
  ) {}

  /** Who it is at the moment; others may have taken it for dead, and then it is somebody new. */
  get workerId(): string {
    return this.identity.workerId;
  }

  static async build(options: WorkerOptions): Promise<Worker> {
    const { pool, sealer, log, leaseMs } = options;
    const identity: Identity = { workerId: options.workerId ?? randomUUID() };
    const installationId = await readInstallationId(pool);
    const clock = new Clock();
    const askedAt = performance.now();
    clock.hear((await databaseTime(pool)).getTime(), askedAt);
    const { now } = clock;
    const platforms = new Platforms({
      read: () => listPlatforms(pool),
      openCredentials: (row) =>
        JSON.parse(sealer.open(row.sealedCredentials, row.platformId)) as Record<string, string>,
      create: options.createProvisioner,
      log,
      meet: meeting(pool, identity),
      ...(options.tenantWeights && { tenantWeights: options.tenantWeights }),
      ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
    });
    const tenants = new Tenants();
    const users = new UserBook({ pool, log });
    const pace = (platformId: string) => platforms.pace(platformId);
    const canDiscardWhileBuilding = (platformId: string, name: OperationName) =>
      platforms.get(platformId)?.provisioner.operations[name]?.removableWhileBuilding === true;
    const engine = new Engine({ pool, identity, installationId, log, now, pace, canDiscardWhileBuilding });
    const surroundings = (): Surroundings => ({ installationId, at: now(), pace });
    const seal = (orderId: string, itemIndex: number, field: string, value: string) =>
      sealer.seal(value, secretContext(orderId, itemIndex, field));
    const report = engine.dispatch.bind(engine);
    const isOurs = (open: OpenOrder) => engine.get(open.state.orderId) === open;
    const effects = new Effects({
      platforms,
      log,
      report,
      seal,
      openSecret: async (orderId, itemIndex, field) => {
        const sealed = await readSecret(pool, orderId, itemIndex, field);
        return sealed ? sealer.open(sealed, secretContext(orderId, itemIndex, field)) : undefined;
      },
      mayActNow: () => ownership.mayActNow(),
      mayAct: () => ownership.mayAct(),
      isOurs,
      tenantOf: (state) => tenants.tenantOf(state),
    });
    const poller = new Poller({ platforms, log, now, report, isOurs, seal });
    const preparations = new Preparations({ pool, engine, identity, log, failed: () => ownership.mayOwnUnknown() });
    const readOrder = async (orderId: string) => (await readDocument(pool, orderId)).order;
    const planning = { platforms, users, seal, log, readOrder };
    engine.connect({
      plan: (open) => {
        const claim = (state: OrderState) => claimResources(pool, state);
        void planOrder(open, { ...planning, claim }).then((happening) => {
          // Planned while it was held and taken up again, it comes to an order that may have lost its things meanwhile.
          if (engine.get(open.state.orderId) === open) report(open.state.orderId, happening);
        });
      },
      prepare: (open) => {
        tenants.asks(open.state);
        preparations.prepare(open);
      },
      run: (effect, open, operation) => effects.run(effect, open, operation),
      track: (open, operation) => poller.track(open, operation),
      ended: (open: OpenOrder) => {
        if (open.state.kind === 'preparation') preparations.rests(open.state);
      },
      reread: (orderId) => void ownership.takeAgain(orderId),
    });
    const callbackUrl = (url: string | null) => (url !== null && options.mayCallBack(url) ? url : null);
    const intake = new Intake({
      pool,
      sealer,
      identity,
      surroundings,
      callbackWarnings: options.callbackWarnings,
      begin: (step, order, claimed) =>
        engine.begin(step, { order, callbackUrl: callbackUrl(order.callbackUrl), claimed }),
      bundleOf: options.bundleOf,
      failed: () => ownership.mayOwnUnknown(),
    });
    const ownership = new Ownership({
      pool,
      identity,
      leaseMs,
      log,
      clock,
      engine: {
        dropAll: () => engine.dropAll(),
        get: (orderId) => engine.get(orderId),
        resume: (loaded) => engine.resume({ ...loaded, callbackUrl: callbackUrl(loaded.callbackUrl) }),
      },
    });
    const levers = new Levers({
      pool,
      identity,
      preparations,
      log,
      canDiscardWhileBuilding,
      dryPlan: (state) => dryPlan(state, { ...planning, conflicts: (one) => claimConflicts(pool, one) }),
      engine: {
        get: (orderId) => engine.get(orderId),
        dispatch: report,
        hold: (loaded) => engine.hold({ ...loaded, callbackUrl: callbackUrl(loaded.callbackUrl) }),
        release: (orderId) => engine.release(orderId),
      },
    });
    return new Worker(
      installationId,
      engine,
      intake,
      platforms,
      ownership,
      poller,
      levers,
      new Orphans({ pool, platforms, log }),
      new LateLooks({ pool, platforms, log, ...(options.looks && { times: options.looks }) }),
      new Registrar({ pool, platforms, preparations, log, ...options.registrar }),
      users,
      effects,
      preparations,
      identity,
    );
  }

  async start(): Promise<void> {
    await this.platforms.start();
    await this.users.start();
    this.preparations.start();
    await this.ownership.start();
    this.levers.start();
    this.orphans.start();
    this.lateLooks.start();
    this.registrar.start();
  }

  /**
   * Ends gracefully: no call is begun any more, those under way are waited for (at most `graceMs`), their answers stored, and the open orders given
   * up, so that another worker goes on with them at once.
   */
  async stop(graceMs = 10_000): Promise<void> {
    this.poller.stop();
    this.levers.stop();
    await this.orphans.stop();
    await this.lateLooks.stop();
    await this.registrar.stop();
    await this.users.stop();
    this.preparations.stop();
    await Promise.race([this.effects.stop(), new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
    await this.engine.stop();
    await this.ownership.stop();
    await this.platforms.stop();
  }
}

/** How this worker tells the others what it sees of the clouds, and hears what they see. Nothing is written while nothing is new. */
function meeting(pool: pg.Pool, identity: Identity): (clouds: SeenClouds) => Promise<SeenClouds[]> {
  let announced = '';
  return async (clouds) => {
    const news = JSON.stringify([identity.workerId, clouds]);
    if (news !== announced) await announceClouds(pool, identity.workerId, clouds);
    announced = news;
    return cloudsOfOthers(pool, identity.workerId);
  };
}
