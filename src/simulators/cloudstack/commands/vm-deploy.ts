import type { Call, CommandFamily, CreatePlan } from '../call.js';
import { entityExists, invalidParameter, permissionDenied } from '../errors.js';
import { checkLimit } from '../state/limits.js';
import type { DiskOffering, ServiceOffering, Template, Zone } from '../state/catalogue-model.js';
import type { Vm } from '../state/model.js';
import { addNic, implementNetworks } from '../state/networking.js';
import { ownDetails, shapeFor } from '../state/offering-shape.js';
import { checkHostName, checkHostNameFree } from '../state/vm-names.js';
import { addDisk } from '../state/disks.js';
import { checkPlaceable, chosenPassword, queueOf, userdataOf } from '../state/vm-work.js';
import { networksFor, type NetworkChoice } from './vm-networks.js';
import { securityGroupsFor } from './vm-security-groups.js';
import { vmView } from '../views/vm.js';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const vmDeployCommands: CommandFamily = {
  deployVirtualMachine: {
    kind: 'AC',
    cmd: 'user.vm.DeployVM',
    required: ['zoneid', 'serviceofferingid', 'templateid'],
    run: deploy,
  },
};

interface Wanted {
  zone: Zone;
  offering: ServiceOffering;
  template: Template;
  networks: NetworkChoice[];
  disks: { offering: DiskOffering; sizeGib: number }[];
  rootGib: number;
}

/** Everything that can be refused at once is, before a record exists; capacity comes out in the job. */
function deploy(call: Call): CreatePlan {
  const { cloud, params } = call;
  const customId = customIdOf(call);
  const zone = call.catalogue(cloud.zones, 'zoneid');
  const offering = offeringFor(call);
  if (offering.isSystem) throw invalidParameter(`Service offering ${offering.id} is for system VMs`);
  const template = call.catalogue(cloud.templates, 'templateid');
  if (!template.zoneIds.includes(zone.id))
    throw invalidParameter(`Template ${template.id} is not available in zone ${zone.id}`);
  const owner = call.owner();
  const shape = shapeFor(call, offering);
  const rootGib = rootSize(call, template, offering);
  const disks = dataDisks(call);
  const keypairs = params.list('keypairs') ?? params.list('keypair') ?? [];
  for (const name of keypairs) {
    if (![...cloud.keyPairs.ofAccount(owner.id)].some((pair) => pair.name === name)) {
      throw invalidParameter(`A key pair with name '${name}' was not found.`);
    }
  }
  const userdata = userdataOf(call);
  const name = params.text('name');
  if (name !== undefined) checkHostName(name);
  const diskGib = disks.reduce((sum, disk) => sum + disk.sizeGib, rootGib);
  checkLimit(cloud, owner, 'vm', 1);
  checkLimit(cloud, owner, 'cpu', shape.cpuNumber);
  checkLimit(cloud, owner, 'memory', shape.memoryMib);
  checkLimit(cloud, owner, 'volume', 1 + disks.length);
  checkLimit(cloud, owner, 'primaryStorage', diskGib);
  const securityGroupIds = securityGroupsFor(call, zone, owner);
  const wanted: Wanted = { zone, offering, template, networks: networksFor(call, zone, owner), disks, rootGib };
  if (name !== undefined)
    checkHostNameFree(
      cloud,
      name,
      wanted.networks.map((choice) => choice.network),
    );
  if (customId !== undefined && cloud.removed.has(customId)) {
    throw entityExists();
  }

  const id = customId ?? cloud.newId();
  const vm: Vm = {
    id,
    accountId: owner.id,
    created: Date.now(),
    name: name ?? `VM-${id}`,
    displayname: params.text('displayname') ?? name ?? `VM-${id}`,
    instanceName: `i-2-${cloud.nextSerial()}-VM`,
    state: 'Stopped',
    zoneId: zone.id,
    templateId: template.id,
    templateName: template.name,
    passwordEnabled: template.passwordEnabled,
    serviceOfferingId: offering.id,
    ...shape,
    group: params.text('group') ?? null,
    keypairs,
    securityGroupIds,
    details: ownDetails(call),
    haEnable: offering.offerHa,
    dynamicallyScalable: params.flag('dynamicscalingenabled') ?? false,
    userdata,
    userId: call.caller.user.id,
    nics: [],
    pendingPassword: template.passwordEnabled ? chosenPassword(call) : null,
    destroyedAt: null,
    nameKeys: [],
  };
  record(call, vm, wanted);
  return deployPlan(call, vm, wanted);
}

/** A deleted one still resolves: VMs run on it. */
function offeringFor(call: Call): ServiceOffering {
  const { cloud, params } = call;
  const id = params.required('serviceofferingid');
  if (cloud.retiredOfferings.has(id)) throw invalidParameter(`Service offering is inactive: [${id}].`);
  return call.catalogue(cloud.serviceOfferings, 'serviceofferingid');
}

