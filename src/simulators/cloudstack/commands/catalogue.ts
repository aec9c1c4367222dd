import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily } from '../call.js';
import { like, listAnswer } from '../call.js';
import { invalidParameter, permissionDenied } from '../errors.js';
import {
  diskOfferingView,
  networkOfferingView,
  serviceOfferingView,
  templateView,
  vpcOfferingView,
  zoneView,
} from '../views/catalogue.js';

export const catalogueCommands: CommandFamily = {
  listCapabilities: {
    kind: 'S',
    run: (call) => ({
      capability: {
        cloudstackversion: `${call.behaviour.version.split('.').slice(0, 2).join('.')}.0.0`,
        securitygroupsenabled: true,
        userpublictemplateenabled: true,
        supportELB: 'false',
        projectinviterequired: false,
        allowusercreateprojects: true,
        customdiskofferingminsize: 1,
        customdiskofferingmaxsize: 1024,
        regionsecondaryenabled: false,
        kvmsnapshotenabled: true,
        apilimitmax: 25,
        apilimitinterval: 1,
      },
    }),
  },
  listZones: {
    kind: 'S',
    run: (call) => listAnswer(call, 'zone', select(call, call.cloud.zones), zoneView),
  },
  listTemplates: {
    kind: 'S',
    required: ['templatefilter'],
    run: listTemplates,
  },
  listServiceOfferings: {
    kind: 'S',
    run(call) {
      const { cloud, params } = call;
      const system = params.flag('issystem') ?? false;
      if (system && !call.caller.isRootAdmin) throw permissionDenied('Only root admins may list system offerings');
      const numbers = call.behaviour.minor >= 15;
      const cpu = numbers ? params.integer('cpunumber') : undefined;
      const memory = numbers ? params.integer('memory') : undefined;
      const speed = numbers ? params.integer('cpuspeed') : undefined;
      const rows = select(call, cloud.serviceOfferings).filter(
        (offering) =>
          offering.isSystem === system &&
          // 4.15+: at least that much; custom offerings always fit. guess for both.
          (cpu === undefined || (offering.cpuNumber ?? Infinity) >= cpu) &&
          (memory === undefined || (offering.memoryMib ?? Infinity) >= memory) &&
          (speed === undefined || (offering.cpuSpeed ?? Infinity) >= speed),
      );
      return listAnswer(call, 'serviceoffering', rows, serviceOfferingView);
    },
  },
  listDiskOfferings: {
    kind: 'S',
    run: (call) => listAnswer(call, 'diskoffering', select(call, call.cloud.diskOfferings), diskOfferingView),
  },
  listNetworkOfferings: {
    kind: 'S',
    run(call) {
      const { params } = call;
      const guestType = params.text('guestiptype')?.toLowerCase();
      const forVpc = params.flag('forvpc');
      const state = params.text('state')?.toLowerCase();
      const isDefault = params.flag('isdefault');
      const rows = select(call, call.cloud.networkOfferings).filter(
        (offering) =>
          (guestType === undefined || offering.guestType.toLowerCase() === guestType) &&
          (forVpc === undefined || offering.forVpc === forVpc) &&
          (state === undefined || offering.state.toLowerCase() === state) &&
          (isDefault === undefined || offering.isDefault === isDefault),
      );
      return listAnswer(call, 'networkoffering', rows, (offering) => networkOfferingView(call, offering));
    },
  },
  listVPCOfferings: {
    kind: 'S',
    run(call) {
      const state = call.params.text('state')?.toLowerCase();
      const isDefault = call.params.flag('isdefault');
      const rows = select(call, call.cloud.vpcOfferings).filter(
        (offering) =>
          (state === undefined || offering.state.toLowerCase() === state) &&
          (isDefault === undefined || offering.isDefault === isDefault),
      );
      return listAnswer(call, 'vpcoffering', rows, vpcOfferingView);
    },
  },
};

/** By id (431 when unknown), by exact name, by keyword. */
function select<T extends { id: string; name: string }>(call: Call, things: ReadonlyMap<string, T>): T[] {
  const id = call.params.text('id');
  const name = call.params.text('name');
  const keyword = call.params.text('keyword')?.toLowerCase();
  if (id !== undefined && !things.has(id) && !call.cloud.removed.has(id)) throw call.unknownId('id', id);
  return [...things.values()].filter(
    (thing) =>
      (id === undefined || thing.id === id) &&
      (name === undefined || thing.name === name) &&
      (keyword === undefined || like(thing.name, keyword)) &&
      !call.cloud.hidden.has(thing.id),
  );
}

const templateFilters = new Set([
  'featured',
  'self',
  'selfexecutable',
  'sharedexecutable',
  'executable',
  'community',
  'all',
]);

function listTemplates(call: Call): JsonObject {
  const filter = call.params.required('templatefilter').toLowerCase();
  if (!templateFilters.has(filter)) throw invalidParameter(`Invalid template filter: ${filter}`);
  if (filter === 'all' && !call.caller.isRootAdmin)
    throw permissionDenied('Filter all can be specified by root admin only');
  const zoneId = call.params.text('zoneid');
  const hypervisor = call.params.text('hypervisor')?.toLowerCase();
  const rows = select(call, call.cloud.templates)
    .filter((template) => {
      if (hypervisor !== undefined && template.hypervisor.toLowerCase() !== hypervisor) return false;
      // The seeded template is public and featured, and nobody's own.
      if (filter === 'community') return !template.featured;
      return filter === 'featured' ? template.featured : filter === 'executable' || filter === 'all';
    })
    .flatMap((template) => template.zoneIds.map((zone) => ({ template, zone })))
    .filter(({ zone }) => zoneId === undefined || zone === zoneId);
  return listAnswer(call, 'template', rows, ({ template, zone }) => templateView(call, template, zone));
}
