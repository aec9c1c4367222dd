import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import { uuidV5 } from '../../uuid.js';
import type { Found, Inspection, OperationHandler, OperationRequest } from '../provisioner.js';
import { FailedInside, isRefusal } from './refusals.js';
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
/** Which operation made it, if one of ours did. */
export const markerOfTenant = (tenant: TenantAccount): string | null =>
  isMadeHere(tenant) ? (tenant.user[0]?.lastname ?? null) : null;

/**
 * All accounts of the name. `createAccount` checks the name when it begins and shows the account when it ends, seconds later, and no
 * unique key stands behind the check: two requests under way at once make two of one name (seen on 4.22). Those made here come first, the
 * oldest of them before the others.
 */
export async function findTenants(
  { client }: Pick<Account, 'client'>,
  { accountName, domainId }: TenantSettings,
): Promise<TenantAccount[]> {
  const rows = await client.list(
    'listAccounts',
    { name: accountName, domainid: domainId, listall: true },
    'account',
    TenantAccount,
  );
  const named = rows.filter(({ name, domainid }) => name === accountName && domainid === domainId);
  // An account says nothing of its age; its user does. Without that the id decides, so that everybody decides alike.
  return named.toSorted(
    (a, b) =>
      Number(isMadeHere(b)) - Number(isMadeHere(a)) ||
      (a.user[0]?.created ?? '').localeCompare(b.user[0]?.created ?? '') ||
      a.id.localeCompare(b.id),
  );
}

/** The account that is worked in. */
export async function findTenant(
  account: Pick<Account, 'client'>,
  settings: TenantSettings,
): Promise<TenantAccount | null> {
  return (await findTenants(account, settings))[0] ?? null;
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
 *
 * What keeps a second account away: the ids of account and user are ours, and unique in the cloud's database, removed ones included. A
 * request that is repeated while the first one runs waits in the database for the first to end, and is refused then.
 */
export function tenantEnsure(account: Account): OperationHandler {
  const { client, makingAccounts } = account;
  const settingsOf = (request: OperationRequest) => TenantSettings.parse(request.settings);

  const describe = (tenant: TenantAccount): Found => ({
    resourceId: tenant.id,
    facts: {
      tenantAccount: tenant.name,
      tenantDomainId: tenant.domainid,
      tenantAccountId: tenant.id,
      ...(markerOfTenant(tenant) === null ? {} : { tenantMarker: markerOfTenant(tenant) ?? '' }),
    },
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

  /** @throws OutcomeUnknownError when more than one is there: only a look-up of the engine lists the others */
  async function existing(request: OperationRequest): Promise<TenantAccount | null> {
    const { ours, others } = await lookFor(request);
    if (others.length === 0) return ours;
    const ids = [ours, ...others].map((one) => one?.id).join(', ');
    throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', `several accounts of one name are there: ${ids}`);
  }

  /** The account to work in, and the rest of those that this operation made. */
  async function lookFor(request: OperationRequest): Promise<{ ours: TenantAccount | null; others: TenantAccount[] }> {
    const [ours = null, ...rest] = await findTenants(account, settingsOf(request));
    return { ours, others: rest.filter(isMadeHere) };
  }

  async function make(request: OperationRequest): Promise<TenantAccount> {
    const settings = settingsOf(request);
    for (let turn = 0; turn < mostTurns; turn += 1) {
      try {
        // Looked for again when it is its turn: another order may have been waiting for the same account.
        return await makingAccounts(
          async () =>
            (await existing(request)) ??
            (await client.change('createAccount', newAccount(settings, request.marker, turn), AccountMade)).account,
        );
      } catch (error) {
        // The name is taken by now: another worker's request, or an earlier one of ours that came late.
        const nameTaken = isRefusal(error, 431);
        const idTaken = error instanceof FailedInside && /already exists/i.test(error.said);
        if (!nameTaken && !idTaken) throw error;
        const taken = await existing(request);
        if (taken) return taken;
        if (nameTaken) {
          if (!error.message.includes(nameTakenText(settings))) throw error;
          throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', `${error.message}; it is not shown yet`);
        }
        // Whoever has the id has been stored, and the server let the name pass: that account was removed, and its ids are free never again.
      }
    }
    const message = `the account ${settings.accountName} was made and removed ${mostTurns} times by one registration`;
    throw new ProvisioningError('ask-human', 'CLD_CONTRADICTION', message);
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
      const tenant = (await existing(request)) ?? (await make(request));
      return sentOf(look(tenant, request));
    },
    async find(request) {
      // Keys leave nothing to look for: they are made anew.
      if (request.stage === 'keys') return { state: 'absent' };
      const { ours, others } = await lookFor(request);
      // Whatever an unanswered request may still do: under the same ids the database takes no second one.
      if (!ours) return { state: 'absent', guarded: true };
      return { state: 'found', resourceId: ours.id, others: others.map(({ id }) => id) };
    },
    async inspect(request, resourceId) {
      const tenant = (await findTenants(account, settingsOf(request))).find(({ id }) => id === resourceId);
      return tenant ? look(tenant, request) : { state: 'absent' };
    },
    async discard(request, resourceId) {
      const tenant = (await findTenants(account, settingsOf(request))).find(({ id }) => id === resourceId);
      if (!tenant) return 'gone';
      if (markerOfTenant(tenant) !== request.marker) throw notOurs('the account', tenant.name);
      try {
        await client.change('deleteAccount', { id: tenant.id }, z.unknown());
      } catch (error) {
        // Gone since it was looked at; the next look says so.
        if (!isRefusal(error, 431)) throw error;
      }
      return 'in-progress';
    },
  };
}

/** How often one registration may be made and removed again; each has ids of its own. */
const mostTurns = 8;

const nameTakenText = ({ accountName }: TenantSettings): string => `account: ${accountName} already exists`;

function sentOf(seen: Inspection): Awaited<ReturnType<OperationHandler['send']>> {
  if (seen.state === 'ready') return { state: 'done', found: seen.found };
  if (seen.state === 'next') return seen;
  throw new Error(`an account cannot be ${seen.state}`);
}

/** Chosen once at random. Changing it would take the guard from every registration that is under way. */
const idNamespace = '6f2b9d1e-52c4-4b0a-9a63-0d7f5c1be8a4';

function newAccount({ accountName, domainId }: TenantSettings, marker: string, turn: number) {
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
    accountid: uuidV5(idNamespace, JSON.stringify(['account', marker, turn])),
    userid: uuidV5(idNamespace, JSON.stringify(['user', marker, turn])),
  };
}
