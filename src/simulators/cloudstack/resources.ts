import type { SimulatedResource } from '../control.js';
import type { JsonObject } from '../../json.js';
import type { Cloud } from './state/cloud.js';
import type { Owned, PublicAddress } from './state/model.js';

const gibibyte = 1024 ** 3;

/** Everything alive, for the control side. Root disks are details of their VM; seeded things are left out. */
export function simulatedResources(cloud: Cloud): SimulatedResource[] {
  const rows: SimulatedResource[] = [];
  const add = (
    kind: string,
    row: Owned,
    texts: { name: string | null; more?: (string | null)[]; state?: string; attachedTo?: string | null },
    details: JsonObject = {},
  ) => {
    const account = cloud.accounts.get(row.accountId)?.name;
    rows.push({
      kind,
      id: row.id,
      name: texts.name,
      marker: cloud.markerOf(row.id, [texts.name, ...(texts.more ?? [])]),
      state: texts.state ?? null,
      createdAt: new Date(row.created).toISOString(),
      attachedTo: texts.attachedTo ?? null,
      details: account === undefined ? details : { account, ...details },
    });
  };

  for (const vm of cloud.vms.values()) {
    const root = [...cloud.volumesOfVm.get(vm.id)].find((volume) => volume.type === 'ROOT');
    add(
      'vm',
      vm,
      { name: vm.name, more: [vm.displayname], state: vm.state },
      {
        displayName: vm.displayname,
        cpuNumber: vm.cpuNumber,
        cpuSpeedMhz: vm.cpuSpeed,
        memoryMib: vm.memoryMib,
        rootDiskGib: root === undefined ? null : root.sizeBytes / gibibyte,
        rootVolumeId: root?.id ?? null,
        serviceOfferingId: vm.serviceOfferingId,
        templateId: vm.templateId,
        zoneId: vm.zoneId,
        networkIds: vm.nics.map((nic) => nic.networkId),
        privateIps: vm.nics.map((nic) => nic.ip),
      },
    );
  }
  for (const volume of cloud.volumes.values()) {
    if (volume.type === 'ROOT') continue;
    add(
      'volume',
      volume,
      { name: volume.name, state: volume.state, attachedTo: volume.vmId },
      {
        sizeGib: volume.sizeBytes / gibibyte,
        type: cloud.diskOfferings.get(volume.diskOfferingId ?? '')?.tags ?? null,
        diskOfferingId: volume.diskOfferingId,
        deviceId: volume.deviceId,
        zoneId: volume.zoneId,
      },
    );
  }
  for (const address of cloud.addresses.values()) {
    const kind = address.sourceNat ? 'source-nat-address' : 'address';
    add(
      kind,
      address,
      { name: address.ip, state: address.state, attachedTo: address.vmId },
      {
        ipAddress: address.ip,
        sourceNat: address.sourceNat,
        staticNat: address.vmId !== null,
        networkId: address.networkId,
        vpcId: address.vpcId,
        bandwidthMbps: bandwidthOf(cloud, address),
      },
    );
  }
  for (const network of cloud.networks.values()) {
    if (network.seeded) continue;
    add(
      'network',
      network,
      { name: network.name, more: [network.displaytext], state: network.state, attachedTo: network.vpcId },
      {
        cidr: network.cidr,
        gateway: network.gateway,
        vpcId: network.vpcId,
        aclId: network.aclId,
        networkOfferingId: network.offeringId,
        bandwidthMbps: positive(cloud.networkOfferings.get(network.offeringId)?.networkRate),
      },
    );
  }
  for (const vpc of cloud.vpcs.values()) {
    add(
      'vpc',
      vpc,
      { name: vpc.name, more: [vpc.displaytext], state: vpc.state },
      { cidr: vpc.cidr, zoneId: vpc.zoneId },
    );
  }
  for (const list of cloud.aclLists.values()) {
    if (list.vpcId === null) continue;
    const rules = [...cloud.rulesOfAclList.get(list.id)].map((rule) => rule.number);
    add(
      'acl-list',
      list,
      { name: list.name, more: [list.description], attachedTo: list.vpcId },
      { ruleNumbers: rules },
    );
  }
  for (const rule of cloud.aclRules.values()) {
    add(
      'acl-rule',
      rule,
      { name: null, state: rule.state, attachedTo: rule.listId },
      {
        number: rule.number,
        protocol: rule.protocol,
        action: rule.action,
        trafficType: rule.trafficType,
      },
    );
  }
  addSmallThings(cloud, add);
  addOfferings(cloud, rows);
  return rows;
}

