import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second of /proc; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * CPU seconds used so far by this process and by a PostgreSQL server (its postmaster, the backends alive, and the ones
 * that ended). Reads /proc, so Linux only; elsewhere the server's part is 0 and `complete` says so.
 */
export function cpuSeconds(postmasterPid: number): { engine: number; database: number; complete: boolean } {
  const { user, system } = process.cpuUsage();
  const engine = (user + system) / 1e6;
  try {
    let ticks = 0;
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const times = readTimes(entry);
      if (!times) continue;
      if (Number(entry) === postmasterPid) ticks += times.own + times.ended;
      else if (times.parent === postmasterPid) ticks += times.own;
    }
    return { engine, database: ticks / ticksPerSecond, complete: true };
  } catch {
    return { engine, database: 0, complete: false };
  }
}

function readTimes(pid: string): { parent: number; own: number; ended: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in brackets and may hold anything; the fields after it are numbers (proc(5)).
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const at = (index: number) => fields[index - 3] ?? 0;
    return { parent: at(4), own: at(14) + at(15), ended: at(16) + at(17) };
  } catch {
    return null;
  }
}
