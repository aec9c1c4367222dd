import type { Call } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { Zone } from '../state/catalogue-model.js';
import type { Account, SecurityGroup } from '../state/model.js';

/** Security groups of a VM: only in zones that have them; without any named, `default` is used. */
export function securityGroupsFor(call: Call, zone: Zone, owner: Account): string[] {
  const ids = call.params.list('securitygroupids');
  const names = call.params.list('securitygroupnames');
  if (ids !== undefined && names !== undefined) {
    throw invalidParameter('securitygroupids parameter is mutually exclusive with securitygroupnames parameter');
  }
  if (!zone.securityGroups) {
    if (ids === undefined && names === undefined) return [];
    throw invalidParameter(`Zone ${zone.id} has no security groups`);
  }
  if (ids !== undefined) return ids.map((id) => call.rowById(call.cloud.securityGroups, id, 'securitygroupids').id);
  return (names ?? ['default']).map((name) => groupByName(call, owner, name).id);
}

/** Every account has a `default` group, made when it is first needed; it cannot be deleted. */
export function groupByName(call: Call, owner: Account, name: string): SecurityGroup {
  for (const group of call.cloud.securityGroups.ofAccount(owner.id)) if (group.name === name) return group;
  if (name !== 'default') throw invalidParameter(`Unable to find security group ${name} for account ${owner.name}`);
  return call.cloud.securityGroups.add({
    id: call.cloud.newId(),
    accountId: owner.id,
    created: Date.now(),
    name: 'default',
    description: 'Default Security Group',
    rules: [],
  });
}
