import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Json } from '../json.js';

/** A data centre that items name by `platformId`. Credentials are sealed and never leave through the API. */
@Entity({ name: 'platform' })
export class PlatformEntity {
  @PrimaryColumn({ type: 'text', name: 'platform_id' }) platformId!: string;
  @Column({ type: 'text' }) name!: string;
  @Column({ type: 'text' }) kind!: string;
  @Column({ type: 'text', name: 'service_url' }) serviceUrl!: string;
  @Column({ type: 'text' }) state!: 'open' | 'maintenance' | 'disabled';
  @Column({ type: 'jsonb' }) settings!: Record<string, Json>;
  @Column({ type: 'bytea', name: 'sealed_credentials' }) sealedCredentials!: Buffer;
  @Column({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column({ type: 'timestamptz', name: 'updated_at' }) updatedAt!: Date;
}
