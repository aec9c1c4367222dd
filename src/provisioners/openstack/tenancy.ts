import { type Preparation, userKey } from '../../planner/plan.js';
import type { Tenancy, TenancyRequest } from '../provisioner.js';
import { collecting } from '../resolving.js';
import type { Account } from './account.js';
import { defaultNetwork } from './resolve-network.js';
import { resolveTenant } from './resolve-tenant.js';

/**
 * A user without an order: his project, his Keystone user, and on demand his default network; and the way back, the network
 * before the project. With an application credential there are no users to register.
 */
export async function tenancy(account: Account, request: TenancyRequest): Promise<Tenancy> {
  const { platformId, userId, accountId, generation, withNetwork } = request;
  const asked = { order: { userId, accountId, systemOfferingIds: {} }, generation };
  const { to, resolution } = collecting();
  const tenant = await resolveTenant(account, asked, platformId, { isAsked: true });
  if ('code' in tenant) return { state: 'held', holds: [tenant] };
  if (!tenant.preparation) return { state: 'resolved', made: [], undone: [] };
  to.prepare(tenant.preparation);
  const resolving = { account, request: asked, tenant, ...to };
  if (withNetwork) await defaultNetwork(resolving, { itemIndex: null, platformId });
  const resolved = resolution([]);
  if (resolved.state === 'held') return resolved;
  return { state: 'resolved', made: resolved.preparations, undone: undone(request, tenant.preparation) };
}

type Undone = { of: string; preparation: Preparation };

/** What hung on the network or lay in the project has to be gone: what orders built is never removed from here. */
function undone({ platformId, userId, generation }: TenancyRequest, tenant: Preparation): Undone[] {
  const keyOf = (kind: Preparation['kind']) => userKey(kind, userId, generation);
  const network = keyOf('default-network');
  const removal = keyOf('default-network-removal');
  const projectId = { from: tenant.key, fact: 'projectId' };
  return [
    {
      of: network,
      preparation: {
        key: removal,
        kind: 'default-network-removal',
        platformId,
        needs: [tenant.key, network],
        inputs: {
          projectId,
          networkId: { from: network, fact: 'networkId' },
          routerId: { from: network, fact: 'routerId' },
        },
        settings: {},
        lines: [{ what: 'default network', ordered: 'unregister', resolved: 'removed with its subnet and router' }],
      },
    },
    {
      of: tenant.key,
      preparation: {
        key: keyOf('tenant-removal'),
        kind: 'tenant-removal',
        platformId,
        needs: [tenant.key, removal],
        inputs: {
          projectId,
          userId: { from: tenant.key, fact: 'userId' },
          marker: { from: tenant.key, fact: 'marker' },
        },
        settings: {},
        lines: [
          { what: 'project', ordered: 'unregister', resolved: 'removed with the last of its users, once it is empty' },
        ],
      },
    },
  ];
}
