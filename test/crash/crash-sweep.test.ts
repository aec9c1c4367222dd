/**
 * A worker is killed at its crash points (src/crash-point.ts), another one goes on. `npm test` takes a few of them, spread over the
 * kinds; `npm run test:crash` takes all: POINTS= (a pattern), LIMIT=, PAIRS=, LANES=, SCENARIO=, SEED=, CLOUD=.
 */
import { describe, expect, it } from '@jest/globals';
import { cloudKinds } from '../support/clouds.js';
import { reportProof } from '../support/proof-result.js';
import { buildCommand } from '../support/scenario-process.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { scenarios } from './scenarios.js';
import { sweep, tableOf } from './sweep.js';

const { env } = process;
const isWhole = env['SWEEP'] === 'whole';
const seed = scenarioSeed('crash-sweep');
const number = (name: string): number | undefined => (env[name] ? Number(env[name]) : undefined);

describe('a worker killed at a crash point, and the one that goes on', () => {
  it.each(isWhole ? [env['CLOUD'] ?? 'cloudstack'] : cloudKinds)(
    'lose nothing on %s, build nothing twice and tell everything once',
    async (cloud) => {
      buildCommand();
      const wanted = scenarios.filter(({ name }) =>
        isWhole ? (env['SCENARIO'] ?? name) === name : name === 'samples',
      );
      const report = await sweep({
        scenarios: wanted,
        cloud,
        lanes: number('LANES') ?? (isWhole ? 4 : 3),
        random: seededRandom(seed),
        ...(env['POINTS'] && { points: new RegExp(env['POINTS']) }),
        ...(isWhole ? { limit: number('LIMIT') } : { limit: 8 }),
        pairs: isWhole ? (number('PAIRS') ?? 50) : 0,
        say: (line) => isWhole && process.stderr.write(`${line}\n`),
      });
      if (isWhole) process.stderr.write(`${tableOf(report).join('\n')}\n`);
      expect(report.swept.length).toBeGreaterThan(0);
      const { violations, figures, swept } = report;
      // In a proof the violations are counted by themselves; a failed test would be one more.
      if (!reportProof({ runs: swept.length, violations, figures })) expect(violations).toEqual([]);
    },
    isWhole ? 8 * 3_600_000 : 600_000,
  );
});
