import type { JsonObject } from '../json.js';
import type { ResourceType, Warning, WorkOrder, WorkOrderItem } from '../schemas/work-order.js';

/**
 * The plan of an order: what is to be built, in which order, and with which of the cloud's own things. Plain data; it is
 * stored with the order, shown to people before money is spent, and the machines take their edges from it.
 */
export interface Plan {
  /** Things shared by many orders (a tenant's default network, an offering): built once by an order we place with ourselves. */
  preparations: Preparation[];
  parts: PlannedPart[];
  warnings: Warning[];
}

/** One thing to build for one item; an item of quantity n has n parts (index 1..n). */
export interface PlannedPart {
  /** `<resourceType>/<billing resourceId>#<index>`, unique in the order. */
  key: string;
  /** Position of the item in `WorkOrder.items`. */
  itemIndex: number;
  /** 1..quantity. */
  index: number;
  /** `PREPARATION`: the one part of an order that we place with ourselves. */
  resourceType: ResourceType | 'PREPARATION';
  platformId: string;
  /** What has to be finished before each operation starts: part keys (`VM/…#1`) and preparation keys. */
  needs: Partial<Record<OperationName, string[]>>;
  /** Where an operation's inputs come from: input name → fact of a finished part or preparation. */
  inputs: Record<string, { from: string; fact: string }>;
  /** What the cloud will be asked for, in the cloud's own terms; made by its provisioner's `resolve`. */
  settings: JsonObject;
  /** For people: what was ordered and what it becomes, with units. */
  lines: PlanLine[];
}

export interface PlanLine {
  what: string;
  ordered: string;
  resolved: string;
}

/** A thing many orders share on one platform, found or made once. */
export interface Preparation {
  /** `<kind>/<name>`, unique per platform: `tenant/<userId>`, `default-network/<userId>`, `service-offering/1c-1024m-2mbit`. */
  key: string;
  kind: PreparationKind;
  platformId: string;
  /** Keys of other preparations on the same platform that have to be ready first. */
  needs?: string[];
  /** Where its inputs come from: input name → fact of one of them. */
  inputs?: Record<string, { from: string; fact: string }>;
  settings: JsonObject;
  lines: PlanLine[];
}

/** What orders share, and what is done for each: a user's registration in a data centre, his network there, a size, a bandwidth. */
export const preparationOperations = {
  tenant: 'tenant.ensure',
  'tenant-removal': 'tenant.remove',
  'default-network': 'default-network.ensure',
  'default-network-removal': 'default-network.remove',
  'service-offering': 'service-offering.ensure',
  'bandwidth-policy': 'bandwidth-policy.ensure',
} as const satisfies Record<string, OperationName>;
export type PreparationKind = keyof typeof preparationOperations;

/**
 * The key of what a user has on a platform. A registration that was taken back leaves nothing to go on with: the next one
 * is made under keys of its own, and so under markers of its own.
 *
 * @param generation which registration of this user on this platform: 1, and one more after each that was taken back
 */
export function userKey(kind: PreparationKind, userId: string, generation = 1): string {
  return `${kind}/${userId}${generation > 1 ? `~${generation}` : ''}`;
}

/** Every durable action on a cloud, named `<thing>.<verb>`. The machines ask for them, each cloud's folder implements them. */
export const operationNames = [
  'vm.create',
  'vm.delete',
  'ebs.create',
  'ebs.attach',
  'ebs.detach',
  'ebs.delete',
  'network.reserve',
  'network.bind',
  'network.unbind',
  'network.release',
  'tenant.ensure',
  'tenant.remove',
  'default-network.ensure',
  'default-network.remove',
  'service-offering.ensure',
  'bandwidth-policy.ensure',
] as const;
export type OperationName = (typeof operationNames)[number];

/** Operations that make a thing of its own on the cloud, under a marker of its own. The others change what is there. */
export const creations: readonly OperationName[] = [
  'vm.create',
  'ebs.create',
  'network.reserve',
  'tenant.ensure',
  'default-network.ensure',
  'service-offering.ensure',
  'bandwidth-policy.ensure',
];

/** Operations that take down: an order that is undone wants them. */
export const waysBack: readonly OperationName[] = [
  'vm.delete',
  'ebs.detach',
  'ebs.delete',
  'network.unbind',
  'network.release',
];

/** Operations after which a thing is gone from the cloud. */
export const removals: readonly OperationName[] = ['vm.delete', 'ebs.delete', 'network.release'];

/** What a plan is made from, once the items are put in order and before the cloud's catalogue is read. */
export interface PlanDraft {
  order: WorkOrder;
  parts: DraftPart[];
  warnings: Warning[];
}

/** A part before its cloud has resolved it. The address' bandwidth is known to the VM it will be bound to (see decision on bandwidth). */
export interface DraftPart {
  key: string;
  itemIndex: number;
  index: number;
  resourceType: ResourceType;
  platformId: string;
  item: WorkOrderItem;
  /** Part key of the VM this disk or address belongs to, or null. */
  vmKey: string | null;
  /** Zone after Q15 (own, master's, null = platform's only zone). */
  zoneId: string | null;
  /** For a VM: the sum sold with addresses bound to it in this order (Mbit/s), or null. */
  bandwidthMbps: number | null;
}
