import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Json } from '../json.js';

/** A data centre that items name by `platformId`. Credentials are sealed and never leave through the API. */
@Entity({ name: 'platform' })
export class PlatformEntity {
  @PrimaryColumn({ type: 'text', name: 'platform_id' }) platformId!: string;
  /** What the source platform's own routes call `id`. */
  @Column({ type: 'int' }) number!: number;
  @Column({ type: 'text' }) name!: string;
  @Column({ type: 'text', name: 'short_name', nullable: true }) shortName!: string | null;
  @Column({ type: 'text' }) kind!: string;
  @Column({ type: 'text', name: 'service_url' }) serviceUrl!: string;
  @Column({ type: 'text', nullable: true }) region!: string | null;
  @Column({ type: 'text', nullable: true }) domain!: string | null;
  @Column({ type: 'text', nullable: true }) project!: string | null;
  @Column({ type: 'text', name: 'external_network', nullable: true }) externalNetwork!: string | null;
  @Column({ type: 'text', nullable: true }) host!: string | null;
  @Column({ type: 'text', name: 'login_name', nullable: true }) loginName!: string | null;
  @Column({ type: 'text', name: 'ca_certificate', nullable: true }) caCertificate!: string | null;
  @Column({ type: 'jsonb' }) limits!: Record<string, number>;
  @Column({ type: 'jsonb' }) maps!: Record<string, Record<string, string>>;
  @Column({ type: 'jsonb' }) naming!: Record<string, string>;
  @Column({ type: 'jsonb' }) settings!: Record<string, Json>;
  @Column({ type: 'bytea', name: 'sealed_credentials' }) sealedCredentials!: Buffer;
  @Column({ type: 'text' }) state!: 'open' | 'maintenance' | 'disabled';
  @Column({ type: 'text', name: 'state_reason' }) stateReason!: string;
  @Column({ type: 'timestamptz', name: 'state_since' }) stateSince!: Date;
  @Column({ type: 'int' }) version!: number;
  @Column({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column({ type: 'timestamptz', name: 'updated_at' }) updatedAt!: Date;
  @Column({ type: 'timestamptz', name: 'removed_at', nullable: true }) removedAt!: Date | null;
}
