import { ProvisioningError } from '../errors.js';
import type { Pace } from '../machines/pace.js';
import type { PlatformSummary } from '../planner/draft.js';
import type { Provisioner } from '../provisioners/provisioner.js';
import type { ListedPlatform } from '../store/platforms.js';
import type { CloudAccount } from './cloud-account.js';
import type { Turn } from './fair-turns.js';

/** A configured data centre with the adapter that drives it. */
export interface Platform {
  summary: PlatformSummary;
  serviceUrl: string;
  pace: Pace;
  /** Its `resolve` waits for its turn. */
  provisioner: Provisioner;
  changedAt: number;
  /** Why somebody gave it its state, and since when it has it. */
  stateReason: string | null;
  stateSince: number;
  account: CloudAccount;
  /** Why it cannot be used as it is configured; its work waits until somebody has mended it. */
  unusable: string | null;
  /** The adapter itself. */
  direct: Provisioner;
}

/** Whether a piece of work may go to its account's queue. In maintenance what is planned goes on; no new order is planned, and none looked at again. */
export function takes({ unusable, summary }: Platform, turn: Turn): boolean {
  return unusable === null && (summary.state !== 'maintenance' || !['plan', 'look'].includes(turn.urgency));
}

/** What a row says of a platform beside its settings: when it was changed, and who gave it its state, why and when. */
export function changesOf(row: ListedPlatform): Pick<Platform, 'changedAt' | 'stateReason' | 'stateSince'> {
  const { updatedAt, stateReason = '', stateSince = updatedAt } = row;
  return {
    changedAt: updatedAt.getTime(),
    stateReason: stateReason === '' ? null : stateReason,
    stateSince: stateSince.getTime(),
  };
}

/** Who a platform is. */
export function summaryOf({ platformId, name, kind, state }: ListedPlatform): Omit<PlatformSummary, 'capabilities'> {
  return { id: platformId, name, kind, state };
}

/** Stands for an adapter that could not be built: it promises everything and refuses all, so that its platform's work waits. */
export function unusableProvisioner(reason: string): Provisioner {
  const refuse = () => Promise.reject(new ProvisioningError('retry', 'CLD_UNAVAILABLE', reason));
  return {
    capabilities: { detachedDisk: true, publicAddress: true },
    operations: {},
    resolve: refuse,
    pollJobs: refuse,
    check: () => Promise.resolve([{ what: 'settings', ok: false, detail: reason }]),
    close: () => Promise.resolve(),
  };
}
