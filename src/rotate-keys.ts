import type pg from 'pg';
import { openBody } from './consumers/intake.js';
import { readMessage } from './consumers/read/read-message.js';
import { createSealer, type Sealer, UnsealError } from './secrets.js';
import { inTransaction } from './store/accept.js';
import { writeAudit } from './store/audit.js';
import type { Sql } from './store/data-source.js';
import {
  cellsToRewrap,
  hashOfMessage,
  rewriteCells,
  rewriteHash,
  type SealedCell,
  type SealedColumn,
  sealedColumns,
} from './store/secrets.js';

export interface Rotation {
  /** Name of the key that seals everything now. */
  keyId: string;
  /** Cells sealed anew, by where they stand. */
  rewrapped: Record<SealedColumn, number>;
  /** Cells that none of the keys opens, by the name of the key that would. */
  unopened: Record<string, number>;
}

export interface RotationOptions {
  pool: pg.Pool;
  /** The first seals, all of them open: what ORDERWRIGHT_SECRET_KEY holds. */
  keys: readonly Uint8Array[];
  actor: string;
  reason: string;
  batch?: number;
}

/**
 * Seals everything anew under the first key, batch by batch while the workers go on. Afterwards the other keys are not
 * needed any more, unless something is left unopened. It may be broken off and begun again: what is done stays done.
 *
 * The content hashes of orders are keyed as well (passwords take part in them), so they are made anew from the original
 * messages; else a repeated order would look like a conflict once the old key is gone.
 */
export async function rotateKeys({ pool, keys, actor, reason, batch = 200 }: RotationOptions): Promise<Rotation> {
  const sealer = createSealer(keys);
  const rotation: Rotation = {
    keyId: sealer.keyId,
    rewrapped: { secret: 0, platform: 0, body: 0, proposal: 0 },
    unopened: {},
  };
  for (const which of Object.keys(sealedColumns) as SealedColumn[]) {
    for (let after: string[] | null = null; ;) {
      const last = await rewrapBatch(pool, sealer, which, after, batch, rotation);
      if (last === null) break;
      after = last;
    }
  }
  await writeAudit(pool, {
    actor,
    action: 'keys.rotate',
    subject: sealer.keyId,
    orderId: null,
    reason,
    detail: { rewrapped: rotation.rewrapped, unopened: rotation.unopened },
  });
  return rotation;
}

/** @returns the key of the last cell looked at, or null when there was none */
function rewrapBatch(
  pool: pg.Pool,
  sealer: Sealer,
  which: SealedColumn,
  after: string[] | null,
  batch: number,
  rotation: Rotation,
): Promise<string[] | null> {
  return inTransaction(pool, async (sql) => {
    const cells = await cellsToRewrap(sql, which, sealer.keyId, after, batch);
    const done: SealedCell[] = [];
    for (const cell of cells) {
      const aad = which === 'body' || which === 'proposal' ? 'received_message' : cell.key.join('/');
      try {
        const content = sealer.openBytes(cell.sealed, aad);
        if (which === 'body') await rehash(sql, sealer, cell);
        done.push({ key: cell.key, sealed: Buffer.from(sealer.seal(content, aad)) });
      } catch (error) {
        if (!(error instanceof UnsealError)) throw error;
        const keyId = cell.sealed.subarray(1, 5).toString('hex');
        rotation.unopened[keyId] = (rotation.unopened[keyId] ?? 0) + 1;
      }
    }
    if (done.length > 0) await rewriteCells(sql, which, done);
    rotation.rewrapped[which] += done.length;
    return cells.at(-1)?.key ?? null;
  });
}

/** Makes the order's hash anew, if its message is the one that the stored hash was made of. */
async function rehash(sql: Sql, sealer: Sealer, { key: [messageId = ''], sealed }: SealedCell): Promise<void> {
  const known = await hashOfMessage(sql, messageId);
  if (!known) return;
  const bytes = openBody(sealer, sealed);
  for (const contentType of new Set([known.contentType, null])) {
    const hashOf = (hashKey: Uint8Array) => {
      const reading = readMessage({ bytes, contentType }, { hashKey });
      return reading.verdict === 'readable' ? reading.contentHash : null;
    };
    if (sealer.hashKeys.slice(1).some((hashKey) => hashOf(hashKey) === known.contentHash)) {
      const contentHash = hashOf(sealer.hashKey);
      if (contentHash !== null) await rewriteHash(sql, known.orderId, contentHash);
      return;
    }
  }
}
