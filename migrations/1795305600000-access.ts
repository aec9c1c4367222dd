import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may ask what: tokens with a role and an account, kept as hashes; whose message it was; when a secret was collected. */
export class Access1795305600000 implements MigrationInterface {
  name = 'Access1795305600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table api_token (
        -- Never used again, also after it was revoked: the audit names tokens by it.
        name text primary key,
        sha256 bytea not null unique check (octet_length(sha256) = 32),
        role text not null check (role in ('viewer', 'operator', 'admin', 'producer')),
        -- null: every account.
        account_id text,
        created_at timestamptz not null default now(),
        created_by text not null,
        expires_at timestamptz,
        revoked_at timestamptz
      );

      -- The account of the token it was sent with, else the one that a readable message names.
      alter table received_message add column account_id text;
      alter table sealed_secret add column collected_at timestamptz;
      -- What the janitor empties: messages of orders, a week after those have ended.
      create index received_message_kept on received_message (received_at)
        where verdict in ('accepted', 'held', 'duplicate') and octet_length(sealed_body) > 0;
      create index work_order_account on work_order (account_id, created_at desc, order_id) where kind = 'billing';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index work_order_account;
      drop index received_message_kept;
      alter table sealed_secret drop column collected_at;
      alter table received_message drop column account_id;
      drop table api_token;
    `);
  }
}
