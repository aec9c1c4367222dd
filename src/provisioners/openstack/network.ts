import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import { type Account, adoptEarlier, contradiction, oldestFirst, scopeOf } from './account.js';
import { readAddress, wiringFailed } from './address-jobs.js';
import { orNull, pathOf } from './client.js';
import { jobIdOf } from './jobs.js';
import { portsOf } from './ports.js';
import { isRefusal } from './refusals.js';
import { Anything, FloatingIp, FloatingIpRead, type Port } from './schema.js';

/** What `resolve` decided for an address. Its bandwidth is held by the QoS policy that a preparation makes. */
export const AddressSettings = z.object({
  bandwidthMbps: z.number(),
  externalNetworkId: z.string(),
  /** The card it is bound to, by its network; absent: that of the VM's default card. */
  networkId: z.string().optional(),
});
export type AddressSettings = z.infer<typeof AddressSettings>;

function describe(address: FloatingIp, request: OperationRequest): Found {
  return {
    resourceId: address.id,
    facts: {
      addressId: address.id,
      ...(address.floating_ip_address === null ? {} : { ipAddress: address.floating_ip_address }),
      bandwidthMbps: String(AddressSettings.parse(request.settings).bandwidthMbps),
      marker: request.marker,
    },
    startedAt: address.created_at,
  };
}

/** A floating IP has no name and takes no tag when it is made: its description is the marker. Done in the answer itself. */
export function networkReserve(account: Account): OperationHandler {
  const { client } = account;

  async function marked(request: OperationRequest): Promise<FloatingIp[]> {
    const scope = scopeOf(request);
    const projectId = scope ?? (await client.token()).projectId;
    const rows = await client.list({
      service: 'network',
      scope,
      path: '/floatingips',
      query: { description: request.marker, project_id: projectId },
      key: 'floatingips',
      row: FloatingIp,
    });
    return oldestFirst(rows.filter(({ description }) => description === request.marker));
  }

  const handler: OperationHandler = {
    async send(request) {
      const adopted = await adoptEarlier(account, handler, request);
      if (adopted) return adopted;
      const { externalNetworkId } = AddressSettings.parse(request.settings);
      const { value } = await client.change(
        {
          service: 'network',
          scope: scopeOf(request),
          method: 'POST',
          path: '/floatingips',
          body: {
            floatingip: {
              floating_network_id: externalNetworkId,
              description: request.marker,
              qos_policy_id: input(request, 'qosPolicyId'),
            },
          },
        },
        FloatingIpRead,
      );
      return { state: 'done', found: describe(value.floatingip, request) };
    },
    async find(request) {
      const [address, ...others] = await marked(request);
      if (!address) return { state: 'absent' };
      return { state: 'found', resourceId: address.id, others: others.map(({ id }) => id) };
    },
    async inspect(request, resourceId) {
      const address = await readAddress(client, scopeOf(request), resourceId);
      if (!address) return { state: 'absent' };
      if (address.description !== request.marker) throw notOurs('the address', address.id);
      if (address.status === 'ERROR') {
        const message = `the floating IP ${address.id} is in the state ERROR`;
        return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message };
      }
      // DOWN is what an address is as long as it is bound to nothing.
      return { state: 'ready', found: describe(address, request) };
    },
    async discard(request, resourceId) {
      const address = await readAddress(client, scopeOf(request), resourceId);
      if (!address) return 'gone';
      if (address.description !== request.marker) throw notOurs('the address', address.id);
      await remove(account, request, address.id);
      return 'gone';
    },
  };
  return handler;
}

/**
 * Bound or not is told by `port_id`; whether the network has done it, by the status a second later (openstack.md 5). An
 * address that stays DOWN reaches no machine, and nobody may be charged for it: it ends with its time, before a person.
 */
