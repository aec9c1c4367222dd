import type { DraftPart } from '../../planner/plan.js';
import type { Resolution, ResolvedPart, ResolveRequest } from '../provisioner.js';
import { type Collecting, collecting } from '../resolving.js';
import type { Account } from './account.js';
import { resolveAddress } from './resolve-address.js';
import { resolveDisk } from './resolve-disk.js';
import { type ResolvedTenant, resolveTenant } from './resolve-tenant.js';
import { resolveVm } from './resolve-vm.js';

/** What every part of an order is resolved with, and where its problems are collected. */
export interface Resolving extends Collecting {
  account: Account;
  request: ResolveRequest;
  tenant: ResolvedTenant;
}

export async function resolve(account: Account, request: ResolveRequest): Promise<Resolution> {
  const { to, resolution } = collecting();
  const tenant = await resolveTenant(account, request, request.parts[0]?.platformId ?? '');
  if ('code' in tenant) return { state: 'held', holds: [tenant] };
  if (tenant.preparation) to.prepare(tenant.preparation);
  const resolving: Resolving = {
    account,
    request,
    tenant,
    ...to,
  };

  const parts: ResolvedPart[] = [];
  for (const part of request.parts) {
    const resolved = await resolvePart(resolving, part);
    if (resolved) parts.push(resolved);
  }
  return resolution(parts);
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