function record(call: Call, vm: Vm, wanted: Wanted): void {
  const { cloud } = call;
  try {
    wanted.networks.forEach((choice, index) => addNic(call, vm, choice.network, choice, index === 0));
  } catch (error) {
    // guess: the address is taken with the record, so that a full network refuses at once and leaves no record.
    for (const nic of vm.nics) {
      cloud.networks.get(nic.networkId)?.guestIps.release(nic.ip);
      cloud.vmsOfNetwork.delete(nic.networkId, vm);
    }
    throw error;
  }
  cloud.vms.add(vm);
  for (const key of new Set(wanted.networks.map((choice) => cloud.nameKeyOf(choice.network)))) {
    vm.nameKeys.push(key);
    cloud.holdHostName(key, vm.name, vm.id);
  }
  call.effect('created', 'vm', vm.id, [vm.name, vm.displayname]);
  const serial = cloud.nextSerial();
  addDisk(call, vm, { name: `ROOT-${serial}`, type: 'ROOT', sizeGib: wanted.rootGib, offering: null, deviceId: 0 });
  wanted.disks.forEach((disk, index) =>
    addDisk(call, vm, {
      name: wanted.disks.length === 1 ? `DATA-${serial}` : `DATA-${serial}-${index}`,
      type: 'DATADISK',
      sizeGib: disk.sizeGib,
      offering: disk.offering,
      deviceId: index + 1,
    }),
  );
}

function deployPlan(call: Call, vm: Vm, { offering }: Wanted): CreatePlan {
  const start = call.params.flag('startvm') ?? true;
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    queue: queueOf(vm),
    begin() {
      if (start) vm.state = 'Starting';
    },
    finish() {
      checkPlaceable(call, vm, offering);
      const disks = [...call.cloud.volumesOfVm.get(vm.id)];
      for (const disk of disks) disk.state = 'Ready';
      implementNetworks(call, vm);
      vm.state = start ? 'Running' : 'Stopped';
      const password = vm.pendingPassword ?? undefined;
      if (start) vm.pendingPassword = null;
      return { virtualmachine: vmView(call, vm, start ? password : undefined) };
    },
    // A failed deploy leaves its VM behind in Error; its row holds the host name until it is expunged.
    undo() {
      if (call.cloud.vms.get(vm.id) !== vm) return;
      vm.state = 'Error';
      for (const disk of call.cloud.volumesOfVm.get(vm.id)) disk.state = 'Allocated';
    },
  };
}

/** Root admin only. Checked before anything is made: 431 while the entity lives, 530 once it is expunged. */
export function customIdOf(call: Call): string | undefined {
  const id = call.params.text('customid');
  if (id === undefined) return undefined;
  if (!call.caller.isRootAdmin) throw permissionDenied('Parameter customid can only be passed in by root admin');
  if (!uuid.test(id)) throw invalidParameter(`Custom id ${id} is not a uuid`);
  if (call.cloud.anyRowHas(id)) throw invalidParameter(`There is already an entity with the custom id ${id}`);
  return id;
}

function rootSize(call: Call, template: Template, offering: ServiceOffering): number {
  const asked = call.params.integer('rootdisksize') ?? offering.rootDiskGib ?? template.sizeGib;
  if (asked < 1) throw invalidParameter('Root disk size should be a positive number.');
  if (asked < template.sizeGib) {
    throw invalidParameter(`Root disk size ${asked} GB is smaller than the template's ${template.sizeGib} GB`);
  }
  return asked;
}

function dataDisks(call: Call): { offering: DiskOffering; sizeGib: number }[] {
  const { cloud, params } = call;
  const disks: { offering: DiskOffering; sizeGib: number }[] = [];
  const offering = call.optionalCatalogue(cloud.diskOfferings, 'diskofferingid');
  if (offering !== undefined) disks.push({ offering, sizeGib: diskSize(offering, params.integer('size')) });
  if (call.behaviour.minor < 21) return disks;
  for (const entry of params.entries('datadisksdetails')) {
    const id = entry['diskofferingid'] ?? '';
    const listed = cloud.diskOfferings.get(id);
    if (listed === undefined) throw call.unknownId('datadisksdetails.diskofferingid', id);
    const size = entry['size'];
    disks.push({ offering: listed, sizeGib: diskSize(listed, size === undefined ? undefined : Number(size)) });
  }
  return disks;
}

/** Custom offerings need a size between 1 and 1024 GB; the others forbid one. */
export function diskSize(offering: DiskOffering, asked: number | undefined): number {
  if (offering.diskGib !== null) {
    if (asked !== undefined) throw invalidParameter('This disk offering does not allow custom size.');
    return offering.diskGib;
  }
  if (asked === undefined) throw invalidParameter('This disk offering requires a custom size specified');
  if (!Number.isInteger(asked) || asked < 1 || asked > 1024) {
    throw invalidParameter(`Volume size: ${asked}GB is out of allowed range. Min: 1. Max: 1024`);
  }
  return asked;
}
