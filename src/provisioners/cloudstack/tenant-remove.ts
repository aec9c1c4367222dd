import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input } from '../requests.js';
import { findJob } from './jobs.js';
import { Address, type TenantAccount } from './schema.js';
import { type Account, submit } from './submit.js';
import { findTenants, isMadeHere, markerOfTenant } from './tenant.js';
import { Id, ownerFields } from './wire-values.js';

const Row = z.object({ id: Id, ...ownerFields });
const OwnedAddress = Address.extend(ownerFields);
/** What an account can hold that somebody has bought. Its networks and VPCs go with it. */
const kinds: { what: string; command: string; key: string }[] = [
  { what: 'VM', command: 'listVirtualMachines', key: 'virtualmachine' },
  { what: 'volume', command: 'listVolumes', key: 'volume' },
  { what: 'snapshot', command: 'listSnapshots', key: 'snapshot' },
];

/**
 * The way back of `tenant.ensure`, by its facts. `deleteAccount` removes all that an account has, so it is only sent when nothing of
 * value is left. An account that was there before us is left alone: that is done, too. Where the registration made more than one account
 * (`findTenants` says how that can be) all of them go, one stage each, and none before all are empty.
 */
export function tenantRemove(account: Account): OperationHandler {
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'tenantAccountId'),
    facts: {},
    startedAt: null,
  });

  /** Those the registration made that are still there; the one that was worked in comes first. */
  async function remaining(request: OperationRequest): Promise<TenantAccount[]> {
    const id = input(request, 'tenantAccountId');
    const named = await findTenants(account, {
      accountName: input(request, 'tenantAccount'),
      domainId: input(request, 'tenantDomainId'),
    });
    const worked = named.filter((tenant) => tenant.id === id && isMadeHere(tenant));
    // Registrations of earlier versions have not noted their marker; then the account says it.
    const marker = request.inputs['tenantMarker'] ?? worked.map(markerOfTenant)[0] ?? null;
    const twins = named.filter((tenant) => tenant.id !== id && marker !== null && markerOfTenant(tenant) === marker);
    return [...worked, ...twins];
  }

  /** The one this stage removes. */
  const turnOf = ({ stage }: OperationRequest, tenants: TenantAccount[]): TenantAccount | null =>
    (stage === null ? tenants[0] : tenants.find(({ id }) => stage === stageOf(id))) ?? null;

  async function contents(tenants: TenantAccount[]): Promise<string[]> {
    const [first] = tenants;
    if (!first) return [];
    const { name, domainid } = first;
    // A name that several accounts have means any one of them to the server: then the whole domain is read, and told apart here.
    const of = { ...(tenants.length === 1 ? { account: name } : {}), domainid, listall: true };
    const isHis = (row: { account: string | null; domainid: string | null }): boolean =>
      tenants.length === 1 || (row.account === name && row.domainid === domainid);
    const found: { what: string; ids: string[] }[] = [];
    for (const { what, command, key } of kinds) {
      const rows = await account.client.list(command, of, key, Row);
      found.push({ what, ids: rows.filter(isHis).map(({ id }) => id) });
    }
    const addresses = await account.client.list('listPublicIpAddresses', of, 'publicipaddress', OwnedAddress);
    // A router's own address came with its network and goes with it.
    const bought = addresses.filter((one) => !one.issourcenat && isHis(one));
    found.push({ what: 'address', ids: bought.map(({ id }) => id) });
    return found.flatMap(({ what, ids }) =>
      ids.length === 0 ? [] : [`${ids.length} ${what}(s) (${ids.slice(0, 5).join(', ')})`],
    );
  }

  return {
    async send(request) {
      const tenants = await remaining(request);
      const tenant = turnOf(request, tenants) ?? tenants[0];
      if (!tenant) return { state: 'done', found: done(request) };
      const left = await contents(tenants);
      if (left.length > 0) {
        const ids = tenants.map(({ id }) => id).join(', ');
        const message = `the account ${tenant.name} (${ids}) still holds ${left.join(', ')}`;
        throw new ProvisioningError('ask-human', 'CLD_IN_USE', message);
      }
      return { ...(await submit(account, request, 'deleteAccount', { id: tenant.id })), resourceId: tenant.id };
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return { ...job, resourceId: job.resourceId ?? input(request, 'tenantAccountId') };
      const tenants = await remaining(request);
      if (tenants.length === 0 || (request.stage !== null && !turnOf(request, tenants))) {
        return { state: 'found', resourceId: done(request).resourceId, others: [] };
      }
      return { state: 'absent' };
    },
    async inspect(request, resourceId) {
      const tenants = await remaining(request);
      const [next] = tenants;
      if (!next) return { state: 'ready', found: done(request) };
      // The one whose turn it was is gone, and its twins are not.
      const isGone =
        tenants.every(({ id }) => id !== resourceId) && (request.stage === null || !turnOf(request, tenants));
      return isGone ? { state: 'next', stage: stageOf(next.id), memo: {} } : { state: 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

const stageOf = (accountId: string): string => `account-${accountId}`;
