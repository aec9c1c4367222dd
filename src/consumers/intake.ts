import { createHash, randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type pg from 'pg';
import { crashPoint } from '../crash-point.js';
import { type Problem, RefusedError } from '../errors.js';
import { beginOrder, type Bundle } from '../machines/begin-order.js';
import type { OrderStatus, Step } from '../machines/order-state.js';
import type { Surroundings } from '../machines/advance.js';
import { orderIdFor } from '../order-id.js';
import type { Hold, Reading, Repair, Warning, WorkOrder } from '../schemas/work-order.js';
import { type Sealer, UnsealError } from '../secrets.js';
import {
  acceptedBody,
  accountOfOrder,
  existingOrders,
  insertMessages,
  insertOrders,
  inTransaction,
  type MessageToKeep,
  type OrderToAccept,
  rejectedBody,
} from '../store/accept.js';
import { type AuditEntry, writeAudit } from '../store/audit.js';
import type { Sql } from '../store/data-source.js';
import { type Difference, differingFields } from './read/differing-fields.js';
import { readMessage } from './read/read-message.js';

/** One message at the door, wherever it came from. */
export interface IncomingDelivery {
  channel: 'kafka' | 'http' | 'cli';
  /** `topic/partition@offset`, the caller's address, or the file's name. */
  origin: string;
  bytes: Uint8Array;
  contentType: string | null;
  headers: Record<string, string>;
  /** About the way it came rather than what it says: a header that could not be kept. */
  warnings?: Warning[];
  /** The account whose token it was sent with: an order for any other is refused. Missing or null: nobody said. */
  accountId?: string | null;
  /** An operator's copy of a message that could not be taken. */
  correction?: { parentId: string; actor: string; reason: string };
  /** A Kafka record without a value, which asks a log to forget something. Here it says nothing, and is passed over. */
  tombstone?: boolean;
}

/** What became of a message, with everything its sender can use. */
export interface Receipt {
  messageId: string;
  verdict: MessageToKeep['verdict'];
  code: string | null;
  orderId: string | null;
  workOrderId: string | null;
  status: OrderStatus | null;
  problems: Problem[];
  differences: Difference[];
  warnings: Warning[];
  repairs: Repair[];
  holds: Hold[];
}

export interface IntakeOptions {
  pool: pg.Pool;
  sealer: Sealer;
  /** The worker that is to own accepted orders. */
  identity: { workerId: string };
  surroundings(): Surroundings;
  /** What becomes of the rest of an order when an item of it fails, as agreed with its account. Not given: best effort. */
  bundleOf?: ((order: WorkOrder) => Bundle) | undefined;
  /** Says on an order whose result may not be posted where it asks, that it will not be. */
  callbackWarnings(order: WorkOrder): Warning[];
  /** Hands a stored order to the engine of this process. */
  begin(step: Step, order: WorkOrder, claimed: boolean): void;
  /** Nobody was promised anything, but what was to be stored may be there all the same. */
  failed?(): void;
}

/** An operator's wish to have a message taken after all. */
export interface Resubmission {
  /** The edited copy; null: the mended text that is kept, else as it came. */
  text: string | null;
  dryRun: boolean;
  actor: string;
  reason: string;
  /** The account that asks; null: all. */
  tenant: string | null;
}
export type CorrectedText = 'edited' | 'proposal' | 'original';
/** As a receipt; without a message of its own after a dry run. */
export type Resubmitted = Omit<Receipt, 'messageId'> & { messageId: string | null };

interface Opened {
  delivery: IncomingDelivery;
  reading: Reading;
  messageId: string;
  orderId: string | null;
}

/**
 * The one door for Kafka, HTTP and files. Whatever arrives is stored before it is answered, good or not; an order that is
 * there already is answered from what is stored. Deliveries that arrive together are stored in one commit.
 */
export class Intake {
  private waiting: {
    delivery: IncomingDelivery;
    resolve: (receipt: Receipt) => void;
    reject: (error: unknown) => void;
  }[] = [];
  private busy = false;

  constructor(private readonly options: IntakeOptions) {}

  /** @throws when the database is away: nothing was promised, the sender has to try again */
  receive(delivery: IncomingDelivery): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ delivery, resolve, reject });
      if (!this.busy) void this.drain();
    });
  }

  /** One receipt per delivery, in their order, all in one commit. @throws when the database is away */
  async receiveAll(deliveries: IncomingDelivery[]): Promise<Receipt[]> {
    crashPoint('intake.received');
    const opened = deliveries.map((delivery) => this.openDelivery(delivery));
    crashPoint('intake.read');
    const { receipts, begun } = await inTransaction(this.options.pool, (sql) => this.store(sql, opened)).catch(
      (error: unknown) => {
        this.options.failed?.();
        throw error;
      },
    );
    crashPoint('intake.stored');
    for (const { step, order, claimed } of begun) this.options.begin(step, order, claimed);
    crashPoint('intake.begun');
    return receipts;
  }

  /**
   * Sends a message that could not be taken again: an edited copy, else the mended text that was kept, else as it came. The new
   * message names the one it corrects. A dry run only reads it.
   *
   * @throws RefusedError API_NOT_FOUND, SYS_SECRET_KEY when what is kept cannot be opened any more
   */
  async resubmit(messageId: string, wish: Resubmission): Promise<{ receipt: Resubmitted; text: CorrectedText }> {
    const { pool, sealer } = this.options;
    const kept = uuidForm.test(messageId) ? await rejectedBody(pool, wish.tenant, messageId) : null;
    if (!kept) throw new RefusedError('API_NOT_FOUND', 'There is no such message among the rejected ones.');
    const text: CorrectedText = wish.text !== null ? 'edited' : kept.sealedProposal ? 'proposal' : 'original';
    const delivery: IncomingDelivery = {
      channel: 'http',
      origin: `resubmitted by ${wish.actor}`,
      bytes: wish.text !== null ? Buffer.from(wish.text) : openKept(sealer, kept.sealedProposal ?? kept.sealedBody),
      contentType: null,
      headers: {},
      accountId: wish.tenant,
      correction: { parentId: messageId, actor: wish.actor, reason: wish.reason },
    };
    if (!wish.dryRun) return { receipt: await this.receive(delivery), text };
    const opened = this.openDelivery(delivery);
    const { reading, orderId } = opened;
    if (reading.verdict !== 'readable' || orderId === null) {
      return { receipt: { ...(await this.refusedReceipt(pool, opened, undefined, null)), messageId: null }, text };
    }
    const known = (await existingOrders(pool, [orderId])).get(orderId);
    const receipt = known
      ? await this.refusedReceipt(pool, opened, known, null)
      : acceptedReceipt(opened, this.toAccept(opened));
    return { receipt: { ...receipt, messageId: null }, text };
  }

  private async drain(): Promise<void> {
    this.busy = true;
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0, 200);
      try {
        const receipts = await this.receiveAll(group.map((one) => one.delivery));
        for (const [i, one] of group.entries()) one.resolve(receipts[i] as Receipt);
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.busy = false;
  }

  private openDelivery(delivery: IncomingDelivery): Opened {
    const reading = ofItsAccount(readMessage(delivery, { hashKey: this.options.sealer.hashKey }), delivery);
    const orderId =
      reading.verdict === 'readable' ? orderIdFor(reading.order.producer, reading.order.workOrderId) : null;
    return { delivery, reading, messageId: randomUUID(), orderId };
  }

  private async store(
    sql: Sql,
    opened: Opened[],
  ): Promise<{ receipts: Receipt[]; begun: { step: Step; order: WorkOrder; claimed: boolean }[] }> {
    const first = new Map<string, OrderToAccept & { order: WorkOrder }>();
    for (const one of opened) {
      if (one.orderId && !first.has(one.orderId)) first.set(one.orderId, this.toAccept(one));
    }
    const inserted = await insertOrders(sql, [...first.values()]);
    crashPoint('intake.inserted');
    const others = [...first.keys()].filter((orderId) => !inserted.has(orderId));
    const existing = await existingOrders(sql, others);
    const taken = new Set<string>();
    const receipts: Receipt[] = [];
    for (const one of opened) {
      const accept = one.orderId ? first.get(one.orderId) : undefined;
      const fresh = one.orderId !== null && inserted.has(one.orderId);
      const stored = one.orderId ? existing.get(one.orderId) : undefined;
      const sameAs = stored ?? (accept && { contentHash: accept.contentHash, status: accept.step.state.status });
      if (one.orderId && fresh && !taken.has(one.orderId) && accept) {
        taken.add(one.orderId);
        receipts.push(acceptedReceipt(one, accept));
      } else {
        const before = one.orderId ? opened.find((other) => other.orderId === one.orderId) : undefined;
        receipts.push(await this.refusedReceipt(sql, one, sameAs, stored ? null : (before?.delivery ?? null)));
      }
    }
    await insertMessages(
      sql,
      opened.map((one, i) => this.toKeep(one, receipts[i] as Receipt)),
    );
    for (const [i, { delivery }] of opened.entries()) {
      if (delivery.correction) await writeAudit(sql, resubmission(delivery.correction, receipts[i] as Receipt));
    }
    crashPoint('intake.kept');
    const begun = [...first.values()]
      .filter(({ step }) => inserted.has(step.state.orderId))
      .map(({ step, order }) => ({ step, order, claimed: inserted.get(step.state.orderId)?.claimed ?? false }));
    return { receipts, begun };
  }

  private toAccept({ delivery, reading, orderId }: Opened): OrderToAccept & { order: WorkOrder } {
    if (reading.verdict !== 'readable' || !orderId) throw new Error('only readable messages become orders');
    const { order, holds, repairs, contentHash, secrets } = reading;
    return {
      step: beginOrder(orderId, order, holds, this.options.surroundings(), this.options.bundleOf?.(order)),
      workerId: this.options.identity.workerId,
      order,
      contentHash,
      warnings: [...reading.warnings, ...(delivery.warnings ?? []), ...this.options.callbackWarnings(order)],
      repairs,
      holds,
      plan: null,
      secrets: secrets.map(({ itemIndex, field, value }) => ({
        itemIndex,
        field,
        sealed: this.options.sealer.seal(value, secretContext(orderId, itemIndex, field)),
      })),
    };
  }

  /** Same again, other content under the same id, or not readable at all. */
  private async refusedReceipt(
    sql: Sql,
    one: Opened,
    known: { contentHash: string; status: string } | undefined,
    before: IncomingDelivery | null,
  ): Promise<Receipt> {
    const { reading, messageId, orderId } = one;
    if (one.delivery.tombstone) return { ...emptyReceipt(messageId), verdict: 'skipped', code: 'MSG_TOMBSTONE' };
    if (reading.verdict === 'unreadable') {
      return {
        ...emptyReceipt(messageId),
        verdict: reading.kind,
        code: reading.problems[0]?.code ?? 'MSG_JSON_SYNTAX',
        workOrderId: reading.workOrderIdHint,
        problems: reading.problems,
        repairs: reading.repairs,
      };
    }
    const receipt = {
      ...emptyReceipt(messageId),
      orderId,
      workOrderId: reading.order.workOrderId,
      status: (known?.status ?? null) as OrderStatus | null,
      warnings: reading.warnings,
      repairs: reading.repairs,
    };
    if (known && this.isSame(one, known.contentHash))
      return { ...receipt, verdict: 'duplicate', code: 'ORD_DUPLICATE' };
    if (await this.standsForAnother(sql, one)) return { ...receipt, ...takenByAnother, orderId: null, status: null };
    const differences = await this.differences(sql, one, before);
    const named = differences.map((difference) => difference.path).join(', ');
    const message = `Order ${reading.order.workOrderId} is known with other content; the first one stands. Differs in: ${named}.`;
    const problems = [{ path: '', code: 'ORD_CONFLICT_BODY', message }];
    return { ...receipt, verdict: 'conflict', code: 'ORD_CONFLICT_BODY', problems, differences };
  }

  /** Hashes are keyed: after a rotation the stored one may have been made with an older key. */
  private isSame({ delivery, reading }: Opened, contentHash: string): boolean {
    if (reading.verdict !== 'readable') return false;
    if (reading.contentHash === contentHash) return true;
    return this.options.sealer.hashKeys.slice(1).some((hashKey) => {
      const again = readMessage(delivery, { hashKey });
      return again.verdict === 'readable' && again.contentHash === contentHash;
    });
  }

  /** Whether the order that stands under this id is one of which the sender's account must not learn. */
  private async standsForAnother(sql: Sql, { delivery, orderId }: Opened): Promise<boolean> {
    if (orderId === null || delivery.accountId === undefined || delivery.accountId === null) return false;
    const account = await accountOfOrder(sql, orderId);
    return account !== null && account !== delivery.accountId;
  }

  /** Which fields differ from the order that stands: it is read again from its own sealed bytes. */
  private async differences(sql: Sql, one: Opened, before: IncomingDelivery | null): Promise<Difference[]> {
    if (one.reading.verdict !== 'readable' || !one.orderId) return [];
    const delivery = before ?? (await this.acceptedDelivery(sql, one.orderId));
    const first = delivery && readMessage(delivery, { hashKey: this.options.sealer.hashKey });
    return first?.verdict === 'readable' ? differingFields(first.canonical, one.reading.canonical) : [];
  }

  private async acceptedDelivery(sql: Sql, orderId: string): Promise<{ bytes: Uint8Array; contentType: null } | null> {
    const sealed = await acceptedBody(sql, orderId);
    try {
      return sealed && { bytes: openBody(this.options.sealer, sealed), contentType: null };
    } catch (error) {
      // Sealed with a key that is gone. The conflict stands all the same; only what differs cannot be named.
      if (error instanceof UnsealError) return null;
      throw error;
    }
  }

  private toKeep({ delivery, reading, messageId, orderId }: Opened, receipt: Receipt): MessageToKeep {
    const proposal = reading.verdict === 'unreadable' ? reading.proposal : null;
    return {
      messageId,
      channel: delivery.channel,
      origin: delivery.origin,
      verdict: receipt.verdict,
      code: receipt.code,
      problems: receipt.problems,
      orderId,
      workOrderId: receipt.workOrderId,
      accountId: delivery.accountId ?? (reading.verdict === 'readable' ? reading.order.accountId : null),
      bodySha256: createHash('sha256').update(delivery.bytes).digest(),
      sealedBody: sealBody(this.options.sealer, delivery.bytes),
      sealedProposal: proposal === null ? null : sealBody(this.options.sealer, Buffer.from(proposal)),
      headers: delivery.headers,
      repairs: receipt.repairs,
      parentId: delivery.correction?.parentId ?? null,
    };
  }
}

