import type { Code } from '../codes.js';
import type { Hold } from '../schemas/work-order.js';

/** Why planning holds an order: the name that operators read and search for, and the registered code it is answered with. */
const holdCodes = {
  order_type_unknown: 'ORD_TYPE_UNSUPPORTED',
  action_unknown: 'ITM_ACTION_UNSUPPORTED',
  resource_type_unknown: 'ITM_TYPE_UNSUPPORTED',
  unknown_platform: 'CFG_PLATFORM_UNKNOWN',
  platform_in_maintenance: 'SEM_PLATFORM_CLOSED',
  platform_disabled: 'SEM_PLATFORM_CLOSED',
  several_masters: 'ITM_MASTER',
  master_missing: 'ITM_MASTER',
  master_not_vm: 'ITM_MASTER',
  unsupported: 'CLD_UNSUPPORTED',
  backup_restore_unsupported: 'CLD_UNSUPPORTED',
  public_address_unsupported: 'CLD_UNSUPPORTED',
  security_group_unsupported: 'CLD_UNSUPPORTED',
  zone_missing: 'CFG_ZONE_UNCLEAR',
  zone_not_found: 'CFG_REF_UNKNOWN',
  no_matching_offering: 'SEM_OFFERING_NONE',
  no_matching_disk_offering: 'SEM_OFFERING_NONE',
  image_not_found: 'CFG_REF_UNKNOWN',
  image_not_ready: 'SEM_IMAGE_NOT_READY',
  root_disk_too_small: 'SEM_ROOT_DISK_SIZE',
  network_missing: 'CFG_NETWORK_UNCLEAR',
  network_not_found: 'CFG_REF_UNKNOWN',
  network_card_unreadable: 'CFG_NETWORK_UNCLEAR',
  network_offering_not_found: 'SEM_OFFERING_NONE',
  keypair_not_found: 'CFG_REF_UNKNOWN',
  security_group_not_found: 'CFG_REF_UNKNOWN',
  snapshot_not_found: 'CFG_REF_UNKNOWN',
  tenant_not_registered: 'ORD_TENANT_UNKNOWN',
  tenant_disabled: 'ORD_TENANT_DISABLED',
  platform_mixed: 'SEM_PLATFORM_MIXED',
} as const satisfies Record<string, Code>;

export type HoldReason = keyof typeof holdCodes;

/** Codes of what is not understood at all: built, it would be a new purchase that nobody made. */
const notUnderstood: readonly string[] = [
  holdCodes.order_type_unknown,
  holdCodes.action_unknown,
  holdCodes.resource_type_unknown,
];

/** Whether what is held for this code can never be built, whatever a person says. */
export function isNotUnderstood(code: string): boolean {
  return notUnderstood.includes(code);
}

/** A hold with its code; the reason's name comes first in its message. */
export function holdFor(reason: HoldReason, path: string, message: string): Hold {
  return { code: holdCodes[reason], path, message: `${reason}: ${message}` };
}
