/**
 * `npm run test:mutants -- --by-simulation`: plants every bug, and looks for it with unkind seeds of both clouds in turn, from `SEED=`
 * on, `SEEDS=` of each at the most. Results stay in `docs/reliability.d/planted.json` after each seed: a run that is broken off goes on
 * where it was. `ONLY=` narrows it, `CLOUD=` keeps to one cloud, `AGAIN=1` asks anew what has been found.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cloudKinds } from '../support/clouds.js';
import { reportProof } from '../support/proof-result.js';
import { type Mutant, mutants } from './mutants.js';
import { matches, shared, Workbench } from './workbench.js';

/** Two cores: two at a time. */
const lanes = 2;
/** Seeds of one process; then the other cloud has its turn. */
const seedsInTurn = 5;
/** A seed takes some seconds. One that says nothing for so long does not end. */
const silentMs = 300_000;
const first = Number(process.env['SEED'] ?? 1);
const seeds = Number(process.env['SEEDS'] ?? 500);
const isAgain = process.env['AGAIN'] === '1';
const only = new RegExp(process.env['ONLY'] ?? '');
const clouds = process.env['CLOUD'] ? [process.env['CLOUD']] : cloudKinds;
const chosen = mutants.filter(({ name, file, review }) => only.test(`${name} ${file} ${review ?? ''}`));
const kept = fileURLToPath(new URL('../../docs/reliability.d/planted.json', import.meta.url));

/** What is known of one planted bug. */
interface Search {
  name: string;
  review: string | null;
  invariant: string;
  /** The change itself: of another one nothing is known. */
  find: string;
  replace: string;
  test: Mutant['test'];
  beyondSimulation: string | null;
  /** Where it was first seen. */
  found: { cloud: string; seed: number; rule: string; words: string } | null;
  /** Seeds that were tried of each cloud, in a row. */
  tried: Record<string, { from: number; count: number }>;
  cpuSeconds: number;
  commit: string;
}

interface Seen {
  seed: number;
  violations: string[];
  cpuMs: number;
}

describe('planted bugs', () => {
  let benches: Workbench[] = [];
  let sound: Awaited<ReturnType<Workbench['simulation']>>;
  beforeAll(async () => {
    benches = Array.from({ length: lanes }, () => new Workbench());
    sound = await (benches[0] as Workbench).simulation(null);
  });
  afterAll(() => {
    sound.remove();
    for (const bench of benches) bench.remove();
  });

  it('are found by simulated worlds', async () => {
    const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim();
    const known = new Map(read().map((one) => [one.name, one]));
    const unplanted = new Map<string, Promise<string[]>>();
    const violations: string[] = [];
    let found = 0;
    /** The rules that the source as it is breaks at a seed already: they say nothing of the bug. */
    const rulesWithout = (cloud: string, seed: number): Promise<string[]> => {
      const key = `${cloud} ${seed}`;
      const asked = unplanted.get(key) ?? run(sound.script, cloud, seed, 1, () => true).then(rulesOf);
      unplanted.set(key, asked);
      return asked;
    };
    await shared(chosen, benches, async (mutant, bench) => {
      if (matches(mutant) !== 1) {
        violations.push(`stale: ${mutant.name}: its text stands ${matches(mutant)} times in the source`);
        return;
      }
      const search = begun(mutant, known.get(mutant.name), commit);
      known.set(mutant.name, search);
      if (search.beyondSimulation === null && search.found === null)
        await find(search, mutant, bench, rulesWithout, () => keep(known));
      keep(known);
      if (search.found) found += 1;
      else if (search.beyondSimulation === null) violations.push(`not found in ${wordsOf(search)}: ${mutant.name}`);
      const how = search.found ? `${search.found.cloud} ${search.found.seed}, ${search.found.rule}` : 'NOT FOUND';
      process.stderr.write(`${search.beyondSimulation ? 'beyond simulation' : how}: ${mutant.name}\n`);
    });
    const beyond = chosen.filter(({ beyondSimulation }) => beyondSimulation).length;
    reportProof({ runs: chosen.length, violations, figures: { planted: chosen.length, found, beyond } });
    expect(found + beyond + violations.length).toBe(chosen.length);
  }, 2_147_483_647);
});

