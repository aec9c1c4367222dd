import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { accepted, compact, ok, type Call, type Reply } from '../call.js';
import { badRequest, conflict, notFound } from '../errors.js';
import { cutPage } from '../paging.js';
import { routesOf } from '../route.js';
import type { Flavor } from '../state/model.js';

export const zoneName = 'az1';

export const flavorRoutes = routesOf('nova', [
  ['GET', '/flavors', 'flavors.list', (call) => list(call, shortView)],
  ['GET', '/flavors/detail', 'flavors.detail', (call) => list(call, view)],
  ['POST', '/flavors', 'flavors.create', create],
  ['GET', '/flavors/{id}', 'flavors.show', (call) => ok({ flavor: view(call, find(call)) })],
  ['DELETE', '/flavors/{id}', 'flavors.delete', remove],
  ['GET', '/flavors/{id}/os-extra_specs', 'flavors.extra_specs', (call) => ok({ extra_specs: find(call).extraSpecs })],
  ['GET', '/os-availability-zone', 'availability_zone.list', listZones],
]);

/** Tenants see public ones and those they were given, and none that is disabled. */
function mayUse(call: Call, flavor: Flavor): boolean {
  return call.isAdmin || flavor.isPublic || flavor.access.has(call.projectId);
}

function list(call: Call, shown: (call: Call, flavor: Flavor) => JsonObject): Reply {
  const { query } = call;
  const wanted = (query.get('is_public') ?? 'true').toLowerCase();
  const flavors = [...call.cloud.flavors.values()].filter(
    (flavor) =>
      mayUse(call, flavor) &&
      (call.isAdmin ? wanted === 'none' || flavor.isPublic === ['true', '1'].includes(wanted) : !flavor.disabled) &&
      flavor.diskGib >= Number(query.get('minDisk') ?? 0) &&
      flavor.memoryMib >= Number(query.get('minRam') ?? 0),
  );
  const { page, links } = cutPage(call, flavors, `/compute/v2.1/flavors${shown === view ? '/detail' : ''}`);
  return ok({ flavors: page.map((flavor) => shown(call, flavor)), ...(links !== null && { flavors_links: links }) });
}

function find(call: Call): Flavor {
  const id = call.param('id');
  const flavor = call.cloud.flavors.get(id);
  if (flavor === undefined || !mayUse(call, flavor)) throw notFound(`Flavor ${id} could not be found.`);
  return flavor;
}

/** The flavor of a new server. @throws 400 also for one that is disabled */
export function flavorFor(call: Call, ref: string): Flavor {
  const id = ref.split('/').at(-1) ?? ref;
  const flavor = call.cloud.flavors.get(id);
  if (flavor === undefined || flavor.disabled || !mayUse(call, flavor)) {
    throw badRequest(`Flavor ${ref} could not be found.`);
  }
  return flavor;
}

const Create = z.object({
  flavor: z.object({
    id: z.string().nullable().optional(),
    name: z.string().min(1).max(255),
    ram: z.coerce.number().int().min(1),
    vcpus: z.coerce.number().int().min(1),
    disk: z.coerce.number().int().min(0),
    'os-flavor-access:is_public': z.boolean().optional(),
  }),
});

function create(call: Call): Reply {
  call.requireAdmin('os_compute_api:os-flavor-manage:create');
  const { flavor: fields } = call.read(Create);
  const { cloud } = call;
  const flavor: Flavor = {
    id: fields.id && fields.id !== 'auto' ? fields.id : cloud.newId(),
    name: fields.name,
    vcpus: fields.vcpus,
    memoryMib: fields.ram,
    diskGib: fields.disk,
    isPublic: fields['os-flavor-access:is_public'] ?? true,
    disabled: false,
    extraSpecs: {},
    access: new Set(),
  };
  if (cloud.flavors.has(flavor.id)) throw conflict(`Flavor with ID ${flavor.id} already exists.`);
  if ([...cloud.flavors.values()].some((other) => other.name === flavor.name)) {
    throw conflict(`Flavor with name ${flavor.name} already exists.`);
  }
  cloud.flavors.set(flavor.id, flavor);
  call.effect('created', 'flavor', flavor.id, [flavor.name]);
  return ok({ flavor: view(call, flavor) });
}

function remove(call: Call): Reply {
  call.requireAdmin('os_compute_api:os-flavor-manage:delete');
  const flavor = find(call);
  call.cloud.flavors.delete(flavor.id);
  call.effect('deleted', 'flavor', flavor.id, [flavor.name]);
  return accepted();
}

function shortView(call: Call, flavor: Flavor): JsonObject {
  return compact({
    id: flavor.id,
    name: flavor.name,
    description: call.version >= 55 ? null : undefined,
    links: [{ rel: 'self', href: `${call.origin}/compute/v2.1/flavors/${flavor.id}` }],
  });
}

function view(call: Call, flavor: Flavor): JsonObject {
  return compact({
    ...shortView(call, flavor),
    ram: flavor.memoryMib,
    vcpus: flavor.vcpus,
    disk: flavor.diskGib,
    swap: call.version >= 75 ? 0 : '',
    rxtx_factor: 1,
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': flavor.disabled,
    'os-flavor-access:is_public': flavor.isPublic,
    extra_specs: call.version >= 61 ? flavor.extraSpecs : undefined,
  });
}

function listZones(): Reply {
  return ok({ availabilityZoneInfo: [{ zoneName, zoneState: { available: true }, hosts: null }] });
}
