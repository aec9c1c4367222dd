import { stageMarker } from '../../planner/marker.js';
import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, Inspection, OperationHandler, OperationRequest } from '../provisioner.js';
import { parseCidr } from './cidr.js';
import { findJob, findJobs, isPendingJob, leadsTo } from './jobs.js';
import { listKnown, readOne } from './lookup.js';
import { isRefusal } from './refusals.js';
import { AclList, AclRule, Network, NetworkMade, Vpc } from './schema.js';
import { adoptEarlier, input, notOurs } from '../requests.js';
import { type Account, oldestFirst, submit } from './submit.js';
import { ownerOf } from './tenant.js';

/** A tenant's default network, made on first use (Q18). */
export const DefaultNetworkSettings = z.object({
  /** `<userId>-vpc`, and from it the names of list and tier. */
  vpcName: z.string(),
  zoneId: z.string(),
  vpcOfferingId: z.string(),
  tierOfferingId: z.string(),
  vpcCidr: z.string(),
  tierCidr: z.string(),
});
export type DefaultNetworkSettings = z.infer<typeof DefaultNetworkSettings>;

/** A list of ours without rules lets nothing through. The number is a rule's natural key: unique in its list. */
const rules = [
  { number: 10, protocol: 'tcp', startport: 22, endport: 22, traffictype: 'ingress' },
  { number: 20, protocol: 'tcp', startport: 3389, endport: 3389, traffictype: 'ingress' },
  { number: 30, protocol: 'icmp', icmptype: -1, icmpcode: -1, traffictype: 'ingress' },
  { number: 40, protocol: 'all', traffictype: 'egress' },
] as const;

/** One step of the way: what it sends, how it finds what it left, and whether that is usable. */
interface Stage {
  name: string;
  handler: OperationHandler;
}

/**
 * Four kinds of stages, one after the other: the VPC, a list of firewall rules, its rules one by one, and the tier the
 * VMs go into. Each finds what an earlier attempt left by the marker in its text (a rule: by its number). What one stage
 * made is the next one's memo.
 */
export function defaultNetworkEnsure(account: Account): OperationHandler {
  const stages: Stage[] = [
    { name: 'vpc', handler: vpcStage(account) },
    { name: 'acl-list', handler: aclListStage(account) },
    ...rules.map((rule) => ({ name: `rule-${rule.number}`, handler: ruleStage(account, rule) })),
    { name: 'tier', handler: tierStage(account) },
  ];
  const handlerOf = (request: OperationRequest): OperationHandler => {
    const stage = stages.find(({ name }) => name === (request.stage ?? 'vpc'));
    if (!stage) throw new Error(`a default network has no stage "${request.stage}"`);
    return stage.handler;
  };
  return {
    traces: [
      { stage: null, fact: 'vpcId' },
      { stage: 'acl-list', fact: 'aclId', within: 'vpcId' },
      { stage: 'tier', fact: 'networkId', within: 'vpcId' },
    ],
    send: (request) => handlerOf(request).send(ofStage(request)),
    find: (request) => handlerOf(request).find(ofStage(request)),
    inspect: (request, resourceId) => handlerOf(request).inspect(ofStage(request), resourceId),
    discard: (request, resourceId) => handlerOf(request).discard(ofStage(request), resourceId),
  };
}

/** A marker stands for one thing. What a later stage makes has one of its own, which follows from the operation's. */
function ofStage(request: OperationRequest): OperationRequest {
  return request.stage === null ? request : { ...request, marker: stageMarker(request.marker, request.stage) };
}

const settingsOf = (request: OperationRequest): DefaultNetworkSettings =>
  DefaultNetworkSettings.parse(request.settings);
const textOf = (request: OperationRequest): string => `Orderwright ${settingsOf(request).vpcName} ${request.marker}`;
const carries = (text: string | null, marker: string): boolean => text?.split(' ').includes(marker) ?? false;

