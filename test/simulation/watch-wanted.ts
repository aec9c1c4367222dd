/** Which shared things any open order still wants. Pure. */
export interface OpenRow {
  orderId: string;
  kind: 'billing' | 'preparation';
  workOrderId: string;
  /** State of its machine; where a worker knows better, as that one has it. */
  value: string;
  /** What it waits for, and what that stands on. */
  preparations: { platformId: string; key: string }[];
  /** Of a preparation: what it makes. */
  makes: { platformId: string; key: string } | null;
}

const back = ['undoing', 'undoStuck', 'completed', 'partial', 'failed', 'cancelled'];
export const keyOf = ({ platformId, key }: { platformId: string; key: string }): string => `${platformId} ${key}`;

/**
 * Whether anybody wants what a preparation makes: an open order of billing's that is not on its way back, or a preparation
 * that is wanted itself.
 *
 * @param asked what is wanted beside orders (a user's registration), as {@link keyOf} writes it
 */
export function isWanted(orderId: string, rows: readonly OpenRow[], asked: ReadonlySet<string> = new Set()): boolean {
  const own = rows.find((row) => row.orderId === orderId);
  // What is not there, or is over, makes nothing.
  if (!own?.makes) return true;
  const wanted = new Set(asked);
  const open = rows.filter(({ value }) => !back.includes(value));
  let spread = open.filter(({ kind }) => kind === 'billing');
  while (spread.length > 0) {
    const before = wanted.size;
    for (const { preparations } of spread) for (const one of preparations) wanted.add(keyOf(one));
    if (wanted.size === before) break;
    spread = open.filter(({ makes }) => makes !== null && wanted.has(keyOf(makes)));
  }
  return wanted.has(keyOf(own.makes));
}
