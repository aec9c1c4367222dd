import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { NetworkOffering, ServiceOffering } from '../state/catalogue-model.js';
import { diskOfferingView, networkOfferingView, serviceOfferingView } from '../views/catalogue.js';

export const offeringCommands: CommandFamily = {
  createServiceOffering: {
    kind: 'S',
    admin: true,
    required: ['name'],
    requiredUpTo49: ['displaytext'],
    run: createServiceOffering,
  },
  deleteServiceOffering: {
    kind: 'S',
    admin: true,
    required: ['id'],
    run(call) {
      const offering = call.catalogue(call.cloud.serviceOfferings, 'id');
      // VMs keep running on it; only new ones cannot be made.
      call.cloud.serviceOfferings.delete(offering.id);
      call.cloud.retiredOfferings.set(offering.id, offering);
      call.cloud.removed.add(offering.id);
      call.effect('deleted', 'service-offering', offering.id, [offering.name, offering.displaytext]);
      return call.success();
    },
  },
  createDiskOffering: {
    kind: 'S',
    admin: true,
    required: ['name'],
    requiredUpTo49: ['displaytext'],
    run: createDiskOffering,
  },
  deleteDiskOffering: {
    kind: 'S',
    admin: true,
    required: ['id'],
    run(call) {
      const offering = call.catalogue(call.cloud.diskOfferings, 'id');
      call.cloud.diskOfferings.delete(offering.id);
      call.cloud.removed.add(offering.id);
      call.effect('deleted', 'disk-offering', offering.id, [offering.name, offering.displaytext]);
      return call.success();
    },
  },
  createNetworkOffering: {
    kind: 'S',
    admin: true,
    required: ['name', 'traffictype', 'guestiptype'],
    requiredUpTo49: ['displaytext'],
    run: createNetworkOffering,
  },
  updateNetworkOffering: {
    kind: 'S',
    admin: true,
    required: ['id'],
    run(call) {
      const { params } = call;
      const offering = call.catalogue(call.cloud.networkOfferings, 'id');
      const state = params.text('state');
      if (state !== undefined) {
        if (state !== 'Enabled' && state !== 'Disabled') throw invalidParameter(`Incorrect state specified: ${state}`);
        offering.state = state;
      }
      offering.name = params.text('name') ?? offering.name;
      offering.displaytext = params.text('displaytext') ?? offering.displaytext;
      call.effect('changed', 'network-offering', offering.id, [offering.name, offering.displaytext]);
      return { networkoffering: networkOfferingView(call, offering) };
    },
  },
  deleteNetworkOffering: {
    kind: 'S',
    admin: true,
    required: ['id'],
    run(call) {
      const { cloud } = call;
      const offering = call.catalogue(cloud.networkOfferings, 'id');
      if (offering.isDefault) throw invalidParameter('Default network offering cannot be deleted');
      for (const network of cloud.networks.values()) {
        if (network.offeringId === offering.id)
          throw invalidParameter(`Can't delete network offering ${offering.id} as its used by networks`);
      }
      cloud.networkOfferings.delete(offering.id);
      cloud.removed.add(offering.id);
      call.effect('deleted', 'network-offering', offering.id, [offering.name, offering.displaytext]);
      return call.success();
    },
  },
};

/** Custom: neither cpunumber nor memory; from 4.13 with `customized=true` and all of the range or none of it. */
function createServiceOffering(call: Call): JsonObject {
  const { cloud, params, behaviour } = call;
  const cpuNumber = params.integer('cpunumber') ?? null;
  const memoryMib = params.integer('memory') ?? null;
  const cpuSpeed = params.integer('cpuspeed') ?? null;
  const custom = cpuNumber === null && memoryMib === null;
  if (!custom && (cpuNumber === null || memoryMib === null)) {
    throw invalidParameter('cpunumber and memory have to be given together');
  }
  if (custom && behaviour.minor >= 13 && params.flag('customized') !== true) {
    throw invalidParameter(
      'Failed to create service offering: neither cpunumber and memory nor customized=true is given',
    );
  }
  if (!custom && cpuSpeed === null)
    throw invalidParameter('Failed to create service offering: specify the cpu speed value');
  if (cpuNumber !== null && cpuNumber < 1)
    throw invalidParameter(`specify the cpu number value between 1 and 2147483647`);
  if (memoryMib !== null && memoryMib < 32) throw invalidParameter(`please enter a memory value of at least 32 MB`);
  const name = params.required('name');
  const system = params.flag('issystem') ?? false;
  const systemVmType = params.text('systemvmtype') ?? null;
  if (system && systemVmType === null) throw invalidParameter('issystem needs systemvmtype');
  const offering: ServiceOffering = {
    id: cloud.newId(),
    name,
    displaytext: params.text('displaytext') ?? name,
    cpuNumber,
    cpuSpeed,
    memoryMib,
    range: custom ? customRange(call, cpuSpeed) : null,
    networkRate: params.integer('networkrate') ?? null,
    tags: params.text('tags') ?? null,
    hostTags: params.text('hosttags') ?? null,
    storageType: params.text('storagetype') ?? 'shared',
    offerHa: params.flag('offerha') ?? false,
    limitCpuUse: params.flag('limitcpuuse') ?? false,
    isSystem: system,
    systemVmType,
    rootDiskGib: behaviour.minor >= 15 ? (params.integer('rootdisksize') ?? null) : null,
    seeded: false,
    created: Date.now(),
  };
  cloud.serviceOfferings.set(offering.id, offering);
  call.effect('created', 'service-offering', offering.id, [offering.name, offering.displaytext]);
  return { serviceoffering: serviceOfferingView(offering) };
}

