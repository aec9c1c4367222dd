import { accountLimit, limitExceeded } from '../errors.js';
import type { Cloud } from './cloud.js';
import type { Account } from './model.js';

/** Resource types of quotas (reference, section 9.6); secondary storage and templates are not counted here. */
export const resourceTypes = {
  vm: 0,
  publicIp: 1,
  volume: 2,
  snapshot: 3,
  template: 4,
  project: 5,
  network: 6,
  vpc: 7,
  cpu: 8,
  memory: 9,
  primaryStorage: 10,
  secondaryStorage: 11,
} as const;
export type ResourceName = keyof typeof resourceTypes;

/** The defaults of a fresh install (`max.account.*`); root admins and the accounts of projects have none here. */
const userDefaults: Record<number, number> = {
  0: 20,
  1: 20,
  2: 20,
  3: 20,
  4: 20,
  5: 10,
  6: 20,
  7: 20,
  8: 40,
  9: 40_960,
  10: 200,
  11: 400,
};

const gibibyte = 1024 ** 3;

export function limitOf(account: Account, type: number): number {
  return account.limits.get(type) ?? (account.type === 0 ? (userDefaults[type] ?? -1) : -1);
}

/** How much an account uses. Destroyed VMs count no more, as the resource count is lowered on destroy. */
export function usedBy(cloud: Cloud, account: Account, name: ResourceName): number {
  const vms = () =>
    [...cloud.vms.ofAccount(account.id)].filter((vm) => vm.state !== 'Destroyed' && vm.state !== 'Expunging');
  const count = (rows: Iterable<unknown>) => [...rows].length;
  switch (name) {
    case 'vm':
      return vms().length;
    case 'cpu':
      return vms().reduce((sum, vm) => sum + vm.cpuNumber, 0);
    case 'memory':
      return vms().reduce((sum, vm) => sum + vm.memoryMib, 0);
    case 'volume':
      return count(cloud.volumes.ofAccount(account.id));
    case 'primaryStorage':
      return [...cloud.volumes.ofAccount(account.id)].reduce((sum, volume) => sum + volume.sizeBytes / gibibyte, 0);
    case 'publicIp':
      return count(cloud.addresses.ofAccount(account.id));
    case 'snapshot':
      return count(cloud.snapshots.ofAccount(account.id));
    case 'network':
      return count(cloud.networks.ofAccount(account.id));
    case 'vpc':
      return count(cloud.vpcs.ofAccount(account.id));
    case 'project':
      return [...cloud.projects.values()].filter((project) => project.ownerAccountId === account.id).length;
    case 'template':
    case 'secondaryStorage':
      return 0;
  }
}

/**
 * 535 when the account would go over its quota, 532 for public addresses.
 * guess: which of the two codes a quota gives; the resource limit service throws 535, the address manager 532.
 */
export function checkLimit(cloud: Cloud, account: Account, name: ResourceName, more: number): void {
  const limit = limitOf(account, resourceTypes[name]);
  if (limit < 0 || usedBy(cloud, account, name) + more <= limit) return;
  const text = `Maximum number of resources of type '${name}' for account name=${account.name} in domain id=${account.domainId} has been exceeded.`;
  throw name === 'publicIp' ? accountLimit(text) : limitExceeded(text);
}
