/**
 * `npm run verify:full`: everything that proves the promise, one after the other, at its full size: hours on two cores. What
 * is checked in every `npm test` in a short version stands here in the long one. PROOFS=regex chooses by command; SEED=n draws
 * the same again. Each proof keeps its result (`.orderwright/proofs.jsonl`), and docs/reliability.md is written from them.
 * The last line is `violations: N`, over all of them.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeReliability } from './reliability-doc.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const proofs = [
  { script: 'verify', env: {} },
  { script: 'test:crash', env: { PAIRS: '500' } },
  { script: 'test:sim', env: { RUNS: '10000' } },
  { script: 'test:sim', env: { PROFILE: 'lost-answers' } },
  { script: 'test:crash', env: { CLOUD: 'openstack', PAIRS: '60' } },
  { script: 'test:sim', env: { CLOUD: 'openstack', RUNS: '2000' } },
  { script: 'test:chaos:postgres', env: {} },
  { script: 'test:chaos:kafka', env: {} },
  { script: 'test:chaos:zombie', env: {} },
  { script: 'test:chaos:rolling', env: {} },
  { script: 'test:fuzz', env: {} },
  { script: 'test:mutants', env: {} },
  { script: 'bench:naive', env: {} },
];

const wanted = new RegExp(process.env.PROOFS ?? '');
const chosen = proofs.filter(({ script, env }) => wanted.test(`${Object.values(env).join(' ')} ${script}`));
let violations = 0;
for (const { script, env } of chosen) {
  process.stdout.write(
    `\n== ${Object.entries(env)
      .map(([name, value]) => `${name}=${value} `)
      .join('')}npm run ${script}\n`,
  );
  violations += await countViolations(script, env);
}
await writeReliability();
process.stdout.write(`\n${chosen.length} proofs\nviolations: ${violations}\n`);
process.exitCode = violations === 0 && chosen.length > 0 ? 0 : 1;

/** What a proof says in its last line; one that fails without saying so counts as one. */
async function countViolations(script, env) {
  const child = spawn('npm', ['run', '--silent', script], {
    cwd: root,
    env: { ...process.env, ...env, PROOFS: '' },
    stdio: ['inherit', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    output = (output + chunk).slice(-10_000);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const said = Number(/violations: (\d+)\s*$/.exec(output)?.[1] ?? 0);
  return said > 0 || code === 0 ? said : 1;
}
