import { z } from 'zod';
import { compact, type Call, type Reply } from '../call.js';
import { badRequest, forbidden } from '../errors.js';
import type { Flavor, Server } from '../state/model.js';
import type { SecurityGroup } from '../state/network-model.js';
import type { Image } from '../state/storage-model.js';
import { WorkFailure } from '../work.js';
import {
  BlockDevice,
  imageFor,
  makeDisks,
  planDisks,
  releaseDisks,
  reserveDisks,
  type DiskPlan,
} from './block-devices.js';
import { setStatus } from '../cinder/volume-state.js';
import { flavorFor, zoneName } from './flavors.js';
import {
  allocateNetworks,
  bringUp,
  findGroups,
  NetworkRequest,
  planNics,
  releaseNetworks,
  type NicPlan,
} from './networking.js';
import { checkQuota } from './quota.js';
import { serverLinks, serverUrl } from './server-view.js';
import { beginServerWork, failServer, serverTexts } from './server-work.js';

export const Metadata = z.record(z.string().min(1).max(255), z.string().max(255));
export const Tag = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[^,/]*$/, "does not match '^[^,/]*$'");
const Count = z.union([z.number().int().min(1), z.string().regex(/^[1-9]\d*$/)]);

const Create = z.strictObject({
  server: z.strictObject({
    name: z.string().min(1).max(255),
    flavorRef: z.union([z.string(), z.number()]),
    imageRef: z.string().optional(),
    availability_zone: z.string().optional(),
    networks: z.union([z.array(NetworkRequest), z.literal('auto'), z.literal('none')]).optional(),
    key_name: z.string().optional(),
    security_groups: z.array(z.strictObject({ name: z.string() })).optional(),
    metadata: Metadata.optional(),
    tags: z.array(Tag).max(50).optional(),
    adminPass: z.string().optional(),
    user_data: z.string().max(65_535).nullable().optional(),
    description: z.string().max(255).nullable().optional(),
    hostname: z.string().min(2).max(63).optional(),
    config_drive: z.union([z.boolean(), z.string()]).nullable().optional(),
    block_device_mapping_v2: z.array(BlockDevice).optional(),
    min_count: Count.optional(),
    max_count: Count.optional(),
    return_reservation_id: z.boolean().optional(),
    'OS-DCF:diskConfig': z.enum(['AUTO', 'MANUAL']).optional(),
    accessIPv4: z.string().optional(),
    accessIPv6: z.string().optional(),
  }),
  'os:scheduler_hints': z.looseObject({}).optional(),
  'OS-SCH-HNT:scheduler_hints': z.looseObject({}).optional(),
});
type Fields = z.infer<typeof Create>['server'];

/** The microversion that brought a field; below it the field is refused. */
const since: Partial<Record<keyof Fields, number>> = { description: 19, tags: 52, hostname: 90 };

interface Blueprint {
  fields: Fields;
  flavor: Flavor;
  image: Image | null;
  disks: DiskPlan[];
  nics: NicPlan[];
  groups: SecurityGroup[];
  reservationId: string;
}

/** `POST /servers` (openstack.md 3.2): everything that can be seen at once is refused at once. */
export function createServer(call: Call): Reply {
  const { server: fields } = call.read(Create);
  const { cloud } = call;
  for (const [name, version] of Object.entries(since)) {
    if (fields[name as keyof Fields] !== undefined && call.version < version) {
      throw badRequest(`Additional properties are not allowed ('${name}' was unexpected)`);
    }
  }
  if (fields.networks === undefined && call.version >= 37) {
    throw badRequest("Invalid input for field/attribute server. 'networks' is a required property");
  }
  const projectId = call.projectId;
  const minCount = Number(fields.min_count ?? 1);
  const count = Math.max(minCount, Number(fields.max_count ?? minCount));
  const flavor = flavorFor(call, String(fields.flavorRef));
  const disks = planDisks(call, fields.block_device_mapping_v2 ?? []);
  if (count > 1 && disks.some((disk) => disk.kind === 'existing')) {
    throw badRequest('Cannot attach one or more volumes to multiple instances');
  }
  const image = rootImage(call, fields, flavor, disks);
  checkZone(fields.availability_zone);
  if (fields.key_name !== undefined && !cloud.keyPairs.has(`${call.caller.user.id}/${fields.key_name}`)) {
    throw badRequest('Invalid key_name provided.');
  }
  const nics = planNics(call, fields.networks);
  const groups = findGroups(call, projectId, fields.security_groups);
  checkQuota(cloud, projectId, { instances: count, cores: count * flavor.vcpus, ram: count * flavor.memoryMib });
  if (Object.keys(fields.metadata ?? {}).length > cloud.quotas.limit('nova', projectId, 'metadata_items')) {
    throw forbidden('Maximum number of metadata items exceeds the quota.');
  }
  const blueprint = {
    fields,
    flavor,
    image,
    disks,
    nics,
    groups,
    reservationId: `r-${cloud.randomText(8, 'abcdefghijklmnopqrstuvwxyz0123456789')}`,
  };
  const servers = Array.from({ length: count }, (_, index) =>
    build(call, blueprint, count === 1 ? fields.name : `${fields.name}-${index + 1}`),
  );
  if (fields.return_reservation_id === true) {
    return { status: 202, body: { reservation_id: blueprint.reservationId } };
  }
  const [first] = servers;
  if (first === undefined) throw badRequest('min_count must be at least 1');
  return {
    status: 202,
    headers: { location: serverUrl(call, first) },
    body: {
      server: compact({
        id: first.id,
        links: serverLinks(call, first),
        'OS-DCF:diskConfig': fields['OS-DCF:diskConfig'] ?? 'MANUAL',
        security_groups: (fields.security_groups ?? [{ name: 'default' }]).map(({ name }) => ({ name })),
        // Only in this answer.
        adminPass: first.adminPass,
      }),
    },
  };
}

