import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Problem } from '../errors.js';
import type { Repair } from '../schemas/work-order.js';

/** Every delivery that was ever taken, whatever became of it: nothing that reached the door is lost. */
@Entity({ name: 'received_message' })
export class ReceivedMessageEntity {
  @PrimaryColumn({ type: 'uuid', name: 'message_id' }) messageId!: string;
  @Column({ type: 'timestamptz', name: 'received_at' }) receivedAt!: Date;
  @Column({ type: 'text' }) channel!: 'kafka' | 'http' | 'cli';
  /** `topic/partition@offset`, the caller's address, or the file's name. */
  @Column({ type: 'text' }) origin!: string;
  @Column({ type: 'text' }) verdict!: string;
  @Column({ type: 'text', nullable: true }) code!: string | null;
  @Column({ type: 'jsonb' }) problems!: Problem[];
  @Column({ type: 'uuid', name: 'order_id', nullable: true }) orderId!: string | null;
  /** For unreadable messages a guess, to find them by; never used to decide. */
  @Column({ type: 'text', name: 'work_order_id', nullable: true }) workOrderId!: string | null;
  @Column({ type: 'bytea', name: 'body_sha256' }) bodySha256!: Buffer;
  /** The raw bytes, deflated and sealed. */
  @Column({ type: 'bytea', name: 'sealed_body' }) sealedBody!: Buffer;
  @Column({ type: 'bytea', name: 'sealed_proposal', nullable: true }) sealedProposal!: Buffer | null;
  @Column({ type: 'jsonb' }) headers!: Record<string, string>;
  @Column({ type: 'jsonb' }) repairs!: Repair[];
}
