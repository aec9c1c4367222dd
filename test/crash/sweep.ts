/** Finds the crash points by recording runs, dies at each of them, and judges what is left. */
import { groupBy } from '../../src/group-by.js';
import type { Report } from '../invariants/check.js';
import type { Random } from '../support/scenario-random.js';
import { type CrashAt, Lane } from './lane.js';
import type { CrashScenario } from './scenarios.js';

export interface SweepOptions {
  /** The kind of cloud that the orders are built on. */
  cloud: string;
  scenarios: CrashScenario[];
  lanes: number;
  random: Random;
  /** Only points whose name matches. */
  points?: RegExp;
  /** At most so many of the points found; which ones is drawn. */
  limit?: number;
  /** So many times, two points drawn at random: the second in the worker that was started after the first. */
  pairs: number;
  /** Told of every item as soon as it is judged. */
  say(line: string): void;
}

export interface SweptPoint {
  scenario: string;
  crashes: CrashAt[];
  /** How many of the crashes happened. */
  reached: number;
  violations: string[];
  tookMs: number;
}

export interface SweepReport {
  /** Points by scenario that were found by recording. */
  found: Record<string, number>;
  swept: SweptPoint[];
  violations: string[];
  figures: Record<string, unknown>;
}

interface Point {
  scenario: CrashScenario;
  crash: CrashAt;
}

interface Item {
  scenario: CrashScenario;
  crashes: CrashAt[];
  kind: 'recording' | 'point' | 'pair';
  tries: number;
}

/** A point is where it is in the code; when exactly it is passed can depend on the cloud's mood. */
const mostTries = 3;
/** First crashes that are tried on the way to a point that nobody died at. */
const mostWays = 8;
/**
 * A name that so large a part of a scenario's runs passes has to be died at. What comes more rarely is the mood of the machine (an
 * answer that came too late and is looked up, two steps stored as one): aimed at, it does not come again. It is named all the same.
 */
const comesAgain = 0.05;
/** Runs the sweep: recordings first, then every point found, then the points found only by workers that came after a crash, then pairs. */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const lanes: Lane[] = [];
  try {
    for (let i = 1; i <= options.lanes; i++) lanes.push(await Lane.start(`${options.cloud}-${i}`, options.cloud));
    return await new Sweep(options, lanes).run();
  } finally {
    await Promise.all(lanes.map((lane) => lane.stop()));
  }
}

class Sweep {
  private readonly swept: SweptPoint[] = [];
  private readonly violations: string[] = [];
  /** Names at which a worker died, in whatever run. */
  private readonly diedAt = new Set<string>();
  /** Per scenario, the points of an undisturbed run: name and how often it is passed. */
  private readonly recorded = new Map<string, Map<string, number>>();
  /** By scenario: how many runs there were, and how many of them passed each name. */
  private readonly passes = new Map<string, { runs: number; names: Map<string, number> }>();
  /** Names that are swept or about to be, in whatever scenario. */
  private readonly known = new Set<string>();
  private queue: Item[] = [];
  /** What the worker after a crash passed, and how often: where a second crash can happen. */
  private readonly passedAfter: (Point & { names: [name: string, count: number][] })[] = [];
  /** The headline zeros, over all items. */
  private readonly zeros: Record<string, number> = {};
  /** Invariants that a checker looked at in at least one item. */
  private readonly looked = new Set<string>();
  private planned = 0;

  constructor(
    private readonly options: SweepOptions,
    private readonly lanes: Lane[],
  ) {}

  async run(): Promise<SweepReport> {
    for (const scenario of this.options.scenarios) this.add({ scenario, crashes: [], kind: 'recording', tries: 1 });
    await this.drain();
    const recorded = this.options.scenarios.flatMap((scenario) => this.pointsOf(scenario));
    for (const { scenario, crash } of this.chosen(recorded)) {
      this.add({ scenario, crashes: [crash], kind: 'point', tries: 1 });
    }
    await this.drain();
    for (const item of this.pairs()) this.add(item);
    await this.drain();
    // What was rare can become common by these runs.
    for (let round = 0; round < mostTries; round++) {
      for (const item of this.secondChances()) this.add(item);
      await this.drain();
    }
    const holes = this.holes();
    if (holes.length > 0) {
      this.violate(`nobody died at ${holes.length} of ${this.tried().size} points: ${holes.join(', ')}`);
    }
    return this.report();
  }

