import { holdFor, type HoldReason } from '../../planner/hold-reasons.js';
import type { DraftPart, Preparation } from '../../planner/plan.js';
import type { Hold, Warning } from '../../schemas/work-order.js';
import type { Resolution, ResolvedPart, ResolveRequest } from '../provisioner.js';
import type { Account } from './account.js';
import { resolveAddress } from './resolve-address.js';
import { resolveDisk } from './resolve-disk.js';
import { type ResolvedTenant, resolveTenant } from './resolve-tenant.js';
import { resolveVm } from './resolve-vm.js';

/**
 * What resolving collects on its way. Every problem of every part is named at once: a person who mends one should not
 * find the next afterwards. A part that cannot be resolved answers null, its hold says why.
 */
export interface Resolving {
  account: Account;
  request: ResolveRequest;
  tenant: ResolvedTenant;
  hold: (part: DraftPart, field: string, reason: HoldReason, message: string) => null;
  warn: (warning: Warning) => void;
  /** Once per key, however many parts need it. */
  prepare: (preparation: Preparation) => void;
}

export async function resolve(account: Account, request: ResolveRequest): Promise<Resolution> {
  const holds: Hold[] = [];
  const warnings: Warning[] = [];
  const preparations = new Map<string, Preparation>();
  const tenant = await resolveTenant(account, request);
  if ('code' in tenant) return { state: 'held', holds: [tenant] };
  if (tenant.preparation) preparations.set(tenant.preparation.key, tenant.preparation);
  const resolving: Resolving = {
    account,
    request,
    tenant,
    hold(part, field, reason, message) {
      holds.push(holdFor(reason, pathOfField(part, field), message));
      return null;
    },
    warn(warning) {
      if (!warnings.some(({ code, path }) => code === warning.code && path === warning.path)) warnings.push(warning);
    },
    prepare: (preparation) => void preparations.set(preparation.key, preparation),
  };

  const parts: ResolvedPart[] = [];
  for (const part of request.parts) {
    const resolved = await resolvePart(resolving, part);
    if (resolved) parts.push(resolved);
  }
  if (holds.length > 0) return { state: 'held', holds };
  return { state: 'resolved', parts, preparations: [...preparations.values()], warnings };
}

function resolvePart(resolving: Resolving, part: DraftPart): Promise<ResolvedPart | null> {
  const { item } = part;
  switch (item.resourceType) {
    case 'VM':
      return resolveVm(resolving, part, item.config);
    case 'EBS':
      return resolveDisk(resolving, part, item.config);
    case 'NETWORK':
      return resolveAddress(resolving, part, item.config);
  }
}

export function pathOfField(part: DraftPart, field: string): string {
  return `workOrderItems[${part.itemIndex}].workOrderItemConfig.${field}`;
}

/**
 * The order's zone, else the platform's configured one, else its only one (Q15), as Nova's availability zone. Billing's
 * ids are uuids and Nova's zones are words, hence the map of the settings.
 */
export async function zoneOf({ account, hold }: Resolving, part: DraftPart): Promise<string | null> {
  const { settings, catalogue } = account;
  const zones = await catalogue.zones();
  const wanted = part.zoneId === null ? settings.defaultZone : (settings.zones[part.zoneId] ?? part.zoneId);
  if (wanted !== undefined) {
    if (zones.includes(wanted)) return wanted;
    const mapped = part.zoneId !== null && part.zoneId !== wanted ? ` (mapped from ${part.zoneId})` : '';
    const message = `the availability zone ${wanted}${mapped} does not exist on this platform or is down; zones: ${zones.join(', ') || 'none'}`;
    return hold(part, 'zoneId', 'zone_not_found', message);
  }
  const [only, ...others] = zones;
  if (only !== undefined && others.length === 0) return only;
  const message = `the order names no zone and the platform has ${zones.length}: ${zones.join(', ')}`;
  return hold(part, 'zoneId', 'zone_missing', message);
}
