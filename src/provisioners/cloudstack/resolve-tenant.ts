import { type OperationName, userKey } from '../../planner/plan.js';
import type { ResolvedPart } from '../provisioner.js';
import type { Collecting, TenantRequest } from '../resolving.js';
import { tenantName } from '../tenant-names.js';
import { findTenant, type TenantSettings } from './tenant.js';
import type { Account } from './submit.js';

/** What everything of an order takes from its user's registration in the data centre; empty where all work in one account. */
export interface Registration {
  needs: string[];
  inputs: ResolvedPart['inputs'];
  /** The tenant's account, whether it is there yet or not; null where all work in one. */
  owner: TenantSettings | null;
}

/** CloudStack takes 100 characters, and 255 from 4.11 on. */
const longestName = 100;

export const unregistered: Registration = { needs: [], inputs: {}, owner: null };

/**
 * The user's registration, planned as the first step where it is missing (Q27), or null after a hold. Planned also where it
 * is there: making sure costs one look, and somebody may have removed it since.
 */
export async function resolveTenant(
  account: Account,
  request: TenantRequest,
  platformId: string,
  { hold, prepare }: Collecting,
  /** A person asks for the registration itself; `registerTenants` speaks of orders. */
  { isAsked = false } = {},
): Promise<Registration | null> {
  const { registerTenants } = account.settings;
  if (registerTenants === 'never') return unregistered;
  const settings = await tenantSettings(account, request);
  if (registerTenants === 'hold' && !isAsked && (await findTenant(account, settings)) === null) {
    const message = `the user ${request.order.userId} has no account "${settings.accountName}" here; register the user, then replay`;
    return hold({ itemIndex: 0 }, 'platformId', 'tenant_not_registered', message);
  }
  const key = userKey('tenant', request.order.userId, request.generation);
  prepare({
    key,
    kind: 'tenant',
    platformId,
    settings,
    lines: [{ what: 'registration', ordered: request.order.userId, resolved: `account ${settings.accountName}` }],
  });
  return {
    needs: [key],
    inputs: {
      tenantAccount: { from: key, fact: 'tenantAccount' },
      tenantDomainId: { from: key, fact: 'tenantDomainId' },
    },
    owner: settings,
  };
}

/** An administrator sees everybody's things; an order may only name its own tenant's. */
export function isOfTenant(
  { owner }: Registration,
  { account, domainid }: { account: string | null; domainid: string | null },
): boolean {
  return owner === null || (account === owner.accountName && domainid === owner.domainId);
}

/** The account's name by the platform's rule, in the domain that is set or in the platform account's own. */
export async function tenantSettings(
  { settings, catalogue }: Account,
  { order: { userId, accountId } }: TenantRequest,
): Promise<TenantSettings> {
  const domainId = settings.tenantDomainId ?? (await catalogue.ownAccount()).domainid;
  return { accountName: tenantName(settings.tenantAccount, { userId, accountId }, longestName), domainId };
}

/** Adds the registration to a part: its first operation waits for it, all of them work in the tenant's account. */
export function inTenant(part: ResolvedPart, { needs, inputs }: Registration): ResolvedPart {
  const [first] = Object.keys(part.needs) as OperationName[];
  if (first === undefined || needs.length === 0) return part;
  return {
    ...part,
    needs: { ...part.needs, [first]: [...needs, ...(part.needs[first] ?? [])] },
    inputs: { ...part.inputs, ...inputs },
  };
}
