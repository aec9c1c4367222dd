import type { SeenCloud } from '../store/worker-clouds.js';
import type { Platform } from './platform.js';

/** What the weather is like at a platform, for people. */
export interface Weather {
  /** `broken`: no call gets through; `reopening`: it answers again and work is let in slowly; `unusable`: its settings are not. */
  state: 'open' | 'broken' | 'reopening' | 'maintenance' | 'disabled' | 'unusable';
  since: string | null;
  reason: string | null;
  nextProbeAt: string | null;
  /** Pieces of work that wait until it is open again, all workers. */
  parked: number;
  /** Pieces of work that wait for their turn, all workers. */
  queued: number;
}

/**
 * What people are told of a platform: the worst that any worker sees of it.
 *
 * @param seen what each worker sees of its account, this one first
 * @param parked work that this worker keeps for the platform, and since when (ms since epoch)
 */
export function weatherReport(
  platform: Platform | undefined,
  seen: SeenCloud[],
  parked: { count: number; since: number | null },
): Weather {
  const calm = { since: null, reason: null, nextProbeAt: null, parked: parked.count, queued: 0 };
  if (!platform || platform.unusable !== null) {
    const since = platform?.changedAt ?? parked.since;
    const reason = platform?.unusable ?? 'no platform of this id is configured';
    return { ...calm, state: 'unusable', since: instant(since), reason };
  }
  const { state, id } = platform.summary;
  const waiting = seen.reduce((sum, one) => sum + (one.waiting[id] ?? 0), 0);
  if (state === 'maintenance') {
    return { ...calm, state, since: instant(platform.stateSince), reason: platform.stateReason, parked: waiting };
  }
  const worst = seen.find((one) => one.circuit === 'open') ?? seen.find((one) => one.circuit === 'half-open');
  if (worst && worst.circuit !== 'closed') {
    const { since, reason, nextProbeAt } = worst;
    const broken = worst.circuit === 'open';
    return {
      state: broken ? 'broken' : 'reopening',
      since: instant(since),
      reason,
      nextProbeAt: broken ? instant(nextProbeAt) : null,
      parked: broken ? waiting : 0,
      queued: broken ? 0 : waiting,
    };
  }
  return { ...calm, state: state === 'disabled' ? 'disabled' : 'open', queued: waiting };
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
