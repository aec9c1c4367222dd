import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input } from '../requests.js';
import { findJob } from './jobs.js';
import { Address, type TenantAccount } from './schema.js';
import { type Account, submit } from './submit.js';
import { findTenant, isMadeHere } from './tenant.js';

const Row = z.object({ id: z.string() });
/** What an account can hold that somebody has bought. Its networks and VPCs go with it. */
const kinds: { what: string; command: string; key: string }[] = [
  { what: 'VM', command: 'listVirtualMachines', key: 'virtualmachine' },
  { what: 'volume', command: 'listVolumes', key: 'volume' },
  { what: 'snapshot', command: 'listSnapshots', key: 'snapshot' },
];

/**
 * The way back of `tenant.ensure`, by its facts `tenantAccount`, `tenantDomainId` and `tenantAccountId`. `deleteAccount` removes all that an account has,
 * so it is only sent when nothing of value is left. An account that was there before us is left alone: that is done, too.
 */
export function tenantRemove(account: Account): OperationHandler {
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'tenantAccountId'),
    facts: {},
    startedAt: null,
  });

  /** Null when it is gone, or was never ours. */
  async function remaining(request: OperationRequest): Promise<TenantAccount | null> {
    const tenant = await findTenant(account, {
      accountName: input(request, 'tenantAccount'),
      domainId: input(request, 'tenantDomainId'),
    });
    return tenant?.id === input(request, 'tenantAccountId') && isMadeHere(tenant) ? tenant : null;
  }

  async function contents(tenant: TenantAccount): Promise<string[]> {
    const of = { account: tenant.name, domainid: tenant.domainid, listall: true };
    const found: { what: string; ids: string[] }[] = [];
    for (const { what, command, key } of kinds) {
      const rows = await account.client.list(command, of, key, Row);
      found.push({ what, ids: rows.map(({ id }) => id) });
    }
    const addresses = await account.client.list('listPublicIpAddresses', of, 'publicipaddress', Address);
    // A router's own address came with its network and goes with it.
    const bought = addresses.filter(({ issourcenat }) => !issourcenat);
    found.push({ what: 'address', ids: bought.map(({ id }) => id) });
    return found.flatMap(({ what, ids }) =>
      ids.length === 0 ? [] : [`${ids.length} ${what}(s) (${ids.slice(0, 5).join(', ')})`],
    );
  }

  return {
    async send(request) {
      const tenant = await remaining(request);
      if (!tenant) return { state: 'done', found: done(request) };
      const left = await contents(tenant);
      if (left.length > 0) {
        const message = `the account ${tenant.name} (${tenant.id}) still holds ${left.join(', ')}`;
        throw new ProvisioningError('ask-human', 'CLD_IN_USE', message);
      }
      return { ...(await submit(account, request, 'deleteAccount', { id: tenant.id })), resourceId: tenant.id };
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return { ...job, resourceId: input(request, 'tenantAccountId') };
      const tenant = await remaining(request);
      return tenant ? { state: 'absent' } : { state: 'found', resourceId: done(request).resourceId, others: [] };
    },
    async inspect(request) {
      return (await remaining(request)) ? { state: 'absent' } : { state: 'ready', found: done(request) };
    },
    discard: () => Promise.resolve('gone'),
  };
}
