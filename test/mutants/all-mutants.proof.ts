/** `npm run test:mutants`: plants every bug, and each must be caught by its named test. `ONLY=` narrows it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reportProof } from '../support/proof-result.js';
import { type Mutant, mutants } from './mutants.js';
import { matches, shared, type TestRun, Workbench } from './workbench.js';

/** Two cores: two at a time. */
const lanes = 2;
const chosen = mutants.filter(({ name, file }) => new RegExp(process.env['ONLY'] ?? '').test(`${name} ${file}`));

describe('planted bugs', () => {
  let benches: Workbench[] = [];
  beforeAll(() => {
    benches = Array.from({ length: lanes }, () => new Workbench());
  });
  afterAll(() => {
    for (const bench of benches) bench.remove();
  });

  it(
    'are all caught',
    async () => {
      const red = await redWithoutBug(benches);
      const violations: string[] = [];
      let caught = 0;
      await shared(chosen, benches, async (mutant, bench) => {
        const started = Date.now();
        const problem = await judge(mutant, bench, red);
        if (problem === null) caught += 1;
        else violations.push(problem);
        const seconds = ((Date.now() - started) / 1_000).toFixed(1);
        process.stderr.write(
          `${problem === null ? 'caught' : 'NOT CAUGHT'} in ${seconds} s: ${problem ?? mutant.name}\n`,
        );
      });
      reportProof({ runs: chosen.length, violations, figures: { planted: chosen.length, caught } });
      // Said by the proof, one by one; the test stays green so that nothing is counted twice.
      expect(caught + violations.length).toBe(chosen.length);
    },
    chosen.length * 120_000,
  );
});

/** @returns what is wrong, or null when the bug was caught */
async function judge(mutant: Mutant, bench: Workbench, red: Map<string, string>): Promise<string | null> {
  const about = `${mutant.name} (${mutant.invariant}, ${mutant.file})`;
  const count = matches(mutant);
  if (count !== 1) return `stale: ${about}: its text stands ${count} times in the source`;
  const already = red.get(keyOf(mutant));
  if (already !== undefined) return `nothing proven: ${about}: the test fails without it: ${already}`;
  const { failures, trouble } = await bench.withBug(mutant);
  if (trouble !== null) return `nothing proven: ${about}: ${trouble}`;
  return failures.length > 0 ? null : `survived: ${about}: "${mutant.test.name}" in ${mutant.test.file} stays green`;
}

const keyOf = ({ test }: Mutant): string => `${test.file} ${test.name}`;

/** The named tests that fail, or do not run, with no bug planted: of those nothing can be concluded. */
async function redWithoutBug(benches: Workbench[]): Promise<Map<string, string>> {
  const red = new Map<string, string>();
  const distinct = [...new Map(chosen.map((mutant) => [keyOf(mutant), mutant])).values()];
  const files = [...new Set(distinct.map(({ test }) => test.file))];
  await shared(files, benches, async (file, bench) => {
    const own = distinct.filter(({ test }) => test.file === file);
    const together = await bench.run(
      file,
      own.map(({ test }) => test.name),
    );
    // Usually all are green and each was there; only else is it worth asking which.
    if (wrong(together) === null && together.ran >= own.length) return;
    for (const mutant of own) {
      const why = wrong(await bench.run(file, [mutant.test.name]));
      if (why !== null) red.set(keyOf(mutant), why);
    }
  });
  return red;
}

const wrong = ({ failures, trouble }: TestRun): string | null => trouble ?? failures[0]?.slice(0, 300) ?? null;
