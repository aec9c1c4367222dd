import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn, type Relation } from 'typeorm';
import type { Json } from '../json.js';
import type { Hold, Repair, Warning, WorkOrder } from '../schemas/work-order.js';
import { WorkOrderEntity } from './work-order.entity.js';

/** What of an order is written once: the order itself (secrets cut out) and what the intake said of it. */
@Entity({ name: 'work_order_document' })
export class WorkOrderDocumentEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  @OneToOne(() => WorkOrderEntity, (order) => order.document)
  @JoinColumn({ name: 'order_id' })
  order!: Relation<WorkOrderEntity>;
  @Column({ type: 'jsonb' }) document!: WorkOrder | Json;
  @Column({ type: 'bytea', name: 'content_hash' }) contentHash!: Buffer;
  @Column({ type: 'jsonb' }) warnings!: Warning[];
  @Column({ type: 'jsonb' }) repairs!: Repair[];
  @Column({ type: 'jsonb' }) holds!: Hold[];
}