/** What is known of a bug already, when it is the same bug still. */
function begun(mutant: Mutant, known: Search | undefined, commit: string): Search {
  const { name, invariant, find, replace, test, review = null, beyondSimulation = null } = mutant;
  const about = { name, review, invariant, find, replace, test, beyondSimulation };
  const isSame = known && known.find === find && known.replace === replace && !isAgain;
  return isSame ? { ...known, ...about } : { ...about, found: null, tried: {}, cpuSeconds: 0, commit };
}

async function find(
  search: Search,
  mutant: Mutant,
  bench: Workbench,
  rulesWithout: (cloud: string, seed: number) => Promise<string[]>,
  keepIt: () => void,
): Promise<void> {
  const { script, remove } = await bench.simulation(mutant);
  try {
    for (let from = first; from < first + seeds; from += seedsInTurn) {
      for (const cloud of clouds) {
        const tried = search.tried[cloud];
        const until = tried && tried.from <= from ? tried.from + tried.count : from;
        const start = Math.max(from, until);
        const count = Math.min(from + seedsInTurn, first + seeds) - start;
        if (count <= 0) continue;
        const since = tried && tried.from <= from && until >= from ? tried.from : start;
        const results = await run(script, cloud, start, count, ({ seed, violations, cpuMs }) => {
          search.cpuSeconds = Math.round(search.cpuSeconds * 10 + cpuMs / 100) / 10;
          if (violations.length > 0) return false;
          search.tried[cloud] = { from: since, count: seed - since + 1 };
          keepIt();
          return true;
        });
        for (const { seed, violations } of results) {
          if (violations.length === 0) continue;
          const already = await rulesWithout(cloud, seed);
          const words = violations.find((one) => !already.includes(ruleOf(one)));
          if (words === undefined) continue;
          search.found = { cloud, seed, rule: ruleOf(words), words: words.slice(0, 300) };
          return;
        }
        const last = results.at(-1)?.seed ?? start - 1;
        search.tried[cloud] = { from: since, count: last - since + 1 };
        // One that the unplanted source shows too stopped the turn early: the rest of it is taken up.
        if (last < start + count - 1) from -= seedsInTurn;
        if (last < start + count - 1) break;
      }
    }
  } finally {
    remove();
  }
}

/** Seeds in a row, in a process whose clocks are virtual; as long as `goesOn` says so. */
async function run(
  script: string,
  cloud: string,
  from: number,
  count: number,
  goesOn: (seen: Seen) => boolean,
): Promise<Seen[]> {
  const child = spawn(process.execPath, [script, String(from), String(count)], {
    env: { ...process.env, NODE_OPTIONS: '', PROFILE: 'unkind', CLOUD: cloud },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  const results: Seen[] = [];
  let isEnough = false;
  const hush = () => child.kill('SIGKILL');
  let late = setTimeout(hush, silentMs);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(late);
    late = setTimeout(hush, silentMs);
    if (!line.startsWith('{')) continue;
    const seen = JSON.parse(line) as Seen;
    results.push(seen);
    isEnough = !goesOn(seen);
    if (isEnough) break;
  }
  clearTimeout(late);
  if (isEnough) child.kill('SIGKILL');
  // Else what it has said already keeps the pipe, and with it the child, open.
  child.stdout.resume();
  const end = await ended;
  // It came to no end, or died: that is seen as well as any violation.
  if (!isEnough && results.length < count) {
    results.push({ seed: from + results.length, violations: [`the seed came to no end: ${end}`], cpuMs: 0 });
  }
  return results;
}

/** A violation's first word names the rule that was broken. */
const ruleOf = (violation: string): string => /^[\w.-]+/.exec(violation)?.[0] ?? violation;
const rulesOf = (seen: Seen[]): string[] => seen.flatMap(({ violations }) => violations.map(ruleOf));
const wordsOf = ({ tried }: Search): string =>
  Object.entries(tried)
    .map(([cloud, { count }]) => `${count} of ${cloud}`)
    .join(' and ');

function read(): Search[] {
  try {
    return JSON.parse(readFileSync(kept, 'utf8')) as Search[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** In the order of the bugs, without those that are planted no more. */
function keep(known: Map<string, Search>): void {
  const all = mutants.flatMap(({ name }) => known.get(name) ?? []);
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, `${JSON.stringify(all, null, 2)}\n`);
}
