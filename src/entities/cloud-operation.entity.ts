import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Json } from '../json.js';

/**
 * One durable action on a cloud: the intent (attempt, marker, request id) before it is sent, the cloud's job while it
 * runs, the outcome after. The primary key is why an action exists once however often it is decided.
 */
@Entity({ name: 'cloud_operation' })
export class CloudOperationEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  /** 0, 1, 2 … in the order they were begun. */
  @PrimaryColumn({ type: 'smallint' }) number!: number;
  @Column({ type: 'text', name: 'part_key' }) partKey!: string;
  @Column({ type: 'text' }) name!: string;
  @Column({ type: 'smallint', name: 'item_index' }) itemIndex!: number;
  @Column({ type: 'text', name: 'platform_id' }) platformId!: string;
  /** Carried by whatever the operation makes, so that a lost answer can be found again. */
  @Column({ type: 'text' }) marker!: string;
  @Column({ type: 'text' }) state!: string;
  @Column({ type: 'smallint' }) attempt!: number;
  @Column({ type: 'uuid', name: 'request_id', nullable: true }) requestId!: string | null;
  @Column({ type: 'text', name: 'job_id', nullable: true }) jobId!: string | null;
  @Column({ type: 'text', name: 'resource_id', nullable: true }) resourceId!: string | null;
  @Column({ type: 'jsonb' }) context!: Json;
  /** When it wakes by itself, or null while something else will wake it. */
  @Column({ type: 'timestamptz', name: 'due_at', nullable: true }) dueAt!: Date | null;
  @Column({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column({ type: 'timestamptz', name: 'submitted_at', nullable: true }) submittedAt!: Date | null;
  @Column({ type: 'timestamptz', name: 'finished_at', nullable: true }) finishedAt!: Date | null;
}
