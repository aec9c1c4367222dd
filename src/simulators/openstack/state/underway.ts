import type { Underway } from './model.js';

/** The phases share the time evenly; the last one stays until the work is really over. */
export function phaseOf(underway: Underway, nowMs: number): string | null {
  const { startedMs, endsMs, phases } = underway;
  const done = endsMs > startedMs ? (nowMs - startedMs) / (endsMs - startedMs) : 1;
  const index = Math.min(phases.length - 1, Math.max(0, Math.floor(done * phases.length)));
  return phases[index] ?? null;
}

/** The status a volume, snapshot or backup shows now. */
export function statusOf(row: { status: string; underway: Underway | null }): string {
  return row.underway === null ? row.status : (phaseOf(row.underway, Date.now()) ?? row.status);
}