function vpcStage(account: Account): OperationHandler {
  const { client } = account;
  const handler: OperationHandler = {
    async send(request) {
      const settings = settingsOf(request);
      return (
        (await adoptEarlier(account, handler, request, true)) ??
        submit(account, request, 'createVPC', {
          ...ownerOf(request),
          name: settings.vpcName,
          displaytext: textOf(request),
          vpcofferingid: settings.vpcOfferingId,
          zoneid: settings.zoneId,
          cidr: settings.vpcCidr,
        })
      );
    },
    async find(request) {
      const { follow } = await findJobs(client, request);
      const { vpcName } = settingsOf(request);
      const rows = await client.list('listVPCs', { name: vpcName, listall: true }, 'vpc', Vpc);
      const ours = rows.filter((vpc) => vpc.name === vpcName && carries(vpc.displaytext, request.marker));
      const [vpc, ...others] = oldestFirst(ours);
      if (follow && others.length === 0 && leadsTo(follow, vpc)) return follow;
      return vpc ? { state: 'found', resourceId: vpc.id, others: others.map(({ id }) => id) } : { state: 'absent' };
    },
    async inspect(_request, resourceId) {
      const vpc = await readOne(client, 'listVPCs', resourceId, 'vpc', Vpc);
      if (!vpc) return { state: 'absent' };
      if (isPendingJob(vpc.jobstatus)) return { state: 'pending' };
      if (vpc.state === 'Enabled') return { state: 'next', stage: 'acl-list', memo: { vpcId: vpc.id } };
      if (vpc.state !== 'Inactive') return { state: 'pending' };
      return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message: `the VPC ${vpc.id} is inactive` };
    },
    async discard(request, resourceId) {
      const vpc = await readOne(client, 'listVPCs', resourceId, 'vpc', Vpc);
      if (!vpc) return 'gone';
      if (!carries(vpc.displaytext, request.marker)) throw notOurs('the VPC', vpc.id);
      if (!isPendingJob(vpc.jobstatus)) await client.change('deleteVPC', { id: vpc.id }, z.unknown());
      return 'in-progress';
    },
  };
  return handler;
}

function aclListStage(account: Account): OperationHandler {
  const { client } = account;
  const lists = async (request: OperationRequest) => {
    const vpcId = input(request, 'vpcId');
    const rows = await listKnown(client, 'listNetworkACLLists', { vpcid: vpcId }, 'networkacllist', AclList);
    const ours = rows.filter((list) => list.vpcid === vpcId && carries(list.description, request.marker));
    // A list does not say when it was made; by its id everybody chooses the same one.
    return ours.toSorted((a, b) => a.id.localeCompare(b.id));
  };
  const handler: OperationHandler = {
    async send(request) {
      return (
        (await adoptEarlier(account, handler, request, true)) ??
        submit(account, request, 'createNetworkACLList', {
          name: `${settingsOf(request).vpcName}-acl`,
          description: textOf(request),
          vpcid: input(request, 'vpcId'),
        })
      );
    },
    async find(request) {
      const { follow } = await findJobs(client, request);
      const [list, ...others] = await lists(request);
      if (follow && others.length === 0 && leadsTo(follow, list)) return follow;
      return list ? { state: 'found', resourceId: list.id, others: others.map(({ id }) => id) } : { state: 'absent' };
    },
    async inspect(request, resourceId) {
      const list = (await lists(request)).find(({ id }) => id === resourceId);
      if (!list) return { state: 'absent' };
      return {
        state: 'next',
        stage: `rule-${rules[0].number}`,
        memo: { vpcId: input(request, 'vpcId'), aclId: list.id },
      };
    },
    async discard(request, resourceId) {
      if (!(await lists(request)).some(({ id }) => id === resourceId)) return 'gone';
      await client.change('deleteNetworkACLList', { id: resourceId }, z.unknown());
      return 'in-progress';
    },
  };
  return handler;
}

