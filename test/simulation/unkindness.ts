import type { FaultRequest } from '../../src/simulators/faults.js';
import type { WorldCloud } from '../clouds/test-cloud.js';
import type { Chance } from './chance.js';
import type { StoreFault } from './store.js';

/** A while in which orders come and things go wrong; between two of them nothing is sent, and the machines may be suspended. */
export interface Burst {
  /** After the start of the world, ms. */
  atMs: number;
  /** For so long things go wrong. */
  troubleMs: number;
}

/**
 * What people, other people's programs, and services that stand still do to us. Counts are per burst, rates per request or statement.
 */
export interface Unkindness {
  bursts: Burst[];
  users: number;
  accounts: number;
  /** How the platforms are treated; see `src/machines/pace.ts`. */
  pace: Record<string, number>;
  requestTimeoutMs: number;
  /** How long jobs take at the cloud, ms; null as its mood has it. */
  latency: { minMs: number; maxMs: number } | null;
  /** Requests are carried out later than the platform says that they can be: what comes of it is too many, and has to be listed. */
  isBeyond: boolean;
  held: number;
  heldCut: number;
  /** A service stands still with what it has been sent, and goes on with it. */
  freezes: number;
  /** Nobody gets in for a while; what was in its queue is carried out afterwards. */
  outages: number;
  store: Partial<Record<Exclude<StoreFault, 'none'>, number>>;
  /** PostgreSQL is away as a whole. */
  storeOutages: number;
  longestStoreOutageMs: number;
  /** A step is refused by PostgreSQL for what is in it. */
  refusals: number;
  /** One machine stands still, its clocks with it, and the others go on. */
  suspends: number;
  /** The clock is set of the one machine that all workers and PostgreSQL are on. */
  clockSettings: number;
  levers: number;
  /** The same things ordered once more under another id. */
  reorders: number;
  /** Somebody else does something at the cloud. */
  strangers: number;
  platformChanges: number;
  registrations: number;
  /** Refusals of what is shared that need a person, and end after a while. */
  stuckShared: FaultRequest[];
}

/** What is counted of it. Each stands in the counts of every world, with 0 where it never struck: a fault that never strikes is a hole. */
export const unkindnesses: readonly string[] = [
  'network held',
  'network held-cut',
  'request queued by a frozen service',
  'request dropped by a frozen service',
  'requests carried out beyond every deadline',
  'service frozen',
  'cloud away with requests in its queue',
  'slow jobs and long polls',
  'store late',
  'store slow-commit',
  'store lost-commit',
  'PostgreSQL away',
  'step refused by PostgreSQL',
  'machine suspended',
  'seconds asleep',
  'clock of all set',
  'two operators at once',
  'lever on an old look',
  'lever at preparation replay 200',
  'lever mark-done 200',
  'lever mark-done 409',
  ...[
    'billing held',
    'billing paused',
    'billing needsOperator',
    'billing failing',
    'billing undoStuck',
    'billing quarantined',
  ].map((one) => `looked after ${one}`),
  'looked after preparation needsOperator',
  'ordered again under another id',
  ...['held', 'provisioning', 'completed', 'failed', 'cancelled'].map((status) => `ordered again: ${status}`),
  'order of an unknown kind',
  ...['remove network', 'remove account', 'rename network', 'rename account', 'remove vm', 'remove volume'].map(
    (act) => `somebody else: ${act}`,
  ),
  'somebody else: add',
  'somebody else: add with our marker',
  ...['edit', 'rotate', 'disabled', 'maintenance'].map((act) => `platform ${act}`),
  'register',
  'register with network',
  'unregister',
];

const minuteMs = 60_000;

export function drawUnkindness(random: Chance, cloud: WorldCloud): Unkindness {
  const rate = (on: number, most: number) => (random.happens(on) ? random.between(most / 10, most) : 0);
  const count = (on: number, most: number) => (random.happens(on) ? random.int(1, most) : 0);
  const starts = random.pick([[0], [0, 20], [0, 120], [0, 20, 120], [0, 3, 60]]);
  const bursts = starts.map((minutes) => ({
    atMs: minutes * minuteMs,
    troubleMs: random.int(3_000, starts.length > 1 ? 9_000 : 16_000),
  }));
  const isSlow = random.happens(0.15);
  const isBeyond = random.happens(0.12);
  return {
    bursts,
    users: random.pick([1, 1, 2, 2, 5]),
    accounts: random.pick([1, 2, 2, 3]),
    pace: {
      settleMs: 500,
      holdMs: 20_000,
      cutMs: 5_000,
      watchMs: 200,
      retryMs: 300,
      retryMaxMs: random.pick([3_000, 3_000, 20_000]),
      pollMinMs: isSlow ? 1_000 : 100,
      pollMaxMs: isSlow ? 15_000 : 1_000,
      jobDeadlineMs: isSlow ? 180_000 : 20_000,
    },
    requestTimeoutMs: 2_000,
    latency: isSlow ? { minMs: 1_000, maxMs: random.pick([20_000, 60_000]) } : null,
    isBeyond,
    held: isBeyond ? random.between(0.01, 0.08) : rate(0.3, 0.08),
    heldCut: rate(0.2, 0.06),
    freezes: count(0.3, 2),
    outages: count(0.15, 1),
    store: {
      ...(random.happens(0.25) && { late: random.between(0.005, 0.04) }),
      ...(random.happens(0.25) && { 'slow-commit': random.between(0.002, 0.02) }),
      ...(random.happens(0.25) && { 'lost-commit': random.between(0.002, 0.02) }),
    },
    storeOutages: random.happens(0.12) ? 1 : 0,
    longestStoreOutageMs: random.pick([5_000, 30_000, 10 * minuteMs]),
    refusals: count(0.2, 2),
    suspends: count(0.15, 2),
    levers: Math.ceil(count(0.65, 15) / bursts.length),
    reorders: count(0.4, 3),
    strangers: count(0.3, 4),
    platformChanges: count(0.25, 4),
    registrations: count(0.25, 4),
    stuckShared: random.happens(0.2)
      ? [
          {
            operation: random.pick(cloud.shared),
            kind: 'error',
            times: random.int(1, 4),
            delayMs: 0,
            hideMs: 0,
            waitMs: 0,
            ...cloud.stuck(random),
          },
        ]
      : [],
    clockSettings: count(0.12, 2),
  };
}