  private add(item: Item): void {
    this.planned += 1;
    this.queue.push(item);
  }

  private async drain(): Promise<void> {
    await Promise.all(
      this.lanes.map(async (lane) => {
        for (let item = this.queue.shift(); item; item = this.queue.shift()) await this.take(lane, item);
      }),
    );
  }

  private async take(lane: Lane, item: Item): Promise<void> {
    const { scenario, crashes, kind } = item;
    const words = `${scenario.name} ${crashes.map(wordsOf).join(' then ')}`.trim();
    const result = await lane.run(scenario, crashes).catch((error: unknown) => {
      this.violate(`${words}: could not be run or judged: ${(error as Error).stack ?? String(error)}`);
      return null;
    });
    if (!result) return;
    this.notePassed(scenario, result.passed.flat());
    for (const violation of result.violations) this.violate(`${words}: ${violation}`);
    this.count(result.report);
    if (kind === 'recording') {
      this.recorded.set(scenario.name, counted(result.passed[0] ?? []));
    } else {
      const { reached, violations, tookMs } = result;
      this.swept.push({ scenario: scenario.name, crashes, reached, violations, tookMs });
      for (const { name } of crashes.slice(0, reached)) this.diedAt.add(name);
      const after = result.passed.slice(crashes.length);
      if (reached === crashes.length) this.discover(item, after);
      const [crash, ...more] = crashes;
      const names = [...counted(after.flat())];
      if (crash && more.length === 0 && reached === 1 && names.length > 0) {
        this.passedAfter.push({ scenario, crash, names });
      } else if (kind === 'point' && violations.length === 0) this.notReached(item);
    }
    const state = result.violations.length > 0 ? 'VIOLATED' : result.reached < crashes.length ? 'not reached' : 'ok';
    this.options.say(`${this.swept.length}/${this.planned} ${state} ${words || 'recorded'} ${result.tookMs} ms`);
  }

  private notePassed({ name }: CrashScenario, passed: string[]): void {
    const seen = this.passes.get(name) ?? { runs: 0, names: new Map<string, number>() };
    seen.runs += 1;
    for (const point of new Set(passed)) seen.names.set(point, (seen.names.get(point) ?? 0) + 1);
    this.passes.set(name, seen);
  }

  private count({ figures, looked }: Report): void {
    for (const [name, figure] of Object.entries(figures)) this.zeros[name] = (this.zeros[name] ?? 0) + figure;
    for (const [invariant, how] of Object.entries(looked)) if (how !== 'not looked at') this.looked.add(invariant);
  }

  /** Two steps that come together are stored as one under both names, or under one: such a name may not come again. */
  private notReached(item: Item): void {
    if (item.tries < mostTries) this.add({ ...item, tries: item.tries + 1 });
  }

  /** What comes again, and nobody died at. */
  private holes(): string[] {
    return this.options.limit === undefined ? this.missed().filter((name) => this.isCommon(name)) : [];
  }

  /**
   * A point of the worker after a crash was tried after the first crash that it was seen after; others may lead there better, above all
   * crashes in the same operation: its look-up, say, follows every crash between its request and the answer.
   */
  private secondChances(): Item[] {
    const { random } = this.options;
    return this.holes().flatMap((name) => {
      const ways = this.passedAfter.filter(({ names }) => names.some(([passed]) => passed === name));
      const isNear = ({ crash }: Point) => operationIn(crash.name) === operationIn(name);
      return random
        .shuffle(ways)
        .toSorted((a, b) => Number(isNear(b)) - Number(isNear(a)))
        .slice(0, mostWays)
        .map(({ scenario, crash }) => ({
          scenario,
          crashes: [crash, { name, hit: 1 }],
          kind: 'pair' as const,
          tries: 1,
        }));
    });
  }

  private isCommon(name: string): boolean {
    return [...this.passes].some(([, { runs, names }]) => (names.get(name) ?? 0) >= Math.max(3, runs * comesAgain));
  }

  /** The names that were to be died at. */
  private tried(): Set<string> {
    return new Set(this.swept.flatMap(({ crashes }) => crashes.map(({ name }) => name)));
  }

