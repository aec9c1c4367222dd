/**
 * Fuzzing of the one door's reader, in process. `npm run test:fuzz` reads 100,000 (`RUNS=`); here it is a short run of the
 * same. `SEED=` repeats one.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { reportProof } from '../support/proof-result.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { keepRegression, regressions, wrongWith } from './judge.js';
import { fuzzedMessage, fuzzSeeds } from './mutate.js';

const runs = Number(process.env['RUNS'] ?? 5_000);
/** Growth over the last three quarters of the run: what a leak of 300 bytes a message makes of 100,000. */
const growthBarMib = 24;
const sampleEvery = 500;

describe('whatever is made of real messages', () => {
  it.each(regressions().map((one) => [one.name, one] as const))(
    '%s, which broke something once, is read well',
    (_n, one) => {
      expect(wrongWith(one)).toBeNull();
    },
  );

  it('gets an answer: registered, stable, storable, without a secret, in time, and memory stays flat', () => {
    const seed = scenarioSeed('test:fuzz');
    const random = seededRandom(seed);
    const seeds = fuzzSeeds();
    const violations: string[] = [];
    const resident: number[] = [];
    const verdicts: Record<string, number> = {};
    collectGarbage();
    for (let run = 0; run < runs; run++) {
      const message = fuzzedMessage(random, seeds);
      const wrong = wrongWith(message);
      if (wrong !== null) violations.push(`${keepRegression(message)}: ${wrong} (SEED=${seed}, message ${run})`);
      verdicts[wrong ?? 'well'] = (verdicts[wrong ?? 'well'] ?? 0) + 1;
      if (run % sampleEvery === 0) {
        collectGarbage();
        resident.push(process.memoryUsage().rss, process.memoryUsage().heapUsed);
      }
    }
    const rss = resident.filter((_, i) => i % 2 === 0);
    const heap = resident.filter((_, i) => i % 2 === 1);
    const growth = { rssGrowthMib: growthMib(rss), heapGrowthMib: growthMib(heap) };
    // A short run has too few samples for a slope.
    if (runs >= 20_000 && growth.rssGrowthMib > growthBarMib) violations.push(`RSS grew by ${growth.rssGrowthMib} MiB`);
    if (runs >= 20_000 && growth.heapGrowthMib > growthBarMib / 4)
      violations.push(`the heap grew by ${growth.heapGrowthMib} MiB`);
    reportProof({ runs, violations, figures: { ...growth, messagesRead: runs } });
    expect(violations).toEqual([]);
  }, 3_600_000);
});

/** By least squares over the last three quarters. */
function growthMib(samples: number[]): number {
  const last = samples.slice(Math.floor(samples.length / 4));
  const middle = (last.length - 1) / 2;
  const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
  const slope =
    last.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) /
    Math.max(
      1,
      last.reduce((sum, _, i) => sum + (i - middle) ** 2, 0),
    );
  return Math.round(((slope * last.length) / 1024 / 1024) * 10) / 10;
}

/** So that what is measured is what is kept, and not when the collector last ran. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
