import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Plan } from '../planner/plan.js';
import type { Hold, Warning } from '../schemas/work-order.js';

/** What planning made of an order: the plan, or why there is none. */
@Entity({ name: 'work_order_plan' })
export class WorkOrderPlanEntity {
  @PrimaryColumn({ type: 'uuid', name: 'order_id' }) orderId!: string;
  @Column({ type: 'jsonb', nullable: true }) plan!: Plan | null;
  @Column({ type: 'jsonb' }) warnings!: Warning[];
  @Column({ type: 'jsonb' }) holds!: Hold[];
  @Column({ type: 'timestamptz', name: 'planned_at' }) plannedAt!: Date;
}
