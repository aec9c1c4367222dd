import type { JsonObject } from '../../../json.js';
import { ok, type Call, type Reply } from '../call.js';
import { readTime } from '../cinder/filters.js';
import { badRequest, forbidden } from '../errors.js';
import { cutPage, flag, sortBy } from '../paging.js';
import type { Server } from '../state/model.js';
import { powerStateOf, statusOfServer, taskStateOf } from './status.js';
import { serverView, shortServerView } from './server-view.js';

const controls = ['limit', 'marker', 'sort_key', 'sort_dir', 'all_tenants'];
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any'];

/** What everybody may ask for, with the microversion that brought it. */
const tenantFilters: Record<string, number> = {
  name: 1,
  status: 1,
  flavor: 1,
  image: 1,
  ip: 1,
  'changes-since': 1,
  'changes-before': 66,
  reservation_id: 1,
  tags: 26,
  'tags-any': 26,
  'not-tags': 26,
  'not-tags-any': 26,
  locked: 73,
  availability_zone: 83,
  config_drive: 83,
  key_name: 83,
  created_at: 83,
  launched_at: 83,
  terminated_at: 83,
  power_state: 83,
  task_state: 83,
  vm_state: 83,
  progress: 83,
  user_id: 83,
  hostname: 90,
};
/** Kept for administrators; for a tenant they are dropped without a word, at any microversion. */
const adminFilters = [
  'uuid',
  'host',
  'deleted',
  'project_id',
  'tenant_id',
  'node',
  'hypervisor_hostname',
  ...Object.keys(tenantFilters).filter((name) => tenantFilters[name] === 83),
];

/** `GET /servers` and `GET /servers/detail`. */
export function listServers(call: Call, isDetailed: boolean): Reply {
  const filters = readFilters(call);
  const scope = scopeOf(call, filters);
  const changedSince = readChange(filters.get('changes-since'), 'changes-since');
  const changedBefore = readChange(filters.get('changes-before'), 'changes-before');
  // Lists of changes show what was deleted, too.
  const isChangeList = changedSince !== null || changedBefore !== null;
  const showsDeleted = isChangeList || ['1', 'true', 't', 'yes'].includes((filters.get('deleted') ?? '').toLowerCase());
  const servers = call.rowsOf(call.cloud.servers, scope);
  if (showsDeleted) {
    for (const server of call.cloud.deletedServers.values()) {
      if (scope === null || server.projectId === scope) servers.push(server);
    }
  }
  const found = servers.filter(
    (server) =>
      (!filters.has('deleted') || !showsDeleted || isChangeList || server.vmState === 'deleted') &&
      (changedSince === null || second(server.updatedMs) >= changedSince) &&
      (changedBefore === null || second(server.updatedMs) <= changedBefore) &&
      [...filters].every(([name, value]) => fits(call, server, name, value)),
  );
  const key = call.query.get('sort_key') ?? 'created_at';
  sortBy(found, (server) => sortValue(server, key), (call.query.get('sort_dir') ?? 'desc') === 'desc');
  const { page, links } = cutPage(call, found, `/compute/v2.1/servers${isDetailed ? '/detail' : ''}`);
  const view = isDetailed ? serverView : shortServerView;
  const body: JsonObject = { servers: page.map((server) => view(call, server)) };
  if (links !== null) body['servers_links'] = links;
  return ok(body);
}

/** Times are compared in whole seconds, as they are printed. */
const second = (ms: number) => Math.floor(ms / 1000) * 1000;

function readFilters(call: Call): Map<string, string> {
  const filters = new Map<string, string>();
  for (const [name, value] of call.query) {
    if (controls.includes(name)) continue;
    if (name === 'metadata') throw badRequest('Invalid filter field: metadata.');
    const isKnown = name in tenantFilters && call.version >= (tenantFilters[name] ?? 1);
    if (isKnown || (call.isAdmin && adminFilters.includes(name))) {
      filters.set(name, value);
      continue;
    }
    const isDropped = adminFilters.includes(name) || call.version < 75;
    if (!isDropped) throw badRequest(`Additional properties are not allowed ('${name}' was unexpected)`);
  }
  return filters;
}

/** Whose servers: null for everybody's. */
function scopeOf(call: Call, filters: Map<string, string>): string | null {
  const tenantId = filters.get('tenant_id');
  const projectFilter = filters.get('project_id') ?? tenantId ?? null;
  filters.delete('tenant_id');
  filters.delete('project_id');
  const impliesAll = tenantId !== undefined && tenantId !== call.projectId && !call.query.has('all_tenants');
  if (!flag(call.query, 'all_tenants') && !impliesAll) return call.projectId;
  if (!call.isAdmin) {
    throw forbidden("Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.");
  }
  return projectFilter;
}

/** @throws 400 for anything but ISO 8601 */
function readChange(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  const at = readTime(text);
  if (at === null)
    throw badRequest(`Invalid input for query parameters ${name}. Value: ${text}. '${text}' is not a 'date-time'`);
  return at;
}

function fits(call: Call, server: Server, name: string, value: string): boolean {
  if (tagFilters.includes(name)) {
    const wanted = value.split(',');
    const has = (tag: string) => server.tags.includes(tag);
    const found = name.endsWith('any') ? wanted.some(has) : wanted.every(has);
    return name.startsWith('not') ? !found : found;
  }
  switch (name) {
    case 'name':
      return isLike(server.name, value);
    case 'hostname':
      return isLike(server.hostname, value);
    case 'status':
      return statusOfServer(server) === value.toUpperCase();
    case 'flavor':
      return server.flavor.id === value;
    case 'image':
      return server.imageId === value;
    case 'ip':
      return call.cloud.portsOfDevice(server.id).some((port) => port.fixedIps.some(({ ip }) => isLike(ip, value)));
    case 'reservation_id':
      return server.reservationId === value;
    case 'uuid':
      return server.id === value;
    case 'user_id':
      return server.userId === value;
    case 'key_name':
      return server.keyName === value;
    case 'availability_zone':
      return server.availabilityZone === value;
    case 'vm_state':
      return server.vmState === value;
    case 'task_state':
      return taskStateOf(server) === value;
    case 'power_state':
      return String(powerStateOf(server)) === value;
    case 'locked':
      return server.locked === ['1', 'true', 't', 'yes'].includes(value.toLowerCase());
    case 'host':
    case 'node':
    case 'hypervisor_hostname':
      return server.launchedMs !== null && value === 'compute1';
    default:
      // The times and `deleted` were looked at before; the rest is told by nobody.
      return true;
  }
}

/** Names are regular expressions, found anywhere in the text. @throws 400 for a broken one */
function isLike(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    throw badRequest(`Invalid input for query parameters name. Value: ${pattern}. is not a 'regex'`);
  }
}

function sortValue(server: Server, key: string): string | number {
  switch (key) {
    case 'display_name':
      return server.name;
    case 'updated_at':
      return server.updatedMs;
    case 'uuid':
      return server.id;
    case 'vm_state':
      return server.vmState;
    default:
      return server.createdMs;
  }
}
