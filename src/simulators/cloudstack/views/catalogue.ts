import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import type {
  DiskOffering,
  NetworkOffering,
  ServiceOffering,
  Template,
  VpcOffering,
  Zone,
} from '../state/catalogue-model.js';

const gibibyte = 1024 ** 3;

export function zoneView(zone: Zone): JsonObject {
  return {
    id: zone.id,
    name: zone.name,
    networktype: zone.networktype,
    securitygroupsenabled: zone.securityGroups,
    allocationstate: 'Enabled',
    localstorageenabled: false,
    dhcpprovider: 'VirtualRouter',
    tags: [],
  };
}

/** One row for each zone the template is in. */
export function templateView(call: Call, template: Template, zoneId: string): JsonObject {
  return {
    id: template.id,
    name: template.name,
    displaytext: template.displaytext,
    ispublic: true,
    created: cloudDate(template.created),
    isready: template.ready,
    passwordenabled: template.passwordEnabled,
    format: 'QCOW2',
    isfeatured: template.featured,
    crossZones: true,
    ostypename: template.ostypename,
    account: 'system',
    domain: 'ROOT',
    domainid: [...call.cloud.domains.keys()][0] ?? '',
    zoneid: zoneId,
    zonename: call.cloud.zones.get(zoneId)?.name ?? '',
    status: 'Download Complete',
    size: template.sizeGib * gibibyte,
    templatetype: 'USER',
    hypervisor: template.hypervisor,
    isextractable: true,
    sshkeyenabled: true,
    isdynamicallyscalable: false,
    tags: [],
  };
}

export function serviceOfferingView(offering: ServiceOffering): JsonObject {
  const { range } = offering;
  return withoutNulls({
    id: offering.id,
    name: offering.name,
    displaytext: offering.displaytext,
    cpunumber: offering.cpuNumber,
    cpuspeed: offering.cpuSpeed,
    memory: offering.memoryMib,
    created: cloudDate(offering.created),
    storagetype: offering.storageType,
    offerha: offering.offerHa,
    limitcpuuse: offering.limitCpuUse,
    isvolatile: false,
    tags: offering.tags,
    hosttags: offering.hostTags,
    issystem: offering.isSystem,
    defaultuse: false,
    systemvmtype: offering.systemVmType,
    networkrate: offering.networkRate,
    iscustomized: offering.cpuNumber === null || offering.memoryMib === null,
    rootdisksize: offering.rootDiskGib,
    serviceofferingdetails:
      range === null
        ? null
        : {
            mincpunumber: String(range.minCpu),
            maxcpunumber: String(range.maxCpu),
            minmemory: String(range.minMemory),
            maxmemory: String(range.maxMemory),
          },
  });
}

export function diskOfferingView(offering: DiskOffering): JsonObject {
  return withoutNulls({
    id: offering.id,
    name: offering.name,
    displaytext: offering.displaytext,
    disksize: offering.diskGib ?? 0,
    created: cloudDate(offering.created),
    iscustomized: offering.diskGib === null,
    tags: offering.tags,
    storagetype: offering.storageType,
    displayoffering: true,
  });
}

export function networkOfferingView(call: Call, offering: NetworkOffering): JsonObject {
  return withoutNulls({
    id: offering.id,
    name: offering.name,
    displaytext: offering.displaytext,
    traffictype: offering.trafficType,
    isdefault: offering.isDefault,
    specifyvlan: offering.guestType === 'Shared',
    conservemode: offering.conserveMode,
    specifyipranges: offering.guestType === 'Shared',
    availability: offering.availability,
    networkrate: offering.networkRate,
    state: offering.state,
    guestiptype: offering.guestType,
    serviceofferingid: call.caller.isRootAdmin ? offering.serviceOfferingId : null,
    forvpc: offering.forVpc,
    ispersistent: offering.persistent,
    egressdefaultpolicy: true,
    created: cloudDate(offering.created),
    service: offering.services.map((service) => ({
      name: service.name,
      provider: service.providers.map((name) => ({ name })),
    })),
  });
}

export function vpcOfferingView(offering: VpcOffering): JsonObject {
  return {
    id: offering.id,
    name: offering.name,
    displaytext: offering.displaytext,
    created: cloudDate(offering.created),
    isdefault: offering.isDefault,
    state: offering.state,
    supportsregionLevelvpc: false,
    distributedvpcrouter: false,
  };
}
