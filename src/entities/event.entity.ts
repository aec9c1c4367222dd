import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../json.js';

/**
 * One fact about an order, committed together with the step that made it true. Readers page by (tx, order_id, sequence)
 * below the oldest running transaction, so nothing that commits late is ever skipped.
 */
@Entity({ name: 'event' })
export class EventEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  /** 1, 2, 3 … without a gap, per order. */
  @PrimaryColumn({ type: 'int' }) sequence!: number;
  @Column({ type: 'text' }) type!: string;
  @Column({ type: 'smallint', name: 'item_index', nullable: true }) itemIndex!: number | null;
  @Column({ type: 'timestamptz' }) at!: Date;
  @Column({ type: 'jsonb' }) data!: JsonObject;
}