export function networkBind(account: Account): OperationHandler {
  const { client } = account;

  async function portOf(request: OperationRequest): Promise<Port | null> {
    const ports = await portsOf(client, scopeOf(request), input(request, 'vmId'));
    const networkId = AddressSettings.parse(request.settings).networkId ?? request.inputs['networkId'];
    return ports.find(({ network_id }) => network_id === networkId) ?? null;
  }

  /** Throws when the address serves another machine: taking it away would cut someone off. */
  async function boundAtAll(request: OperationRequest, port: Port | null): Promise<FloatingIp | null> {
    const address = await readAddress(client, scopeOf(request), input(request, 'addressId'));
    if (!address || address.port_id === null) return null;
    if (address.port_id !== port?.id) throw contradiction(`the address ${address.id} is bound to another port`);
    return address;
  }

  /** Without its policy it has no limit, and is not what was sold. */
  async function bound(request: OperationRequest, port: Port | null): Promise<FloatingIp | null> {
    const address = await boundAtAll(request, port);
    return address?.qos_policy_id === input(request, 'qosPolicyId') ? address : null;
  }

  const found = ({ id, floating_ip_address }: FloatingIp): Found => ({
    resourceId: id,
    facts: { addressId: id, ...(floating_ip_address === null ? {} : { ipAddress: floating_ip_address }) },
    startedAt: null,
  });

  const sent = (request: OperationRequest, address: FloatingIp): Sent => {
    const { id, status } = address;
    if (status === 'ACTIVE') return { state: 'done', found: found(address) };
    const job = { kind: 'address', scope: scopeOf(request), id, goal: 'wired', requestId: null } as const;
    return { state: 'pending', jobId: jobIdOf(job), resourceId: id };
  };

  return {
    async send(request) {
      const addressId = input(request, 'addressId');
      const port = await portOf(request);
      if (!port) {
        const message = `the server ${input(request, 'vmId')} has no port on the network the address is for`;
        throw new ProvisioningError('retry', 'CLD_RESOURCE_UNAVAILABLE', message);
      }
      const already = await bound(request, port);
      if (already) return sent(request, already);
      try {
        const { value } = await client.change(
          {
            service: 'network',
            scope: scopeOf(request),
            method: 'PUT',
            path: `/floatingips/${pathOf(addressId)}`,
            // Any change that does not name the policy takes it away (seen on Zed).
            body: { floatingip: { port_id: port.id, qos_policy_id: input(request, 'qosPolicyId') } },
          },
          FloatingIpRead,
        );
        return sent(request, value.floatingip);
      } catch (error) {
        // "The port has one already" may mean ours, put there meanwhile.
        if (!isRefusal(error, 409)) throw error;
        const seen = await bound(request, port);
        if (!seen) throw error;
        return sent(request, seen);
      }
    },
    async find(request) {
      const address = await bound(request, await portOf(request));
      // The same change twice is the same as once.
      return address ? { state: 'found', resourceId: address.id, others: [] } : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const address = await bound(request, await portOf(request));
      if (!address) return { state: 'absent' };
      if (address.status === 'ACTIVE') return { state: 'ready', found: found(address) };
      if (address.status !== 'ERROR') return { state: 'pending' };
      return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message: wiringFailed(address.id) };
    },
    // A binding is a state of the address. Taken back it can be made once more, as soon as the network knows: until then the
    // address shows the state of before.
    async discard(request) {
      const address = await boundAtAll(request, await portOf(request));
      if (address) await unbind(account, request, address.id);
      const now = await readAddress(client, scopeOf(request), input(request, 'addressId'));
      return now === null || now.status === 'DOWN' ? 'gone' : 'in-progress';
    },
  };
}

/** Done when the address serves no machine, or is gone. `find`/`inspect` speak of the effect, as for vm.delete. */
export function networkUnbind(account: Account): OperationHandler {
  const isUndone = ({ port_id }: FloatingIp): boolean => port_id === null;
  return undoing(account, isUndone, (request, id) => unbind(account, request, id));
}

async function unbind({ client }: Account, request: OperationRequest, id: string): Promise<void> {
  const path = `/floatingips/${pathOf(id)}`;
  const body = { floatingip: { port_id: null } };
  const change = { service: 'network', scope: scopeOf(request), method: 'PUT', path, body } as const;
  await orNull(client.change(change, Anything));
}

/** Done when the address is given back. Its id is never given to another. */
export function networkRelease(account: Account): OperationHandler {
  return undoing(
    account,
    () => false,
    (request, id) => remove(account, request, id),
  );
}

function undoing(
  account: Account,
  isUndone: (address: FloatingIp) => boolean,
  undo: (request: OperationRequest, id: string) => Promise<void>,
): OperationHandler {
  const idOf = (request: OperationRequest): string => input(request, 'addressId');
  const done = (request: OperationRequest): Found => ({ resourceId: idOf(request), facts: {}, startedAt: null });
  const remaining = async (request: OperationRequest): Promise<FloatingIp | null> => {
    const address = await readAddress(account.client, scopeOf(request), idOf(request));
    return address && !isUndone(address) ? address : null;
  };
  return {
    async send(request) {
      const address = await remaining(request);
      if (!address) return { state: 'done', found: done(request) };
      if (!ownMarkers(request).includes(address.description ?? '')) throw notOurs('the address', address.id);
      await undo(request, address.id);
      return { state: 'done', found: done(request) };
    },
    async find(request) {
      const address = await remaining(request);
      // Undone twice is undone.
      return address ? { state: 'absent', guarded: true } : { state: 'found', resourceId: idOf(request), others: [] };
    },
    async inspect(request) {
      const address = await remaining(request);
      return address ? { state: 'absent' } : { state: 'ready', found: done(request) };
    },
    discard: () => Promise.resolve('gone'),
  };
}

async function remove({ client }: Account, request: OperationRequest, id: string): Promise<void> {
  const path = `/floatingips/${pathOf(id)}`;
  const change = { service: 'network', scope: scopeOf(request), method: 'DELETE', path } as const;
  await orNull(client.change(change, Anything));
}
