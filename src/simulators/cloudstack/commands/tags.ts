import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily, JobPlan } from '../call.js';
import { listAnswer } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { Cloud } from '../state/cloud.js';
import type { Owned, Tag } from '../state/model.js';
import type { Table } from '../state/table.js';

export const tagCommands: CommandFamily = {
  createTags: { kind: 'A', cmd: 'user.tag.CreateTags', required: ['resourceids', 'resourcetype', 'tags'], run: create },
  deleteTags: { kind: 'A', cmd: 'user.tag.DeleteTags', required: ['resourceids', 'resourcetype'], run: remove },
  listTags: { kind: 'S', run: list },
};

type RowSource = Pick<Table<Owned>, 'get'>;

function tableOf(cloud: Cloud, type: string): { table: RowSource; kind: string } | undefined {
  const tables: Record<string, [RowSource, string]> = {
    uservm: [cloud.vms, 'vm'],
    volume: [cloud.volumes, 'volume'],
    snapshot: [cloud.snapshots, 'snapshot'],
    network: [cloud.networks, 'network'],
    vpc: [cloud.vpcs, 'vpc'],
    publicipaddress: [cloud.addresses, 'address'],
    securitygroup: [cloud.securityGroups, 'security-group'],
    firewallrule: [cloud.firewallRules, 'firewall-rule'],
    portforwardingrule: [cloud.firewallRules, 'port-forwarding-rule'],
    networkacl: [cloud.aclRules, 'acl-rule'],
    networkacllist: [cloud.aclLists, 'acl-list'],
    project: [cloud.projects, 'project'],
  };
  const found = tables[type.toLowerCase()];
  return found === undefined ? undefined : { table: found[0], kind: found[1] };
}

function targets(call: Call): { ids: string[]; kind: string; type: string } {
  const type = call.params.required('resourcetype');
  const place = tableOf(call.cloud, type);
  if (place === undefined) throw invalidParameter(`Invalid resource type ${type}`);
  const ids = (call.params.list('resourceids') ?? []).map((id) => call.rowById(place.table, id, 'resourceids').id);
  return { ids, kind: place.kind, type };
}

function create(call: Call): JobPlan {
  const { cloud, params } = call;
  const { ids, kind, type } = targets(call);
  const pairs = params.entries('tags');
  if (pairs.some((pair) => pair['key'] === undefined || pair['value'] === undefined)) {
    throw invalidParameter('tags need a key and a value each');
  }
  const before = new Map(ids.map((id) => [id, cloud.tags.get(id) ?? []]));
  return {
    instanceType: null,
    instanceId: null,
    finish() {
      for (const id of ids) {
        const tags = [...(cloud.tags.get(id) ?? [])];
        for (const { key = '', value = '' } of pairs) {
          if (tags.some((tag) => tag.key === key)) {
            throw invalidParameter(`tag ${key} already on ${type} with id ${id}`);
          }
          tags.push({ key, value, resourceType: type, accountId: call.caller.account.id });
        }
        cloud.tags.set(id, tags);
        call.effect('changed', kind, id);
      }
      return { success: true };
    },
    undo() {
      for (const [id, tags] of before) {
        if (tags.length === 0) cloud.tags.delete(id);
        else cloud.tags.set(id, tags);
      }
    },
  };
}

/** Without `tags` all go; a tag named with a value goes only with that value. */
function remove(call: Call): JobPlan {
  const { cloud, params } = call;
  const { ids, kind } = targets(call);
  const pairs = params.entries('tags');
  const goes = (tag: Tag) =>
    pairs.length === 0 ||
    pairs.some((pair) => pair['key'] === tag.key && (pair['value'] === undefined || pair['value'] === tag.value));
  return {
    instanceType: null,
    instanceId: null,
    finish() {
      for (const id of ids) {
        const kept = (cloud.tags.get(id) ?? []).filter((tag) => !goes(tag));
        if (kept.length === 0) cloud.tags.delete(id);
        else cloud.tags.set(id, kept);
        call.effect('changed', kind, id);
      }
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

function list(call: Call): JsonObject {
  const { cloud, params } = call;
  const type = params.text('resourcetype')?.toLowerCase();
  const resourceId = params.text('resourceid');
  const key = params.text('key');
  const value = params.text('value');
  const wide = params.flag('listall') === true;
  const ids = resourceId === undefined ? [...cloud.tags.keys()] : [resourceId];
  const rows = ids.flatMap((id) =>
    (cloud.tags.get(id) ?? [])
      .filter(
        (tag) =>
          (type === undefined || tag.resourceType.toLowerCase() === type) &&
          (key === undefined || tag.key === key) &&
          (value === undefined || tag.value === value) &&
          (tag.accountId === call.caller.account.id || (wide && call.mayAccess(tag.accountId))),
      )
      .map((tag) => ({ id, tag })),
  );
  return listAnswer(call, 'tag', rows, ({ id, tag }) => ({
    key: tag.key,
    value: tag.value,
    resourcetype: tag.resourceType,
    resourceid: id,
    account: cloud.accounts.get(tag.accountId)?.name ?? '',
  }));
}