/** An order is taken for the account of the token it came with, and for no other. */
function ofItsAccount(reading: Reading, { accountId }: IncomingDelivery): Reading {
  if (reading.verdict !== 'readable' || accountId === undefined || accountId === null) return reading;
  if (reading.order.accountId === accountId) return reading;
  const message = 'the token it was sent with belongs to another account';
  return {
    verdict: 'unreadable',
    kind: 'refused',
    problems: [{ path: 'accountId', code: 'ORD_TENANT_MISMATCH', message }],
    workOrderIdHint: reading.order.workOrderId,
    proposal: null,
    repairs: reading.repairs,
  };
}

/** Ids are billing's and unique there. That one is taken has to be said; whose it is, or what stands in it, does not. */
const takenByAnother = {
  verdict: 'conflict',
  code: 'ORD_CONFLICT_BODY',
  problems: [{ path: 'workOrderId', code: 'ORD_CONFLICT_BODY', message: 'This id cannot be used.' }],
} as const satisfies Partial<Receipt>;

/** What a sealed secret is bound to, so that it cannot be opened in another order's place. */
export function secretContext(orderId: string, itemIndex: number, field: string): string {
  return `${orderId}/${itemIndex}/${field}`;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function resubmission(correction: NonNullable<IncomingDelivery['correction']>, receipt: Receipt): AuditEntry {
  const { parentId, actor, reason } = correction;
  const { messageId, verdict, code, orderId } = receipt;
  return {
    actor,
    action: 'messages.resubmit',
    subject: parentId,
    orderId,
    reason,
    detail: { messageId, verdict, code },
  };
}

/** @throws RefusedError */
function openKept(sealer: Sealer, sealed: Uint8Array): Uint8Array {
  try {
    return openBody(sealer, sealed);
  } catch (error) {
    if (!(error instanceof UnsealError)) throw error;
    throw new RefusedError('SYS_SECRET_KEY', 'What was kept of this message cannot be opened with the keys there are.');
  }
}

const bodyContext = 'received_message';

/** Message bytes as they are kept: deflated (they are written once per message, and mostly repeat themselves), then sealed. */
export function sealBody(sealer: Sealer, bytes: Uint8Array): Uint8Array {
  return sealer.seal(deflateRawSync(bytes, { level: 1 }), bodyContext);
}

export function openBody(sealer: Sealer, sealed: Uint8Array): Uint8Array {
  return inflateRawSync(sealer.openBytes(sealed, bodyContext));
}

function emptyReceipt(messageId: string): Receipt {
  return {
    messageId,
    verdict: 'refused',
    code: null,
    orderId: null,
    workOrderId: null,
    status: null,
    problems: [],
    differences: [],
    warnings: [],
    repairs: [],
    holds: [],
  };
}

function acceptedReceipt({ messageId }: Opened, accept: OrderToAccept & { order: WorkOrder }): Receipt {
  const { state } = accept.step;
  const { warnings, repairs, holds } = accept;
  return {
    ...emptyReceipt(messageId),
    verdict: holds.length > 0 ? 'held' : 'accepted',
    code: holds[0]?.code ?? null,
    orderId: state.orderId,
    workOrderId: state.workOrderId,
    status: state.status,
    warnings,
    repairs,
    holds,
  };
}