function ruleStage(account: Account, rule: (typeof rules)[number]): OperationHandler {
  const { client } = account;
  const following = rules[rules.indexOf(rule) + 1];
  const next = (request: OperationRequest): Extract<Inspection, { state: 'next' }> => ({
    state: 'next',
    stage: following ? `rule-${following.number}` : 'tier',
    memo: { vpcId: input(request, 'vpcId'), aclId: input(request, 'aclId') },
  });
  const existing = async (request: OperationRequest) => {
    const aclid = input(request, 'aclId');
    const rows = await listKnown(client, 'listNetworkACLs', { aclid }, 'networkacl', AclRule);
    return rows.find(({ number }) => number === rule.number) ?? null;
  };
  return {
    async send(request) {
      if (request.attempt > 1 && (await existing(request))) return next(request);
      try {
        return await submit(account, request, 'createNetworkACL', {
          ...rule,
          aclid: input(request, 'aclId'),
          cidrlist: '0.0.0.0/0',
          action: 'allow',
        });
      } catch (error) {
        // The number is taken, and the list is ours alone: an earlier attempt made the rule.
        if (!isRefusal(error, 431) || !(await existing(request))) throw error;
        return next(request);
      }
    },
    async find(request) {
      const job = await findJob(client, request.requestId);
      if (job) return job;
      const made = await existing(request);
      // The number is unique in its list, in the database as well: there can be no others, and no second one will be.
      return made ? { state: 'found', resourceId: made.id, others: [] } : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const made = await existing(request);
      if (!made) return { state: 'absent' };
      return isPendingJob(made.jobstatus) ? { state: 'pending' } : next(request);
    },
    async discard(request) {
      const made = await existing(request);
      if (!made) return 'gone';
      await client.change('deleteNetworkACL', { id: made.id }, z.unknown());
      return 'in-progress';
    },
  };
}

function tierStage({ client }: Account): OperationHandler {
  const tiers = async (request: OperationRequest): Promise<Network[]> => {
    const vpcId = input(request, 'vpcId');
    const rows = await listKnown(client, 'listNetworks', { vpcid: vpcId }, 'network', Network);
    return oldestFirst(rows.filter((tier) => tier.vpcid === vpcId && carries(tier.displaytext, request.marker)));
  };
  const describe = (tier: Network, request: OperationRequest): Found => ({
    resourceId: tier.id,
    facts: { networkId: tier.id, vpcId: input(request, 'vpcId'), aclId: input(request, 'aclId') },
    startedAt: tier.created,
  });
  return {
    async send(request) {
      const settings = settingsOf(request);
      const cidr = parseCidr(settings.tierCidr);
      if (!cidr) throw new Error(`the plan's tier range ${settings.tierCidr} cannot be read`);
      if (request.attempt > 1) {
        const [earlier] = await tiers(request);
        if (earlier) return { state: 'done', found: describe(earlier, request) };
      }
      try {
        const { network } = await client.change(
          'createNetwork',
          {
            ...ownerOf(request),
            name: `${settings.vpcName}-tier-1`,
            displaytext: textOf(request),
            networkofferingid: settings.tierOfferingId,
            zoneid: settings.zoneId,
            vpcid: input(request, 'vpcId'),
            aclid: input(request, 'aclId'),
            gateway: cidr.gateway,
            netmask: cidr.netmask,
          },
          NetworkMade,
        );
        return { state: 'done', found: describe(network, request) };
      } catch (error) {
        // Two tiers of one VPC cannot share a range: a refusal may mean that an earlier attempt made it.
        if (!isRefusal(error, 431, 537)) throw error;
        const [earlier] = await tiers(request);
        if (!earlier) throw error;
        return { state: 'done', found: describe(earlier, request) };
      }
    },
    async find(request) {
      const [tier, ...others] = await tiers(request);
      return tier ? { state: 'found', resourceId: tier.id, others: others.map(({ id }) => id) } : { state: 'absent' };
    },
    async inspect(request, resourceId) {
      const tier = (await tiers(request)).find(({ id }) => id === resourceId);
      // Allocated is enough: a tier gets its router with its first VM.
      if (!tier || tier.state === 'Destroy') return { state: 'absent' };
      return { state: 'ready', found: describe(tier, request) };
    },
    async discard(request, resourceId) {
      const tier = await readOne(client, 'listNetworks', resourceId, 'network', Network);
      if (!tier || tier.state === 'Destroy') return 'gone';
      if (!carries(tier.displaytext, request.marker)) {
        throw new ProvisioningError(
          'ask-human',
          'CLD_CONTRADICTION',
          `the network ${tier.id} does not carry the marker`,
        );
      }
      await client.change('deleteNetwork', { id: tier.id }, z.unknown());
      return 'in-progress';
    },
  };
}
