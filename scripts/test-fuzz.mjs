/**
 * Fuzzing of the intake: RUNS=n messages made from the corpus and the real samples are read in process (100,000), HTTP_RUNS=n
 * posted to the whole program (4,000); SEED=n makes the same ones again. What breaks something is kept in
 * test/fuzz/regressions/ and read in every `npm test` from then on.
 */
import { runProof } from './proof.mjs';

await runProof({
  name: 'test:fuzz',
  jest: ['test/fuzz'],
  env: { RUNS: process.env.RUNS ?? '100000', HTTP_RUNS: process.env.HTTP_RUNS ?? '4000' },
  settings: ['RUNS', 'HTTP_RUNS'],
});
