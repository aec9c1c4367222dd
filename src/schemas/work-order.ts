import type { Json, JsonObject } from '../json.js';

/**
 * The order as the house knows it after the intake: billing's ids untouched, configs decoded, units in the names,
 * secrets cut out. Wire names (`cpuNum`, `memSize`, …) stop at `src/schemas/`.
 */
export interface WorkOrder {
  /** Who sent it; identity is (producer, workOrderId). `default` until producers are registered. */
  producer: string;
  workOrderId: string;
  userId: string;
  accountId: string;
  /** Type of the main resource, as sent. */
  resourceType: string;
  /** 1 = new purchase. */
  workOrderType: number;
  /** Where the outcome is to be posted, or null. */
  callbackUrl: string | null;
  /** Router offering by label, only meaningful to CloudStack (Q31). */
  systemOfferingIds: Record<string, string>;
  items: WorkOrderItem[];
  /** Every other order-level field exactly as sent (orderId, masterOrderId, innerOrderId, …): billing wants them back. */
  echo: JsonObject;
}

export type ResourceType = 'VM' | 'EBS' | 'NETWORK';

interface ItemBase {
  /** Billing's line; text even where a number was sent. */
  workOrderItemId: string;
  /** Billing's id of the thing to be built. */
  resourceId: string;
  /** The data centre that is to build it. */
  platformId: string;
  master: boolean;
  /** Every other item-level field exactly as sent, without the config. */
  echo: JsonObject;
}

export interface VmItem extends ItemBase {
  resourceType: 'VM';
  config: VmConfig;
}
export interface EbsItem extends ItemBase {
  resourceType: 'EBS';
  config: EbsConfig;
}
export interface NetworkItem extends ItemBase {
  resourceType: 'NETWORK';
  config: NetworkConfig;
}
export type WorkOrderItem = VmItem | EbsItem | NetworkItem;

export interface VmConfig {
  vmName: string;
  /** How many of them (vmNumber). */
  quantity: number;
  cpuCount: number;
  memoryMib: number;
  rootDiskGib: number;
  rootDiskType: string;
  imageId: string;
  zoneId: string;
  /** null: the tenant's default network (Q18). */
  networkId: string | null;
  /** Non-empty cards only; the first is the default one. */
  networkCards: JsonObject[];
  securityGroupId: string | null;
  keyPairId: string | null;
  /** True when the order carried a root password; the value itself is in `SealableSecret`, never here. */
  hasRootPassword: boolean;
  /** Config fields we do not know, as sent. */
  extra: JsonObject;
}

export interface EbsConfig {
  volumeName: string;
  quantity: number;
  sizeGib: number;
  volumeType: string;
  /** null: the master VM's zone, else the platform's only one (Q15). */
  zoneId: string | null;
  /** null: an empty disk. */
  backupVolumeId: string | null;
  extra: JsonObject;
}

export interface NetworkConfig {
  bandwidthMbps: number;
  extra: JsonObject;
}

/** A secret found in a message, on its way to be sealed. `name` is a path: `workOrderItems[0].workOrderItemConfig.rootPassword`. */
export interface SealableSecret {
  workOrderItemId: string;
  itemIndex: number;
  field: 'rootPassword';
  value: string;
}

/** One change the intake made to read the message. The ledger is kept with the order. */
export interface Repair {
  path: string;
  /** `W4`, `W9`, `Q13`… of reference/work-order-message.md, or a name of our own. */
  rule: string;
  before: string;
  after: string;
  lossless: boolean;
}

/** Something an accepted order's sender should know. */
export interface Warning {
  path: string;
  code: string;
  message: string;
}

/** Why an order is held: readable, but not to be built before a person has looked at it. */
export interface Hold {
  code: string;
  message: string;
  path: string;
}

/** What the intake made of one message's bytes. */
export type Reading =
  | {
      verdict: 'readable';
      order: WorkOrder;
      secrets: SealableSecret[];
      repairs: Repair[];
      warnings: Warning[];
      /** Not empty: the order is accepted and held at once, nothing is built. */
      holds: Hold[];
      /** SHA-256 (hex) over the canonical form; the same content in any wrapper, key order or number spelling gives the same hash. Secrets take part only as keyed HMAC. */
      contentHash: string;
      /** Canonical form without secret values, to name the differing fields of a conflict. */
      canonical: Json;
    }
  | {
      verdict: 'unreadable';
      /** Damaged or refused; the first problem's code is the message's code. */
      problems: Problem[];
      /** `set-aside`: damage that a person can mend (W10-W14); `refused`: the sender must send something else. */
      kind: 'set-aside' | 'refused';
      /** Best guess of the workOrderId for the operators, or null. Never used to decide. */
      workOrderIdHint: string | null;
      /** Text a person may accept instead (a proposed repair), secrets still inside: seal before storing. */
      proposal: string | null;
      repairs: Repair[];
    };

import type { Problem } from '../errors.js';
