import { z } from 'zod';
import { OutcomeUnknownError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { Found, Inspection, OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import { input, notOurs } from '../requests.js';
import { type Account, adoptEarlier, contradiction, oldestFirst, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { isRefusal } from './refusals.js';
import { Anything, Network, Port, Router, Subnet } from './schema.js';
import { inStages } from './stages.js';

/** What `resolve` decided for a tenant's default network. */
export const DefaultNetworkSettings = z.object({
  name: z.string(),
  cidr: z.string(),
  dns: z.array(z.string()),
  externalNetworkId: z.string(),
});
export type DefaultNetworkSettings = z.infer<typeof DefaultNetworkSettings>;

const settingsOf = (request: OperationRequest): DefaultNetworkSettings =>
  DefaultNetworkSettings.parse(request.settings);

type Row = { id: string; project_id: string | null; description: string | null; created_at: string | null };

/** A thing of Neutron's that one POST makes and that is usable at once. */
interface Thing {
  stage: string;
  /** Singular and plural as Neutron writes them in bodies and paths. */
  singular: string;
  plural: string;
  row: z.ZodType<Row>;
  body(request: OperationRequest): JsonObject;
  next: string;
  /** Neutron refuses a second one, in these words. */
  twinRefused?: RegExp;
  /** Name of the fact that its id becomes. */
  fact: string;
}

const network: Thing = {
  stage: 'network',
  singular: 'network',
  plural: 'networks',
  row: Network,
  body: (request) => ({ name: settingsOf(request).name }),
  next: 'subnet',
  fact: 'networkId',
};

const subnet: Thing = {
  stage: 'subnet',
  singular: 'subnet',
  plural: 'subnets',
  row: Subnet,
  body: (request) => ({
    name: settingsOf(request).name,
    network_id: input(request, 'networkId'),
    ip_version: 4,
    cidr: settingsOf(request).cidr,
    enable_dhcp: true,
    dns_nameservers: settingsOf(request).dns,
  }),
  next: 'router',
  twinRefused: /overlaps with another subnet/i,
  fact: 'subnetId',
};

const router: Thing = {
  stage: 'router',
  singular: 'router',
  plural: 'routers',
  row: Router,
  body: (request) => ({
    name: settingsOf(request).name,
    // The gateway comes with the router: one request less whose answer could be lost.
    external_gateway_info: { network_id: settingsOf(request).externalNetworkId },
  }),
  next: 'interface',
  fact: 'routerId',
};

/**
 * Network, subnet, router with its gateway, and the router's interface in the subnet. Neutron minds no two of one name, so
 * each carries a marker of its own as its description and is looked for before it is made.
 */
export function defaultNetworkEnsure(account: Account): OperationHandler {
  return inStages(
    [
      { name: network.stage, handler: thingStage(account, network) },
      { name: subnet.stage, handler: thingStage(account, subnet) },
      { name: router.stage, handler: thingStage(account, router) },
      { name: 'interface', handler: interfaceStage(account) },
    ],
    {
      traces: [
        { stage: null, fact: network.fact },
        { stage: subnet.stage, fact: subnet.fact },
        { stage: router.stage, fact: router.fact },
      ],
    },
  );
}

function thingStage(account: Account, thing: Thing): OperationHandler {
  const { client } = account;
  const { singular, plural, row } = thing;

  async function marked(request: OperationRequest): Promise<Row[]> {
    const scope = scopeOf(request);
    const projectId = scope ?? (await client.token()).projectId;
    const query = { description: request.marker, project_id: projectId };
    const rows = await client.list({ service: 'network', scope, path: `/${plural}`, query, key: plural, row });
    return oldestFirst(rows.filter((one) => one.description === request.marker && one.project_id === projectId));
  }
  const next = ({ memo }: OperationRequest, id: string): Extract<Inspection, { state: 'next' }> => ({
    state: 'next',
    stage: thing.next,
    memo: { ...memo, [thing.fact]: id },
  });
  const read = async (request: OperationRequest, id: string): Promise<Row | null> => {
    const call = { service: 'network', scope: scopeOf(request), path: `/${plural}/${pathOf(id)}` } as const;
    const answer = await orNull(client.read(call, z.record(z.string(), row)));
    return answer?.[singular] ?? null;
  };

  const handler: OperationHandler = {
    async send(request) {
      const adopted = await adoptEarlier(account, handler, request, true);
      if (adopted) return adopted;
      const { value } = await client
        .change(
          {
            service: 'network',
            scope: scopeOf(request),
            method: 'POST',
            path: `/${plural}`,
            body: { [singular]: { ...thing.body(request), description: request.marker } },
          },
          z.record(z.string(), row),
        )
        .catch((error: unknown) => {
          if (
            thing.twinRefused === undefined ||
            !isRefusal(error, 400, 409) ||
            !thing.twinRefused.test(error.message)
          ) {
            throw error;
          }
          // An earlier request was carried out meanwhile; if it was somebody else's, only a person can say.
          throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', error.message);
        });
      const made = value[singular];
      if (!made) throw contradiction(`Neutron made a ${singular} and does not show it`);
      return next(request, made.id);
    },
    async find(request) {
      const [first, ...others] = await marked(request);
      if (first) return { state: 'found', resourceId: first.id, others: others.map(({ id }) => id) };
      return thing.twinRefused === undefined ? { state: 'absent' } : { state: 'absent', guarded: true };
    },
    async inspect(request, resourceId) {
      return (await read(request, resourceId)) ? next(request, resourceId) : { state: 'absent' };
    },
    async discard(request, resourceId) {
      const found = await read(request, resourceId);
      if (!found) return 'gone';
      if (found.description !== request.marker) throw notOurs(`the ${singular}`, found.id);
      const path = `/${plural}/${pathOf(found.id)}`;
      const change = { service: 'network', scope: scopeOf(request), method: 'DELETE', path } as const;
      await orNull(client.change(change, Anything));
      return 'in-progress';
    },
  };
  return handler;
}

/** The interface has no name or text of its own; that the router has a port in the subnet is all there is to it. */
function interfaceStage({ client }: Account): OperationHandler {
  async function isThere(request: OperationRequest): Promise<boolean> {
    const query = { device_id: input(request, 'routerId') };
    const rows = await client.list({
      service: 'network',
      scope: scopeOf(request),
      path: '/ports',
      query,
      key: 'ports',
      row: Port,
    });
    const subnetId = input(request, 'subnetId');
    return rows.some(
      ({ device_id, fixed_ips }) =>
        device_id === query.device_id && fixed_ips.some(({ subnet_id }) => subnet_id === subnetId),
    );
  }
  const found = (request: OperationRequest): Found => {
    const networkId = input(request, 'networkId');
    const facts = { networkId, subnetId: input(request, 'subnetId'), routerId: input(request, 'routerId') };
    return { resourceId: networkId, facts, startedAt: null };
  };
  return {
    async send(request): Promise<Sent> {
      if (await isThere(request)) return { state: 'done', found: found(request) };
      try {
        await client.change(
          {
            service: 'network',
            scope: scopeOf(request),
            method: 'PUT',
            path: `/routers/${pathOf(input(request, 'routerId'))}/add_router_interface`,
            body: { subnet_id: input(request, 'subnetId') },
          },
          Anything,
        );
      } catch (error) {
        // "Router already has a port on subnet" is a 400 without a type of its own.
        if (!isRefusal(error, 400, 409) || !(await isThere(request))) throw error;
      }
      return { state: 'done', found: found(request) };
    },
    async find(request) {
      return (await isThere(request))
        ? { state: 'found', resourceId: input(request, 'networkId'), others: [] }
        : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      return (await isThere(request)) ? { state: 'ready', found: found(request) } : { state: 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}