  private missed(): string[] {
    return [...this.tried()].filter((name) => !this.diedAt.has(name));
  }

  /** Workers that come after a crash do what no undisturbed run does: look up, take over. Those points are swept from there. */
  private discover({ scenario, crashes, kind }: Item, passedAfter: string[][]): void {
    if (kind !== 'point' || this.options.limit !== undefined) return;
    for (const name of new Set(passedAfter.flat())) {
      if (this.known.has(name) || !this.wanted(name)) continue;
      this.known.add(name);
      this.add({ scenario, crashes: [...crashes, { name, hit: 1 }], kind: 'point', tries: 1 });
    }
  }

  /** Every name at its first pass; what changes something also at its last. */
  private pointsOf(scenario: CrashScenario): Point[] {
    const points: Point[] = [];
    for (const [name, count] of this.recorded.get(scenario.name) ?? []) {
      if (this.known.has(name) || !this.wanted(name)) continue;
      this.known.add(name);
      for (const hit of this.hitsOf(name, count)) points.push({ scenario, crash: { name, hit } });
    }
    return points;
  }

  private hitsOf(name: string, count: number): number[] {
    return count > 1 && changesSomething(name) ? [1, count] : [1];
  }

  private wanted(name: string): boolean {
    return this.options.points?.test(name) ?? true;
  }

  /** With a limit: drawn, as many of one kind as of another. */
  private chosen(points: Point[]): Point[] {
    const { limit, random } = this.options;
    if (limit === undefined) return points;
    const kinds = groupBy(random.shuffle(points), ({ crash }) => crash.name.split(/[.:]/)[0] ?? '');
    const rounds = Math.max(0, ...[...kinds.values()].map((kind) => kind.length));
    return Array.from({ length: rounds }, (_, i) => [...kinds.values()].flatMap((kind) => kind[i] ?? []))
      .flat()
      .slice(0, limit);
  }

  /** Any point that was swept, and then any that the worker after it passed. */
  private pairs(): Item[] {
    const { random, pairs } = this.options;
    if (this.passedAfter.length === 0) return [];
    return Array.from({ length: pairs }, () => {
      const { scenario, crash, names } = random.pick(this.passedAfter);
      const [name, count] = random.pick(names);
      return { scenario, crashes: [crash, { name, hit: random.int(1, count) }], kind: 'pair', tries: 1 } as const;
    });
  }

  private violate(text: string): void {
    this.violations.push(text);
    this.options.say(`violation: ${text}`);
  }

  private report(): SweepReport {
    const found = Object.fromEntries([...this.recorded].map(([name, points]) => [name, points.size]));
    const times = this.swept.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    const pairs = this.swept.filter(({ crashes }) => crashes.length > 1);
    return {
      found,
      swept: this.swept,
      violations: this.violations,
      figures: {
        ...this.zeros,
        invariantsChecked: [...this.looked].join(' '),
        pointsRecorded: found,
        names: this.known.size,
        crashes: this.swept.reduce((sum, { reached }) => sum + reached, 0),
        rareAndNotDiedAt: this.missed(),
        doubleCrashes: pairs.filter(({ reached }) => reached > 1).length,
        medianItemMs: times[Math.floor(times.length / 2)] ?? 0,
      },
    };
  }
}

function counted(names: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Steps and requests with an effect. Looks, polls and events are repeated as timing has it, and each is like the one before. */
function changesSomething(name: string): boolean {
  return /^(step|send|discard|preparation)\./.test(name);
}

/** `network.bind` of `lookUp.before:network.bind`. */
function operationIn(name: string): string {
  return name.split(':')[1] ?? name;
}

export function wordsOf({ name, hit }: CrashAt): string {
  return `${name}:${hit}`;
}

/** One line per point: where, how often it was tried, how it went. */
export function tableOf({ swept }: SweepReport): string[] {
  return swept
    .map(({ scenario, crashes, reached, violations, tookMs }) => {
      const result = violations.length > 0 ? 'VIOLATED' : reached < crashes.length ? `died ${reached}x` : 'ok';
      return [scenario.padEnd(10), result.padEnd(9), `${tookMs}`.padStart(6), crashes.map(wordsOf).join(' then ')].join(
        ' ',
      );
    })
    .toSorted();
}
