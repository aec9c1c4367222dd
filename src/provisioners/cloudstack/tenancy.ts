import { type Preparation, userKey } from '../../planner/plan.js';
import type { Tenancy, TenancyRequest } from '../provisioner.js';
import { collecting } from '../resolving.js';
import { defaultNetwork, homeZone } from './resolve-network.js';
import { resolveTenant, unregistered } from './resolve-tenant.js';
import type { Account } from './submit.js';

/**
 * A user without an order: his account, and on demand his default network, which goes with the account when the registration
 * is taken back. Where all work in one account (`registerTenants: never`) there is no registration, and the network stays.
 */
export async function tenancy(account: Account, request: TenancyRequest): Promise<Tenancy> {
  const { platformId, userId, accountId, generation, withNetwork } = request;
  const place = { itemIndex: null, platformId };
  const asked = { order: { userId, accountId, systemOfferingIds: {} }, generation };
  const { to, resolution } = collecting();
  const registration = (await resolveTenant(account, asked, platformId, to, { isAsked: true })) ?? unregistered;
  if (withNetwork) {
    const resolving = { account, request: asked, registration, ...to };
    const zone = await homeZone(account);
    if (zone) await defaultNetwork(resolving, place, zone);
    else to.hold(place, 'zoneId', 'zone_missing', 'a default network needs a zone: set zoneId on the platform');
  }
  const resolved = resolution([]);
  if (resolved.state === 'held') return resolved;
  return {
    state: 'resolved',
    made: resolved.preparations,
    undone: registration.owner === null ? [] : [undone(request)],
  };
}

function undone({ platformId, userId, generation }: TenancyRequest): { of: string; preparation: Preparation } {
  const of = userKey('tenant', userId, generation);
  const fact = (name: string) => ({ from: of, fact: name });
  return {
    of,
    preparation: {
      key: userKey('tenant-removal', userId, generation),
      kind: 'tenant-removal',
      platformId,
      needs: [of],
      inputs: {
        tenantAccount: fact('tenantAccount'),
        tenantDomainId: fact('tenantDomainId'),
        tenantAccountId: fact('tenantAccountId'),
        tenantMarker: fact('tenantMarker'),
      },
      settings: {},
      lines: [{ what: 'account', ordered: 'unregister', resolved: 'removed with its networks, once it is empty' }],
    },
  };
}
