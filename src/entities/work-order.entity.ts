import { Column, Entity, OneToMany, OneToOne, PrimaryColumn, type Relation } from 'typeorm';
import type { Json } from '../json.js';
import { WorkOrderDocumentEntity } from './work-order-document.entity.js';
import { WorkOrderItemEntity } from './work-order-item.entity.js';

/**
 * One order: billing's, or a preparation we place with ourselves (`kind`). Written by `store/`; read here by the
 * operators' view only. `revision` and `epoch` are the compare-and-set: a stale writer matches no row.
 */
@Entity({ name: 'work_order' })
export class WorkOrderEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  @Column({ type: 'text' }) kind!: 'billing' | 'preparation';
  @Column({ type: 'text' }) producer!: string;
  @Column({ type: 'text', name: 'work_order_id' }) workOrderId!: string;
  @Column({ type: 'text', name: 'user_id' }) userId!: string;
  @Column({ type: 'text', name: 'account_id' }) accountId!: string;
  @Column({ type: 'text' }) status!: string;
  /** State and memory of the order machine. */
  @Column({ type: 'jsonb' }) machine!: Json;
  @Column({ type: 'int' }) revision!: number;
  /** Raised by every take-over: the fence against a worker that was thought dead. */
  @Column({ type: 'int' }) epoch!: number;
  @Column({ type: 'text', name: 'worker_id', nullable: true }) workerId!: string | null;
  /** The step that brought it to its revision: after a lost answer its worker knows whether the commit was its own. */
  @Column({ type: 'uuid', name: 'step_id', nullable: true }) stepId!: string | null;
  @Column({ type: 'int', name: 'event_sequence' }) eventSequence!: number;
  @Column({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column({ type: 'timestamptz', name: 'updated_at' }) updatedAt!: Date;
  @Column({ type: 'timestamptz', name: 'finished_at', nullable: true }) finishedAt!: Date | null;
  @OneToOne(() => WorkOrderDocumentEntity, (document) => document.order) document!: Relation<WorkOrderDocumentEntity>;
  @OneToMany(() => WorkOrderItemEntity, (item) => item.order) items!: Relation<WorkOrderItemEntity>[];
}
