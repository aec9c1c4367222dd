import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, Inspection, OperationHandler, OperationRequest } from '../provisioner.js';
import { isRefusal } from './refusals.js';
import { AccountMade, TenantAccount, UserKeys } from './schema.js';
import { input, notOurs } from '../requests.js';
import type { Account } from './submit.js';

/** A user's registration in this data centre: an account of his own, named by the platform's rule. */
export const TenantSettings = z.object({ accountName: z.string(), domainId: z.string() });
export type TenantSettings = z.infer<typeof TenantSettings>;

/** Of an account that was made here; an account of that name that somebody else made is worked in, and never deleted. */
const firstName = 'Orderwright';
const userType = 0;

/** Whether an account says that it was made here. */
export const isMadeHere = ({ user: [first] }: TenantAccount): boolean => first?.firstname === firstName;

/** Account names are unique in a domain, so a lost answer or a second worker can leave no second one. */
export async function findTenant(
  { client }: Account,
  { accountName, domainId }: TenantSettings,
): Promise<TenantAccount | null> {
  const rows = await client.list(
    'listAccounts',
    { name: accountName, domainid: domainId, listall: true },
    'account',
    TenantAccount,
  );
  return rows.find(({ name, domainid }) => name === accountName && domainid === domainId) ?? null;
}

/** For whom something is made: with these parameters an administrator makes it in the tenant's account instead of his own. */
export function ownerOf({ inputs }: OperationRequest): { account?: string; domainid?: string } {
  const { tenantAccount: account, tenantDomainId: domainid } = inputs;
  return account === undefined || domainid === undefined ? {} : { account, domainid };
}

/**
 * Makes the tenant's account with its first user, then gives that user API keys. We work in the account with the platform's
 * own administrator, so the password and the keys are for the customer: the password is drawn and kept by nobody (a person
 * sets another), the keys are read from the cloud when he asks for them.
 */
export function tenantEnsure(account: Account): OperationHandler {
  const { client } = account;
  const settingsOf = (request: OperationRequest) => TenantSettings.parse(request.settings);

  const describe = (tenant: TenantAccount): Found => ({
    resourceId: tenant.id,
    facts: { tenantAccount: tenant.name, tenantDomainId: tenant.domainid, tenantAccountId: tenant.id },
    startedAt: null,
  });

  /** The account as it stands: usable, waiting for its keys, or locked. */
  function look(tenant: TenantAccount, request: OperationRequest): Inspection {
    if (tenant.state !== 'enabled') {
      const message = `the account ${tenant.name} is ${tenant.state} on CloudStack; enable it, then replay`;
      throw new ProvisioningError('ask-human', 'CLD_CONTRADICTION', message);
    }
    const [user] = tenant.user;
    if (request.stage === 'keys' || !user || !isMadeHere(tenant)) return { state: 'ready', found: describe(tenant) };
    return { state: 'next', stage: 'keys', memo: { userId: user.id, accountId: tenant.id } };
  }

  return {
    foundByName: true,
    async send(request) {
      if (request.stage === 'keys') {
        // Asked for again they are made anew; nobody has seen the first ones then.
        await client.change('registerUserKeys', { id: input(request, 'userId') }, UserKeys);
        const tenant = await findTenant(account, settingsOf(request));
        if (!tenant)
          throw new ProvisioningError('retry', 'CLD_RESOURCE_UNAVAILABLE', 'the account went while its keys were made');
        return { state: 'done', found: describe(tenant) };
      }
      const settings = settingsOf(request);
      const existing = await findTenant(account, settings);
      if (existing) return sentOf(look(existing, request));
      try {
        const made = await client.change('createAccount', { ...newAccount(settings, request.marker) }, AccountMade);
        return sentOf(look(made.account, request));
      } catch (error) {
        // The name is taken by now: another worker's request, or an earlier one of ours that came late.
        const taken = isRefusal(error, 431) ? await findTenant(account, settings) : null;
        if (!taken) throw error;
        return sentOf(look(taken, request));
      }
    },
    async find(request) {
      const tenant = await findTenant(account, settingsOf(request));
      // Keys leave nothing to look for: they are made anew.
      if (!tenant || request.stage === 'keys') return { state: 'absent' };
      return { state: 'found', resourceId: tenant.id, others: [] };
    },
    async inspect(request, resourceId) {
      const tenant = await findTenant(account, settingsOf(request));
      return tenant?.id === resourceId ? look(tenant, request) : { state: 'absent' };
    },
    async discard(request, resourceId) {
      const tenant = await findTenant(account, settingsOf(request));
      if (tenant?.id !== resourceId) return 'gone';
      if (tenant.user[0]?.lastname !== request.marker) throw notOurs('the account', tenant.name);
      await client.change('deleteAccount', { id: tenant.id }, z.unknown());
      return 'in-progress';
    },
  };
}

function sentOf(seen: Inspection): Awaited<ReturnType<OperationHandler['send']>> {
  if (seen.state === 'ready') return { state: 'done', found: seen.found };
  if (seen.state === 'next') return seen;
  throw new Error(`an account cannot be ${seen.state}`);
}

function newAccount({ accountName, domainId }: TenantSettings, marker: string) {
  return {
    account: accountName,
    username: accountName,
    domainid: domainId,
    accounttype: userType,
    // A name that RFC 2606 keeps from ever being anybody's.
    email: `${accountName}@tenant.invalid`,
    firstname: firstName,
    lastname: marker,
    password: randomBytes(24).toString('base64url'),
  };
}
