import type { DraftPart } from '../../planner/plan.js';
import type { Resolution, ResolvedPart, ResolveRequest } from '../provisioner.js';
import { type Collecting, collecting } from '../resolving.js';
import { resolveAddress } from './resolve-address.js';
import { resolveDisk } from './resolve-disk.js';
import { inTenant, type Registration, resolveTenant, unregistered } from './resolve-tenant.js';
import { resolveVm } from './resolve-vm.js';
import type { Zone } from './schema.js';
import type { Account } from './submit.js';

/** What every part of an order is resolved with, and where its problems are collected. */
export interface Resolving extends Collecting {
  account: Account;
  request: ResolveRequest;
  registration: Registration;
}

export async function resolve(account: Account, request: ResolveRequest): Promise<Resolution> {
  const { to, resolution } = collecting();
  // Held or not, the parts are looked at: a person should see all problems at once.
  const registration = (await resolveTenant(account, request, request.parts[0]?.platformId ?? '', to)) ?? unregistered;
  const resolving: Resolving = { account, request, registration, ...to };
  const parts: ResolvedPart[] = [];
  for (const part of request.parts) {
    const resolved = await resolvePart(resolving, part);
    if (resolved) parts.push(inTenant(resolved, registration));
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

/** The order's zone, else the platform's configured one, else its only one (Q15). */
export async function zoneOf({ account, hold }: Resolving, part: DraftPart): Promise<Zone | null> {
  const zones = await account.catalogue.zones();
  const wanted = part.zoneId ?? account.settings.zoneId;
  if (wanted !== undefined) {
    const zone = zones.find(({ id }) => id === wanted);
    return zone ?? hold(part, 'zoneId', 'zone_not_found', `the zone ${wanted} does not exist on this platform`);
  }
  const [only, ...others] = zones;
  if (only && others.length === 0) return only;
  const names = zones.map(({ id, name }) => `${name} (${id})`).join(', ');
  return hold(part, 'zoneId', 'zone_missing', `the order names no zone and the platform has ${zones.length}: ${names}`);
}
