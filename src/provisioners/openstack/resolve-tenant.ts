import { holdFor } from '../../planner/hold-reasons.js';
import { type Preparation, userKey } from '../../planner/plan.js';
import type { Hold } from '../../schemas/work-order.js';
import type { ResolvedPart } from '../provisioner.js';
import type { TenantRequest } from '../resolving.js';
import { tenantName } from '../tenant-names.js';
import type { Account } from './account.js';
import type { TenantSettings } from './tenant.js';

/** For whom everything of an order is built. */
export interface ResolvedTenant {
  /** Absent with an application credential: everything goes into its own project. */
  preparation?: Preparation;
  /** The tenant's project when it is there already. */
  projectId: string | null;
  needs: string[];
  inputs: ResolvedPart['inputs'];
}

/** Keystone takes 64 characters for a project's name. */
const longestName = 64;

/**
 * The tenant of an order (Q26): a project for the account and a user of its own for the user, by the platform's naming
 * rules; or, where tenants may not be registered by orders (Q27), the hold that says so.
 */
export async function resolveTenant(
  account: Account,
  { order, generation }: TenantRequest,
  platformId: string,
  /** A person asks for the registration itself; `registerTenants` speaks of orders. */
  { isAsked = false } = {},
): Promise<ResolvedTenant | Hold> {
  const { client, settings, catalogue } = account;
  if (!client.isAdministrator) {
    return { projectId: (await client.token()).projectId, needs: [], inputs: {} };
  }
  const named = (rule: string): string => tenantName(rule, order, longestName);
  const planned: TenantSettings = {
    projectName: named(settings.tenantProject),
    userName: named(settings.tenantUser),
    roleName: settings.tenantRole,
  };
  const project = await catalogue.project(planned.projectName);
  if (!project && settings.registerTenants === 'hold' && !isAsked) {
    const message = `this platform has no project ${planned.projectName}, and orders may not make one (registerTenants)`;
    return holdFor('tenant_not_registered', 'accountId', message);
  }
  const key = userKey('tenant', order.userId, generation);
  return {
    projectId: project?.id ?? null,
    needs: [key],
    inputs: { projectId: { from: key, fact: 'projectId' } },
    preparation: {
      key,
      kind: 'tenant',
      platformId,
      settings: planned,
      lines: [
        // What is there already is not said: the plan must be the same whenever it is made.
        { what: 'project', ordered: order.accountId, resolved: planned.projectName },
        { what: 'user', ordered: order.userId, resolved: planned.userName },
      ],
    },
  };
}
