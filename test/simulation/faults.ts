import type { FaultRequest } from '../../src/simulators/faults.js';
import { chance, type Chance } from './chance.js';
import { drawUnkindness, type Unkindness } from './unkindness.js';
import type { WorldCloud } from '../clouds/test-cloud.js';
import type { NetworkFault } from './network.js';
import type { StoreFault } from './store.js';

/** Everything that can go wrong in a world of one seed. Rates are per statement, request or second; 0 is off. */
export interface Troubles {
  /** For so long after the start, ms; then there is peace. */
  untilMs: number;
  store: Partial<Record<Exclude<StoreFault, 'none'>, number>>;
  network: Partial<Record<Exclude<NetworkFault, 'none'>, number>>;
  broker: { lostBefore: number; lostAfter: number; commitFails: number };
  /** The cloud's own. */
  cloud: FaultRequest[];
  /** Events of a kind in the time of trouble; in a world of several bursts, in each. */
  crashes: number;
  freezes: number;
  clockJumps: number;
  gracefulStops: number;
  partitions: number;
  levers: number;
  /** What `unkind` worlds suffer beside; null in the others. */
  unkind: Unkindness | null;
}

/**
 * `unkind` is what is run when nothing is said: users who come back hours later, orders of every shape, people who pull all levers and
 * change things at the cloud, requests that are carried out long after everybody has given them up (see `unkindness.ts`).
 * `swarm` is what was run before that: one burst of orders shaped like the samples.
 * `doubled-creates` is the swarm with one thing more that is not survived today: a proxy that sends the creation of a disk
 * or an address (on OpenStack: of anything) twice leaves a second one that nobody looks for (the request carries nothing that the cloud would refuse).
 * `one-each` is the swarm without quantities and without passwords made here, as it was when the regressions were found.
 */
export type Profile = 'unkind' | 'swarm' | 'one-each' | 'lost-answers' | 'doubled-creates';

/**
 * What one seed suffers: a random part of all faults, each at a random rate ("swarm testing"). All of them at once would
 * hide those that only matter when the rest goes well.
 */
export function drawTroubles(seed: number, profile: Profile, cloud: WorldCloud): Troubles {
  if (profile === 'lost-answers') return lostAnswers(cloud);
  return profile === 'unkind' ? drawUnkind(seed, cloud) : drawSwarm(seed, cloud);
}

/**
 * The same faults as the swarm, in families of which a seed has some or none, and beside them what is unkind: with all of them in every
 * world, those that matter only when the rest goes well would be hidden.
 */
function drawUnkind(seed: number, cloud: WorldCloud): Troubles {
  const swarm = drawSwarm(seed, cloud);
  const random = chance(seed, 'families');
  const unkind = drawUnkindness(chance(seed, 'unkindness'), cloud);
  const has = <Family>(family: Family, none: Family) => (random.happens(0.55) ? family : none);
  const hides = ({ kind }: FaultRequest) => kind === 'hide-from-lists';
  // A request that is held, and hidden when it has been carried out, stays out of sight for longer than anybody promised.
  const mayHide = unkind.held === 0 && unkind.heldCut === 0 && unkind.freezes === 0 && unkind.outages === 0;
  return {
    ...swarm,
    store: { ...has(swarm.store, {}), ...unkind.store },
    network: { ...has(swarm.network, {}), held: unkind.held, 'held-cut': unkind.heldCut },
    broker: has(swarm.broker, { lostBefore: 0, lostAfter: 0, commitFails: 0 }),
    cloud: [...has(swarm.cloud, []).filter((fault) => mayHide || !hides(fault)), ...unkind.stuckShared],
    crashes: has(swarm.crashes, 0),
    freezes: has(swarm.freezes, 0),
    clockJumps: random.happens(0.3) ? swarm.clockJumps : 0,
    partitions: has(swarm.partitions, 0),
    levers: unkind.levers,
    unkind,
  };
}

function drawSwarm(seed: number, cloud: WorldCloud): Troubles {
  const random = chance(seed, 'troubles');
  const rate = (on: number, most: number) => (random.happens(on) ? random.between(most / 10, most) : 0);
  const count = (on: number, most: number) => (random.happens(on) ? random.int(1, most) : 0);
  const lateRequests = rate(0.25, 0.06);
  return {
    untilMs: random.int(4_000, 20_000),
    store: {
      'lost-before': rate(0.3, 0.06),
      'lost-after': rate(0.35, 0.08),
      late: rate(0.2, 0.04),
      slow: rate(0.25, 0.04),
    },
    network: {
      'no-connection': rate(0.25, 0.1),
      'request-lost': rate(0.25, 0.1),
      'answer-lost': rate(0.3, 0.15),
      reset: rate(0.25, 0.1),
      'answer-late': rate(0.25, 0.08),
      'request-late': lateRequests,
      doubled: rate(0.2, 0.08),
    },
    broker: { lostBefore: rate(0.2, 0.2), lostAfter: rate(0.3, 0.3), commitFails: rate(0.25, 0.3) },
    cloud: drawCloudFaults(random, cloud, lateRequests > 0),
    crashes: count(0.55, 5),
    freezes: count(0.3, 2),
    clockJumps: count(0.25, 2),
    gracefulStops: count(0.2, 2),
    partitions: count(0.2, 2),
    levers: count(0.4, 4),
    unkind: null,
  };
}

