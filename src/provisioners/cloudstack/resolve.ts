import { holdFor, type HoldReason } from '../../planner/hold-reasons.js';
import type { DraftPart, Preparation } from '../../planner/plan.js';
import type { Hold, Warning } from '../../schemas/work-order.js';
import type { Resolution, ResolvedPart, ResolveRequest } from '../provisioner.js';
import { resolveAddress } from './resolve-address.js';
import { resolveDisk } from './resolve-disk.js';
import { inTenant, type Registration, resolveTenant, unregistered } from './resolve-tenant.js';
import { resolveVm } from './resolve-vm.js';
import type { Zone } from './schema.js';
import type { Account } from './submit.js';

/**
 * What resolving collects on its way. Every problem of every part is named at once: a person who mends one should not
 * find the next afterwards. A part that cannot be resolved answers null, its hold says why.
 */
export interface Resolving {
  account: Account;
  request: ResolveRequest;
  registration: Registration;
  hold: (part: DraftPart, field: string, reason: HoldReason, message: string) => null;
  warn: (warning: Warning) => void;
  /** Once per key, however many parts need it. */
  prepare: (preparation: Preparation) => void;
}

export async function resolve(account: Account, request: ResolveRequest): Promise<Resolution> {
  const holds: Hold[] = [];
  const warnings: Warning[] = [];
  const preparations = new Map<string, Preparation>();
  const resolving: Resolving = {
    account,
    request,
    registration: unregistered,
    hold(part, field, reason, message) {
      holds.push(holdFor(reason, pathOf(part, field), message));
      return null;
    },
    warn(warning) {
      if (!warnings.some(({ code, path }) => code === warning.code && path === warning.path)) warnings.push(warning);
    },
    prepare: (preparation) => void preparations.set(preparation.key, preparation),
  };

  const registration = await resolveTenant(resolving);
  const parts: ResolvedPart[] = [];
  for (const part of request.parts) {
    const resolved = await resolvePart({ ...resolving, registration: registration ?? unregistered }, part);
    if (resolved) parts.push(inTenant(resolved, registration ?? unregistered));
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

export function pathOf(part: DraftPart, field: string): string {
  return `workOrderItems[${part.itemIndex}].workOrderItemConfig.${field}`;
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