/** What the server boots from: an image on its own disk (then it is answered), or a volume. */
function rootImage(call: Call, fields: Fields, flavor: Flavor, disks: DiskPlan[]): Image | null {
  const bootsFromVolume = disks.some((disk) => disk.isRoot);
  if (!fields.imageRef) {
    if (bootsFromVolume) return null;
    throw badRequest(
      disks.length === 0
        ? 'Missing imageRef attribute'
        : 'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
    );
  }
  const image = imageFor(call, fields.imageRef);
  if (flavor.memoryMib < image.minMemoryMib) {
    throw badRequest("Flavor's memory is too small for requested image.");
  }
  if (bootsFromVolume) return null;
  if (flavor.diskGib === 0) {
    if (!call.isAdmin) throw forbidden('Only volume-backed servers are allowed for flavors with zero disk.');
    return image;
  }
  if (flavor.diskGib < image.minDiskGib) {
    throw badRequest(
      `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.diskGib * 1024 ** 3} bytes, minimum size is ${image.minDiskGib * 1024 ** 3} bytes.`,
    );
  }
  return image;
}

function checkZone(wanted: string | undefined): void {
  // `zone:host` is for administrators and names the zone first.
  if (wanted === undefined || wanted.split(':')[0] === zoneName) return;
  throw badRequest('The requested availability zone is not available');
}

const passwordAlphabet = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

function build(call: Call, blueprint: Blueprint, name: string): Server {
  const { cloud } = call;
  const { fields, flavor, image, disks, nics, groups } = blueprint;
  const now = Date.now();
  const server: Server = {
    id: cloud.newId(),
    projectId: call.projectId,
    createdMs: now,
    userId: call.caller.user.id,
    name,
    hostname: fields.hostname ?? hostnameOf(name),
    description: call.version >= 19 ? (fields.description ?? null) : name,
    flavor,
    oldFlavor: null,
    imageId: image?.id ?? null,
    keyName: fields.key_name ?? null,
    availabilityZone: zoneName,
    metadata: fields.metadata ?? {},
    tags: [...new Set(fields.tags ?? [])],
    adminPass: fields.adminPass ?? cloud.randomText(12, passwordAlphabet),
    reservationId: blueprint.reservationId,
    vmState: 'building',
    vmStateBefore: null,
    underway: null,
    cancelWork: null,
    fault: null,
    locked: false,
    lockedReason: null,
    updatedMs: now,
    launchedMs: null,
    terminatedMs: null,
    securityGroupNames: nics.length === 0 ? [] : groups.map((group) => group.name),
    volumes: [],
    rootVolumeId: null,
  };
  cloud.servers.add(server);
  call.effect('created', 'vm', server.id, serverTexts(server));
  reserveDisks(call, server, disks);
  beginServerWork(call, server, {
    action: 'create',
    event: 'compute__do_build_and_run_instance',
    taskStates: ['scheduling', null, 'networking', 'block_device_mapping', 'spawning'],
    partWay: { at: 0.4, run: () => prepare(call, server, disks, nics, groups) },
    finish: () => {
      bringUp(call, server);
      for (const { volumeId } of server.volumes) {
        const volume = cloud.volumes.get(volumeId);
        if (volume !== undefined) setStatus(volume, 'in-use');
      }
      server.vmState = 'active';
      server.launchedMs = Date.now();
    },
    fail: (reason) => {
      releaseNetworks(call, server);
      releaseDisks(call, server);
      failServer(server, reason);
    },
    failureText: `Build of instance ${server.id} aborted: the hypervisor refused it`,
  });
  return server;
}

/** The scheduler's choice, then networks and disks. */
function prepare(call: Call, server: Server, disks: DiskPlan[], nics: NicPlan[], groups: SecurityGroup[]): void {
  const isPlaceable = !Object.keys(server.flavor.extraSpecs).some((name) => name.startsWith('resources:CUSTOM_'));
  if (!isPlaceable) throw new WorkFailure('No valid host was found. ');
  allocateNetworks(call, server, nics, groups);
  makeDisks(call, server, disks);
}

/** As Nova makes one of a name: lower case, letters, digits and hyphens. */
function hostnameOf(name: string): string {
  const text = name
    .toLowerCase()
    .replace(/[ _]/g, '-')
    .replace(/[^a-z0-9.-]/g, '')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 63);
  return text === '' ? 'server' : text;
}
