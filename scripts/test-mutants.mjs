/**
 * `npm run test:mutants`: plants known bugs one at a time in copies of the tree (test/mutants/mutants.ts); a named test must
 * catch each. A bug that survives, or that can no longer be planted, is a violation. ONLY=regex chooses by name and file.
 */
import { runProof } from './proof.mjs';

await runProof({
  name: 'test:mutants',
  seed: false,
  settings: ['ONLY'],
  jest: ['--testMatch=**/test/mutants/all-mutants.proof.ts'],
});
