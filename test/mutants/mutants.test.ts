import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mutants } from './mutants.js';
import { matches, Workbench } from './workbench.js';

describe('a planted bug', () => {
  it('has a name of its own, and there are enough of them', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    expect(mutants.length).toBeGreaterThanOrEqual(20);
  });

  it.each(mutants)('can still be planted: $name', (mutant) => {
    expect({ file: mutant.file, matches: matches(mutant) }).toEqual({ file: mutant.file, matches: 1 });
    expect(mutant.replace).not.toBe(mutant.find);
  });

  // All of them: npm run test:mutants.
  describe('is caught by its test:', () => {
    let bench: Workbench;
    beforeAll(() => {
      bench = new Workbench();
    });
    afterAll(() => bench?.remove());

    const some = [
      'one look that finds nothing is enough',
      'the sequence of events does not count',
      'an event is published under a new id each time',
    ];
    it.each(some)('%s', async (name) => {
      const mutant = mutants.find((one) => one.name === name);
      if (!mutant) throw new Error('no such mutant');
      const { file, name: test } = mutant.test;
      // Only what is green without the bug can turn red by it.
      expect(await bench.run(file, [test])).toEqual({ ran: 1, failures: [], trouble: null });
      const { failures, trouble } = await bench.withBug(mutant);
      expect({ caught: failures.length > 0, trouble }).toEqual({ caught: true, trouble: null });
    });
  });
});