/** Every create loses its answer with p = 0.3, and nothing else goes wrong. */
function lostAnswers({ creates }: WorldCloud): Troubles {
  return {
    untilMs: 600_000,
    store: {},
    network: {},
    broker: { lostBefore: 0, lostAfter: 0, commitFails: 0 },
    cloud: creates.map((operation) => cloudFault({ operation, kind: 'lose-answer', probability: 0.3 })),
    crashes: 0,
    freezes: 0,
    clockJumps: 0,
    gracefulStops: 0,
    partitions: 0,
    levers: 0,
    unkind: null,
  };
}

/** Lists are complete after so long, ms: three look-ups 500 ms apart (`settleMs` of the simulation) span it. */
export const settleWindowMs = 1_000;

function drawCloudFaults(random: Chance, cloud: WorldCloud, lateRequests: boolean): FaultRequest[] {
  const faults: FaultRequest[] = [];
  const maybe = (on: number, most: number, make: (probability: number) => Partial<FaultRequest> | null) => {
    if (!random.happens(on)) return;
    const fault = make(random.between(most / 10, most));
    if (fault) faults.push(cloudFault(fault));
  };
  const some = () => random.pick(cloud.some);
  const changes = () => random.pick(cloud.changes);
  const afterEffect = () => random.happens(0.5);
  const effect = () => random.happens(0.5);
  maybe(0.2, 0.1, (probability) => ({ kind: 'drop-request', operation: some(), probability }));
  maybe(0.3, 0.3, (probability) => ({ kind: 'lose-answer', operation: changes(), probability }));
  maybe(0.15, 0.1, (probability) => ({
    kind: 'late',
    operation: some(),
    probability,
    delayMs: random.int(500, 4_000),
  }));
  maybe(0.25, 0.15, (probability) => ({
    kind: 'error',
    operation: changes(),
    probability,
    afterEffect: afterEffect(),
  }));
  maybe(0.2, 0.2, (probability) => ({
    kind: 'throttle',
    operation: some(),
    probability,
    waitMs: random.int(50, 3_000),
  }));
  maybe(0.2, 0.2, (probability) => ({
    kind: 'unavailable',
    operation: some(),
    probability,
    afterEffect: afterEffect(),
  }));
  maybe(0.15, 0.1, (probability) => ({ kind: 'html', operation: some(), probability, afterEffect: afterEffect() }));
  maybe(0.15, 0.1, (probability) => ({
    kind: 'malformed',
    operation: some(),
    probability,
    afterEffect: afterEffect(),
  }));
  maybe(0.2, 0.1, (probability) => ({ kind: 'expire-session', operation: '*', probability }));
  maybe(0.3, 0.4, (probability) => ({
    kind: 'job-fails',
    operation: changes(),
    probability,
    ...cloud.jobError(random),
  }));
  maybe(0.25, 0.4, (probability) => ({
    kind: 'job-lies-failed',
    operation: changes(),
    probability,
  }));
  maybe(0.2, 0.3, (probability) => ({
    kind: 'job-lies-done',
    operation: changes(),
    probability,
  }));
  maybe(0.25, 0.4, (probability) => ({
    kind: 'job-vanishes',
    operation: cloud.forgettable(changes()),
    probability,
  }));
  maybe(0.2, 0.25, (probability) => ({
    kind: 'job-never-ends',
    operation: changes(),
    probability,
    effect: effect(),
  }));
  maybe(0.2, 0.35, (probability) => ({
    kind: 'job-lost-result',
    operation: changes(),
    probability,
    effect: effect(),
  }));
  // A request that comes late and is hidden then stays out of sight for longer than anybody promised.
  if (!lateRequests) {
    maybe(0.3, 0.5, (probability) => ({
      kind: 'hide-from-lists',
      operation: changes(),
      probability,
      hideMs: random.int(50, settleWindowMs - 250),
    }));
  }
  // Quota and capacity: refused at once, nothing done.
  maybe(0.12, 0.15, (probability) => ({
    kind: 'error',
    operation: random.pick(cloud.creates),
    probability,
    ...cloud.quota(random),
    afterEffect: false,
  }));
  return faults;
}

function cloudFault(fault: Partial<FaultRequest>): FaultRequest {
  return { operation: '*', kind: 'lose-answer', delayMs: 3_000, hideMs: 500, waitMs: 1_000, ...fault };
}
