import { z } from 'zod';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input, notOurs } from '../requests.js';
import { type Account, adoptEarlier, contradiction, oldestFirst } from './account.js';
import { orNull, pathOf } from './client.js';
import { isRefusal } from './refusals.js';
import { Anything, BandwidthRule, QosPolicy, QosPolicyMade } from './schema.js';
import { inStages } from './stages.js';

/** A bandwidth that was sold; its policy is made once and shared by all floating IPs of that bandwidth. */
export const BandwidthSettings = z.object({ name: z.string(), bandwidthMbps: z.int().positive() });
export type BandwidthSettings = z.infer<typeof BandwidthSettings>;

const settingsOf = (request: OperationRequest): BandwidthSettings => BandwidthSettings.parse(request.settings);
/** Neutron's kbps are kilobits of 1000. */
const kbpsOf = (request: OperationRequest): number => settingsOf(request).bandwidthMbps * 1000;

const directions = ['egress', 'ingress'] as const;
type Direction = (typeof directions)[number];

/**
 * The policy, and one rule for each direction. It belongs to the account's own project and is shared, for tenants may not
 * make policies. Its name says the bandwidth, so that each is made once.
 */
export function bandwidthPolicyEnsure(account: Account): OperationHandler {
  return inStages(
    [
      { name: 'policy', handler: policyStage(account) },
      { name: 'egress', handler: ruleStage(account, 'egress') },
      { name: 'ingress', handler: ruleStage(account, 'ingress') },
    ],
    { foundByName: true },
  );
}

function policyStage(account: Account): OperationHandler {
  const { client } = account;
  async function named(request: OperationRequest): Promise<QosPolicy[]> {
    const { name } = settingsOf(request);
    const { projectId } = await client.token();
    const query = { name, project_id: projectId };
    const rows = await client.list({
      service: 'network',
      path: '/qos/policies',
      query,
      key: 'policies',
      row: QosPolicy,
    });
    return oldestFirst(rows.filter((one) => one.name === name && one.project_id === projectId));
  }
  const next = (id: string) => ({ state: 'next' as const, stage: 'egress', memo: { qosPolicyId: id } });
  const read = async (id: string): Promise<QosPolicy | null> => {
    const call = { service: 'network', path: `/qos/policies/${pathOf(id)}` } as const;
    return (await orNull(client.read(call, QosPolicyMade)))?.policy ?? null;
  };
  const handler: OperationHandler = {
    async send(request) {
      const adopted = await adoptEarlier(account, handler, request, true);
      if (adopted) return adopted;
      const policy = { name: settingsOf(request).name, description: request.marker, shared: true };
      const change = { service: 'network', method: 'POST', path: '/qos/policies', body: { policy } } as const;
      return next((await client.change(change, QosPolicyMade)).value.policy.id);
    },
    async find(request) {
      const [first, ...others] = await named(request);
      return first ? { state: 'found', resourceId: first.id, others: others.map(({ id }) => id) } : { state: 'absent' };
    },
    async inspect(_request, resourceId) {
      const policy = await read(resourceId);
      if (!policy) return { state: 'absent' };
      // Not shared, it would be refused to every tenant it is meant for.
      if (policy.shared === false) throw contradiction(`the QoS policy ${policy.name} (${policy.id}) is not shared`);
      return next(policy.id);
    },
    async discard(request, resourceId) {
      const policy = await read(resourceId);
      if (!policy) return 'gone';
      if (policy.description !== request.marker) throw notOurs('the QoS policy', policy.id);
      const path = `/qos/policies/${pathOf(policy.id)}`;
      await orNull(client.change({ service: 'network', method: 'DELETE', path }, Anything));
      return 'in-progress';
    },
  };
  return handler;
}

function ruleStage({ client }: Account, direction: Direction): OperationHandler {
  const path = (request: OperationRequest): string =>
    `/qos/policies/${pathOf(input(request, 'qosPolicyId'))}/bandwidth_limit_rules`;

  async function rule(request: OperationRequest): Promise<string | null> {
    const rows = await client.list({
      service: 'network',
      path: path(request),
      key: 'bandwidth_limit_rules',
      row: BandwidthRule,
    });
    const found = rows.find((one) => one.direction === direction);
    if (!found) return null;
    // Selling with it would sell one thing and deliver another; and changing it would change what others have bought.
    if (found.max_kbps !== kbpsOf(request)) {
      const { name } = settingsOf(request);
      throw contradiction(
        `the QoS policy ${name} limits ${direction} to ${found.max_kbps} kbit/s, not to what it is named for`,
      );
    }
    return found.id;
  }
  const reached = (request: OperationRequest) => {
    const qosPolicyId = input(request, 'qosPolicyId');
    const found: Found = { resourceId: qosPolicyId, facts: { qosPolicyId }, startedAt: null };
    return direction === 'egress'
      ? ({ state: 'next', stage: 'ingress', memo: { qosPolicyId } } as const)
      : ({ state: 'ready', found } as const);
  };
  const sent = (request: OperationRequest) => {
    const end = reached(request);
    return end.state === 'ready' ? ({ state: 'done', found: end.found } as const) : end;
  };
  return {
    async send(request) {
      if (await rule(request)) return sent(request);
      try {
        const body = { bandwidth_limit_rule: { max_kbps: kbpsOf(request), direction } };
        await client.change({ service: 'network', method: 'POST', path: path(request), body }, Anything);
      } catch (error) {
        // One rule for each direction: a second is refused, and the first may be ours.
        if (!isRefusal(error, 400, 409) || !(await rule(request))) throw error;
      }
      return sent(request);
    },
    async find(request) {
      const id = await rule(request);
      // One rule for each direction.
      return id === null ? { state: 'absent', guarded: true } : { state: 'found', resourceId: id, others: [] };
    },
    async inspect(request) {
      return (await rule(request)) === null ? { state: 'absent' } : reached(request);
    },
    discard: () => Promise.resolve('gone'),
  };
}
