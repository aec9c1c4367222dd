import type { WaitKind } from './operation.machine.js';

/** How patiently a platform is treated. All in milliseconds. */
export interface Pace {
  /** Between two look-ups after a lost answer; three of them span the time in which the cloud's lists become complete. */
  settleMs: number;
  /** The longest time for which the cloud may hold a request that got no answer at all, and then carry it out. */
  holdMs: number;
  /** The same for a request whose connection broke, or for which something between answered. */
  cutMs: number;
  /** Between two looks at a resource that is getting ready or going away. */
  watchMs: number;
  /** First wait after "later"; doubles up to `retryMaxMs`. */
  retryMs: number;
  retryMaxMs: number;
  /** A job that runs longer is asked about by its resource instead. */
  jobDeadlineMs: number;
  /** Between two polls of the same job at the least and at the most. */
  pollMinMs: number;
  pollMaxMs: number;
}

export const defaultPace: Pace = {
  settleMs: 5_000,
  holdMs: 600_000,
  cutMs: 90_000,
  watchMs: 2_000,
  retryMs: 2_000,
  retryMaxMs: 120_000,
  jobDeadlineMs: 2 * 3_600_000,
  pollMinMs: 1_000,
  pollMaxMs: 15_000,
};

/**
 * How long to wait before the next try. Retries grow with full jitter, so that orders that failed together do not come
 * back together; chance comes from the marker, so the same order always waits the same (nothing random in a pure step).
 *
 * @param count how many waits of this kind there have been
 * @param askedMs what the cloud asked for (Retry-After), honoured up to ten minutes
 */
export function delayMs(pace: Pace, kind: WaitKind, count: number, marker: string, askedMs: number | null): number {
  const asked = Math.min(askedMs ?? 0, 600_000);
  if (kind === 'settle') return Math.max(settleMs(pace, count), asked);
  if (kind === 'watch' || kind === 'discard') return Math.max(pace.watchMs, asked);
  const ceiling = Math.min(pace.retryMaxMs, pace.retryMs * 2 ** Math.min(count, 16));
  const jittered = Math.round(ceiling * (0.1 + 0.9 * fraction(`${marker}/${count}`)));
  return Math.max(jittered, asked);
}

/** The first look-ups span the settle window; whoever still looks after them looks more and more rarely, at least once a minute. */
function settleMs(pace: Pace, count: number): number {
  return Math.min(pace.settleMs * 1.5 ** Math.min(Math.max(0, count - 3), 20), Math.max(pace.settleMs, 60_000));
}

/** A number in [0, 1) that depends on the text alone (FNV-1a). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
