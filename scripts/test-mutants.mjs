/**
 * `npm run test:mutants`: plants known bugs one at a time in copies of the tree (test/mutants/mutants.ts); a named test must
 * catch each. A bug that survives, or that can no longer be planted, is a violation. ONLY=regex chooses by name and file.
 *
 * `npm run test:mutants -- --by-simulation`: the same bugs, each looked for with up to SEEDS=500 unkind worlds a cloud from SEED= on.
 * What finds each stands in docs/reliability.d/planted.json, and in docs/reliability.md after `node scripts/reliability-doc.mjs`.
 */
import { runProof } from './proof.mjs';

const bySimulation = process.argv.includes('--by-simulation');
// From the first seed, unless it is said: what is known already goes on there.
if (bySimulation) process.env.SEED ??= '1';

await runProof(
  bySimulation
    ? {
        name: 'test:mutants -- --by-simulation',
        settings: ['SEEDS', 'ONLY', 'CLOUD', 'AGAIN'],
        jest: ['--testMatch=**/test/mutants/by-simulation.proof.ts'],
      }
    : {
        name: 'test:mutants',
        seed: false,
        settings: ['ONLY'],
        jest: ['--testMatch=**/test/mutants/all-mutants.proof.ts'],
      },
);