function customRange(call: Call, cpuSpeed: number | null): ServiceOffering['range'] {
  const { params } = call;
  const [minCpu, maxCpu, minMemory, maxMemory] = ['mincpunumber', 'maxcpunumber', 'minmemory', 'maxmemory'].map(
    (name) => params.integer(name),
  );
  const given = [minCpu, maxCpu, minMemory, maxMemory, cpuSpeed ?? undefined].filter((value) => value !== undefined);
  if (call.behaviour.minor < 13 || given.length === 0) return null;
  if (
    minCpu === undefined ||
    maxCpu === undefined ||
    minMemory === undefined ||
    maxMemory === undefined ||
    cpuSpeed === null
  ) {
    throw invalidParameter(
      'A constrained custom offering needs cpuspeed, mincpunumber, maxcpunumber, minmemory and maxmemory',
    );
  }
  if (minCpu > maxCpu || minMemory > maxMemory || minMemory < 32)
    throw invalidParameter('The range of the custom offering is wrong');
  return { minCpu, maxCpu, minMemory, maxMemory };
}

function createDiskOffering(call: Call): JsonObject {
  const { cloud, params } = call;
  const customized = params.flag('customized') ?? false;
  const diskGib = params.integer('disksize') ?? null;
  if (customized && diskGib !== null) throw invalidParameter('Disksize is not allowed for a customized disk offering');
  if (!customized && diskGib === null)
    throw invalidParameter('Disksize is required for a non-customized disk offering');
  const name = params.required('name');
  const offering = {
    id: cloud.newId(),
    name,
    displaytext: params.text('displaytext') ?? name,
    diskGib,
    tags: params.text('tags') ?? null,
    storageType: params.text('storagetype') ?? 'shared',
    seeded: false,
    created: Date.now(),
  };
  cloud.diskOfferings.set(offering.id, offering);
  call.effect('created', 'disk-offering', offering.id, [offering.name, offering.displaytext]);
  return { diskoffering: diskOfferingView(offering) };
}

/** New ones are Disabled, unless 4.16+ is told `enable=true`. */
function createNetworkOffering(call: Call): JsonObject {
  const { cloud, params } = call;
  const name = params.required('name');
  if ([...cloud.networkOfferings.values()].some((offering) => offering.name === name)) {
    throw invalidParameter(`Network offering with name ${name} already exists`);
  }
  const router = call.optionalCatalogue(cloud.serviceOfferings, 'serviceofferingid');
  if (router !== undefined && !router.isSystem)
    throw invalidParameter('The specified service offering should be system used only');
  const forVpc = params.flag('forvpc') ?? false;
  const offering: NetworkOffering = {
    id: cloud.newId(),
    name,
    displaytext: params.text('displaytext') ?? name,
    guestType: guestTypeOf(params.required('guestiptype')),
    trafficType: params.required('traffictype'),
    forVpc,
    isDefault: false,
    availability: 'Optional',
    state: call.behaviour.minor >= 16 && params.flag('enable') === true ? 'Enabled' : 'Disabled',
    networkRate: params.integer('networkrate') ?? null,
    serviceOfferingId: router?.id ?? null,
    conserveMode: params.flag('conservemode') ?? true,
    persistent: params.flag('ispersistent') ?? false,
    services: servicesOf(call),
    seeded: false,
    created: Date.now(),
  };
  cloud.networkOfferings.set(offering.id, offering);
  call.effect('created', 'network-offering', offering.id, [offering.name, offering.displaytext]);
  return { networkoffering: networkOfferingView(call, offering) };
}

function guestTypeOf(text: string): NetworkOffering['guestType'] {
  const found = (['Isolated', 'Shared', 'L2'] as const).find((type) => type.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw invalidParameter(`Invalid value for guestIpType: ${text}`);
  return found;
}

function servicesOf(call: Call): NetworkOffering['services'] {
  const providers = new Map<string, string[]>();
  for (const { service, provider } of call.params.entries('serviceproviderlist')) {
    if (service === undefined || provider === undefined)
      throw invalidParameter('serviceproviderlist needs service and provider');
    providers.set(service, [...(providers.get(service) ?? []), provider]);
  }
  const names = call.params.list('supportedservices') ?? [...providers.keys()];
  return names.map((name) => {
    const own = providers.get(name);
    if (own === undefined) throw invalidParameter(`Service provider for the service ${name} has to be specified`);
    return { name, providers: own };
  });
}
