/**
 * Asks the registry which dependencies have known holes. A registry that does not answer this (some mirrors do not) is
 * reported as "not run": it is neither a failure nor a pass.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @returns one line to print, and whether the run has to fail */
export function judge(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return { line: 'dependencies: not run (npm gave no answer that can be read)', failed: false };
  }
  const counts = answer.metadata?.vulnerabilities;
  if (!counts) {
    const reason = String(answer.message ?? answer.error?.summary ?? 'no report').split(' - ')[0];
    return { line: `dependencies: not run (${reason})`, failed: false };
  }
  const { total, high = 0, critical = 0 } = counts;
  const line = `dependencies: ${total} known holes, ${critical} critical, ${high} high`;
  return { line, failed: high + critical > 0 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const npm = process.env['npm_execpath'];
  const [command, ...before] = npm ? [process.execPath, npm] : ['npm'];
  const { stdout } = spawnSync(command, [...before, 'audit', '--json', '--omit', 'dev'], {
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 60_000,
  });
  const { line, failed } = judge(stdout ?? '');
  console.log(line);
  process.exitCode = failed ? 1 : 0;
}
