import type { Server } from '../state/model.js';
import { phaseOf } from '../state/underway.js';

export function taskStateOf(server: Server): string | null {
  return server.underway === null ? null : phaseOf(server.underway, Date.now());
}

const plain: Record<string, string> = {
  active: 'ACTIVE',
  building: 'BUILD',
  stopped: 'SHUTOFF',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  rescued: 'RESCUE',
  resized: 'VERIFY_RESIZE',
  shelved: 'SHELVED',
  shelved_offloaded: 'SHELVED_OFFLOADED',
  error: 'ERROR',
  deleted: 'DELETED',
};

/** What Nova calls the two states together (openstack.md 3.3): a stop in progress is still ACTIVE. */
export function statusOfServer(server: Server): string {
  const task = taskStateOf(server);
  const { vmState } = server;
  if (task !== null && vmState !== 'deleted' && vmState !== 'error') {
    if (task === 'rebooting_hard' || task === 'reboot_started_hard') return 'HARD_REBOOT';
    if (task === 'rebooting' || task === 'reboot_started') return 'REBOOT';
    if (task === 'resize_reverting') return 'REVERT_RESIZE';
    if (task.startsWith('rebuild')) return 'REBUILD';
    if (task.startsWith('resize')) return 'RESIZE';
    if (task === 'updating_password') return 'PASSWORD';
  }
  return plain[vmState] ?? 'UNKNOWN';
}

/** 0 none, 1 running, 3 paused, 4 shut down, 7 suspended. */
export function powerStateOf(server: Server): number {
  switch (server.vmState) {
    case 'active':
    case 'rescued':
      return 1;
    case 'resized':
      return server.vmStateBefore === 'stopped' ? 4 : 1;
    case 'paused':
      return 3;
    case 'stopped':
    case 'shelved':
      return 4;
    case 'suspended':
      return 7;
    default:
      return 0;
  }
}
