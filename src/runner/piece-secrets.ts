/** Names of secrets. What an order brings is its item's (`rootPassword`); what is made here is one piece's (`rootPassword#2`). */
import type { OperationState } from '../machines/order-state.js';
import type { CloudSecrets } from '../provisioners/provisioner.js';
import type { StepToSave } from '../store/steps.js';

/** Seals a secret for the one place it belongs to. */
export type Seal = (orderId: string, itemIndex: number, field: string, value: string) => Uint8Array;

type Piece = Pick<OperationState, 'itemIndex' | 'partKey'>;

/**
 * Secrets that a cloud, or we, made for one machine of an item, sealed. Each of an item's machines has its own, and none takes the
 * place of a password that the order brought: a later machine of the item is built with that one, too.
 */
export function sealForPiece(
  seal: Seal,
  orderId: string,
  { itemIndex, partKey }: Piece,
  secrets: CloudSecrets = {},
): StepToSave['secrets'] {
  return Object.entries(secrets).map(([name, value]) => {
    const field = fieldOf(name, partKey);
    return { itemIndex, field, sealed: seal(orderId, itemIndex, field, value) };
  });
}

/**
 * A secret for one machine of an item: what the order brought, else what was made for this machine.
 *
 * @returns undefined when there is neither
 */
export async function openForPiece(
  open: (field: string) => Promise<string | undefined>,
  partKey: string,
  name: keyof CloudSecrets,
): Promise<string | undefined> {
  return (await open(name)) ?? (await open(fieldOf(name, partKey)));
}

/** Which secret a stored name means; `piece` is null for what belongs to the whole item. */
export function readSecretField(field: string): { name: string; piece: number | null } {
  const [, name = field, piece] = /^(.*)#(\d+)$/.exec(field) ?? [];
  return { name, piece: piece === undefined ? null : Number(piece) };
}

/** A part's key ends with the number of the piece, `#1` and up (planner/draft.ts). */
function fieldOf(name: string, partKey: string): string {
  return `${name}${/#\d+$/.exec(partKey)?.[0] ?? '#1'}`;
}
