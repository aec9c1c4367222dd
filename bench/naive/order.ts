import { Column, Entity, PrimaryColumn } from 'typeorm';
import { z } from 'zod';

const [text, count] = [z.string().optional(), z.coerce.number().default(1)]; // most numbers come as text
const vm = { vmName: text, zoneId: text, imageId: text, cpuNum: count, memSize: count, sysVolumeSize: count };
const Config = z.object({ ...vm, volumeType: z.string().default('SATA'), volumeSize: text, newBandwidthValue: text });
const Item = z.object({
  resourceId: z.string(),
  resourceType: z.enum(['VM', 'EBS', 'NETWORK']),
  workOrderItemConfig: z.string().transform((json) => Config.parse(JSON.parse(json))),
});
const [id, items] = [z.string(), z.array(Item).min(1)];
export const Order = z.object({ workOrderId: id, userId: id, accountId: id, workOrderItems: items });
export type Order = z.infer<typeof Order>;

/** `snapshot` is what XState persists of the order's actor; null before its first step. */
@Entity()
export class OrderEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text' }) status!: 'open' | 'completed' | 'failed';
  @Column({ type: 'jsonb' }) order!: Order;
  @Column({ type: 'jsonb', nullable: true }) snapshot!: object | null;
}