type Add = (
  kind: string,
  row: Owned,
  texts: { name: string | null; more?: (string | null)[]; state?: string; attachedTo?: string | null },
  details?: JsonObject,
) => void;

function addSmallThings(cloud: Cloud, add: Add): void {
  for (const rule of cloud.firewallRules.values()) {
    const kind = rule.use === 'portforwarding' ? 'port-forwarding-rule' : 'firewall-rule';
    add(
      kind,
      rule,
      { name: null, state: rule.state, attachedTo: rule.addressId ?? rule.networkId },
      {
        protocol: rule.protocol,
        startPort: rule.startPort,
        endPort: rule.endPort,
      },
    );
  }
  for (const group of cloud.securityGroups.values()) {
    if (group.name === 'default') continue;
    add('security-group', group, { name: group.name, more: [group.description] }, { rules: group.rules.length });
  }
  for (const pair of cloud.keyPairs.values())
    add('keypair', pair, { name: pair.name }, { fingerprint: pair.fingerprint });
  for (const snapshot of cloud.snapshots.values()) {
    add(
      'snapshot',
      snapshot,
      { name: snapshot.name, state: snapshot.state, attachedTo: snapshot.volumeId },
      {
        sizeGib: snapshot.sizeBytes / gibibyte,
      },
    );
  }
  for (const account of cloud.accounts.values()) {
    if (account.type === 1 || account.type === 5) continue;
    const more = [...cloud.users.ofAccount(account.id)].map(({ lastname }) => lastname);
    add('account', account, { name: account.name, more, state: account.state }, { type: account.type });
  }
  for (const project of cloud.projects.values()) {
    add('project', project, { name: project.name, more: [project.displaytext], state: project.state });
  }
}

/** Only those made while running. */
function addOfferings(cloud: Cloud, rows: SimulatedResource[]): void {
  const add = (
    kind: string,
    offering: { id: string; name: string; displaytext: string; created: number; seeded: boolean },
    details: JsonObject,
  ) => {
    if (offering.seeded) return;
    rows.push({
      kind,
      id: offering.id,
      name: offering.name,
      marker: cloud.markerOf(offering.id, [offering.name, offering.displaytext]),
      state: null,
      createdAt: new Date(offering.created).toISOString(),
      attachedTo: null,
      details,
    });
  };
  for (const one of cloud.serviceOfferings.values()) {
    add('service-offering', one, {
      cpuNumber: one.cpuNumber,
      cpuSpeedMhz: one.cpuSpeed,
      memoryMib: one.memoryMib,
      bandwidthMbps: positive(one.networkRate),
    });
  }
  for (const one of cloud.diskOfferings.values()) add('disk-offering', one, { sizeGib: one.diskGib, tags: one.tags });
  for (const one of cloud.networkOfferings.values()) {
    add('network-offering', one, { bandwidthMbps: positive(one.networkRate), state: one.state });
  }
}

/**
 * What limits the traffic of the bound VM: the smaller of the rates of its service offering and of the network's offering,
 * where 0 means unlimited (reference, section 10). Null when neither says anything.
 */
function bandwidthOf(cloud: Cloud, address: PublicAddress): number | null {
  const vm = cloud.vms.get(address.vmId);
  const network = cloud.networks.get(address.networkId);
  const rates = [
    vm === undefined ? null : positive(cloud.offeringOf(vm)?.networkRate),
    network === undefined ? null : positive(cloud.networkOfferings.get(network.offeringId)?.networkRate),
  ].filter((rate) => rate !== null);
  return rates.length === 0 ? null : Math.min(...rates);
}

function positive(rate: number | null | undefined): number | null {
  return rate === null || rate === undefined || rate <= 0 ? null : rate;
}
