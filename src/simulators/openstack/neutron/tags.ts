import { z } from 'zod';
import { created, noContent, ok, type Call, type Reply } from '../call.js';
import { neutronError } from '../errors.js';
import { routesOf, type Route } from '../route.js';
import type { Cloud } from '../state/cloud.js';
import type { NeutronRow } from '../state/network-model.js';
import { textsOf } from './collection.js';
import { touch } from './owner.js';

/** What can carry tags, by path. */
const tagged: { path: string; kind: string; get: (cloud: Cloud, id: string) => NeutronRow | undefined }[] = [
  { path: '/networks', kind: 'network', get: (cloud, id) => cloud.networks.get(id) },
  { path: '/subnets', kind: 'subnet', get: (cloud, id) => cloud.subnets.get(id) },
  { path: '/ports', kind: 'port', get: (cloud, id) => cloud.ports.get(id) },
  { path: '/routers', kind: 'router', get: (cloud, id) => cloud.routers.get(id) },
  { path: '/floatingips', kind: 'address', get: (cloud, id) => cloud.floatingIps.get(id) },
  { path: '/security-groups', kind: 'security-group', get: (cloud, id) => cloud.securityGroups.get(id) },
  { path: '/policies', kind: 'qos-policy', get: (cloud, id) => cloud.qosPolicies.get(id) },
];

export const tagRoutes: Route[] = tagged.flatMap((thing) => {
  const find = (call: Call): NeutronRow => {
    const row = thing.get(call.cloud, call.param('id'));
    if (row !== undefined && call.mayAccess(row)) return row;
    throw neutronError(
      404,
      'TagResourceNotFound',
      `Resource ${thing.path.slice(1)} ${call.param('id')} could not be found.`,
    );
  };
  const save = (call: Call, row: NeutronRow, tags: string[]) => {
    row.tags = [...new Set(tags)];
    touch(row);
    call.effect('changed', thing.kind, row.id, textsOf(row));
  };
  const replace = (call: Call): Reply => {
    const row = find(call);
    save(call, row, call.read(z.strictObject({ tags: z.array(z.string().min(1).max(60)) })).tags);
    return ok({ tags: row.tags });
  };
  const add = (call: Call): Reply => {
    const row = find(call);
    save(call, row, [...row.tags, call.param('tag')]);
    return created({});
  };
  const remove = (call: Call): Reply => {
    const row = find(call);
    const tag = call.param('tag');
    if (!row.tags.includes(tag)) throw neutronError(404, 'TagNotFound', `Tag ${tag} could not be found.`);
    save(
      call,
      row,
      row.tags.filter((one) => one !== tag),
    );
    return noContent();
  };
  const name = `${thing.path.slice(1)}.tags`;
  return routesOf('neutron', [
    ['GET', `${thing.path}/{id}/tags`, `${name}.list`, (call) => ok({ tags: find(call).tags })],
    ['PUT', `${thing.path}/{id}/tags`, `${name}.replace`, replace],
    ['PUT', `${thing.path}/{id}/tags/{tag}`, `${name}.add`, add],
    ['DELETE', `${thing.path}/{id}/tags/{tag}`, `${name}.delete`, remove],
  ]);
});
