/**
 * `npm run bench:naive`: our worker and a naive one (bench/naive) through the same four runs, side by side. Sizes by
 * environment: ORDERS, KILLS, RESTARTS, LOST, SEED; ONLY=regex chooses runs. `--json`: the figures once more, as the last line.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProof } from './proof.mjs';

const rows = [
  ['orders', 'orders'],
  ['completed', 'completed'],
  ['told as failed', 'failed'],
  ['without an end', 'withoutEnd'],
  ['resources built twice', 'doubled'],
  ['resources nobody knows of', 'lost'],
  ['second endings told', 'secondEnds'],
  ['not as told', 'notAsTold'],
  ['bad messages unanswered', 'badUnanswered'],
  ['crashes of its own', 'crashes'],
  ['seconds', 'seconds'],
];

const folder = mkdtempSync(join(tmpdir(), 'orderwright-naive-'));
const file = join(folder, 'comparison.jsonl');
let figures = {};
await runProof({
  name: 'bench:naive',
  settings: ['ORDERS', 'KILLS', 'RESTARTS', 'LOST', 'ONLY'],
  run: async ({ jest, report }) => {
    await jest(['--testMatch=**/test/bench/naive/comparison.bench.ts'], { COMPARISON_RESULT: file });
    figures = read();
    report({ figures });
    print();
  },
});
rmSync(folder, { recursive: true, force: true });
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(figures)}\n`);

/** By run, then by worker. */
function read() {
  const runs = {};
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { scenario, worker, ...counted } = JSON.parse(line);
    runs[scenario] = { ...runs[scenario], [worker]: counted };
  }
  return runs;
}

function print() {
  for (const [scenario, { orderwright = {}, naive = {} }] of Object.entries(figures)) {
    process.stdout.write(`\n${scenario.padEnd(44)}${'Orderwright'.padStart(12)}${'naive'.padStart(12)}\n`);
    for (const [label, key] of rows) {
      if (orderwright[key] === undefined && naive[key] === undefined) continue;
      const cell = (value) => String(value ?? '-').padStart(12);
      process.stdout.write(`  ${label.padEnd(42)}${cell(orderwright[key])}${cell(naive[key])}\n`);
    }
  }
  process.stdout.write('\n');
}
