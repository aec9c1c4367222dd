/**
 * `npm run test:chaos`: real PostgreSQL, real broker, real worker processes, and what goes wrong with them. One part alone:
 * `npm run test:chaos:postgres` and so on. Sizes are those below unless the environment says others (`SECONDS=60 ORDERS=500`).
 */
import { runProof } from './proof.mjs';

const parts = {
  // Restarts every 5 to 10 s, lost answers to commits, killed backends, too few connections.
  postgres: { SECONDS: '300', ORDERS: '5000' },
  // The broker stopped for 12 s, then connections cut every 3 s; poison in every tenth record.
  kafka: { SECONDS: '120', RECORDS: '20000', MEASURED: '400', CHAOS_FREEZE: 'broker' },
  // Each round freezes a worker for longer than its lease.
  zombie: { ROUNDS: '20', ORDERS: '40' },
  // Each round replaces three workers; then one is stopped while the database is away.
  rolling: { ROUNDS: '10', ORDERS: '2000', DATABASE_AWAY: 'all' },
};

const wanted = process.argv[2];
if (wanted !== undefined && !(wanted in parts)) {
  process.stderr.write(`There is no part "${wanted}". There are: ${Object.keys(parts).join(', ')}.\n`);
  process.exit(1);
}
const chosen = wanted === undefined ? Object.keys(parts) : [wanted];
await runProof({
  name: wanted === undefined ? 'test:chaos' : `test:chaos:${wanted}`,
  settings: ['SECONDS', 'ORDERS', 'RECORDS', 'MEASURED', 'ROUNDS'],
  run: async ({ jest }) => {
    for (const part of chosen) {
      const unless = Object.entries(parts[part]).filter(([name]) => !process.env[name]);
      await jest([`test/chaos/${part}.test.ts`], Object.fromEntries(unless));
    }
  },
});
