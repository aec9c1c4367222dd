import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import type { Json } from '../json.js';
import { WorkOrderEntity } from './work-order.entity.js';

/** One line of an order and the machines of its parts. */
@Entity({ name: 'work_order_item' })
export class WorkOrderItemEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  @PrimaryColumn({ type: 'smallint', name: 'item_index' }) itemIndex!: number;
  @ManyToOne(() => WorkOrderEntity, (order) => order.items)
  @JoinColumn({ name: 'order_id' })
  order!: Relation<WorkOrderEntity>;
  @Column({ type: 'text', name: 'work_order_item_id' }) workOrderItemId!: string;
  /** Billing's id of the thing; who may build it stands in `resource_claim`. */
  @Column({ type: 'text', name: 'resource_id' }) resourceId!: string;
  @Column({ type: 'text', name: 'resource_type' }) resourceType!: string;
  @Column({ type: 'text', name: 'platform_id' }) platformId!: string;
  @Column({ type: 'boolean' }) master!: boolean;
  @Column({ type: 'text' }) status!: string;
  @Column({ type: 'jsonb' }) parts!: Json;
}
