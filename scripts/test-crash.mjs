/**
 * The whole crash sweep: a worker dies at every crash point, another goes on, and every invariant is checked.
 * CLOUD=openstack does it on another cloud; POINTS=pattern, LIMIT=n, SCENARIO=name and LANES=n narrow it; PAIRS=n takes two random points one after the other; SEED=n
 * draws the same ones again.
 */
import { runProof } from './proof.mjs';

await runProof({
  name: 'test:crash',
  jest: ['test/crash/crash-sweep.test.ts'],
  env: { SWEEP: 'whole' },
  settings: ['CLOUD', 'POINTS', 'LIMIT', 'SCENARIO', 'PAIRS'],
});
