import type { JsonObject } from '../json.js';
import type { PlanLine } from '../planner/plan.js';
import type { VmConfig } from '../schemas/work-order.js';
import type { ResolvedPart } from './provisioner.js';

/** What the networks of a VM's cards come to, whatever the cloud. */
export interface ResolvedNetworks {
  /** Ids at the cloud, the default card's first; left out where a preparation makes the network. */
  settings: { networkIds?: string[] };
  needs: string[];
  inputs: ResolvedPart['inputs'];
  lines: PlanLine[];
}

/**
 * The seed's cards are all empty. Its other documents spell a network's id in these ways, and billing does not know which kind of
 * cloud will read its message: every spelling counts everywhere.
 */
const spellings = ['networkId', 'networkid', 'network_uuid', 'id'] as const;

/**
 * The networks that a VM's message names, the default card's first (work-order-message.md, Q18).
 *
 * @returns ids as ordered; null stands for a card that does not say which network it is on
 */
export function namedNetworks({ networkId, networkCards }: VmConfig): (string | null)[] {
  const onCards = networkCards.map(networkOfCard);
  return networkId === null || onCards.includes(networkId) ? onCards : [networkId, ...onCards];
}

function networkOfCard(card: JsonObject): string | null {
  const id = spellings.map((spelling) => card[spelling]).find((value) => value !== undefined && value !== null);
  return typeof id === 'string' && id !== '' ? id : null;
}
