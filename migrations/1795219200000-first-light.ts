import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The tables of the first release. No foreign keys: every row of an order is written by the statement that wrote or checked
 * the order itself, and a key check for each of them cost a third of PostgreSQL's time and half of the log. Hot rows (`work_order`, `work_order_item`, `cloud_operation`) are kept small and apart
 * from what is written once (`work_order_document`), so that an update rewrites little; `event` is only ever appended.
 */
export class FirstLight1795219200000 implements MigrationInterface {
  name = 'FirstLight1795219200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table installation (
        only_row boolean primary key default true check (only_row),
        installation_id text not null,
        created_at timestamptz not null default now()
      );

      create table worker (
        worker_id text primary key,
        host text not null,
        pid integer not null,
        started_at timestamptz not null default now(),
        heartbeat_at timestamptz not null default now()
      );

      create table platform (
        platform_id text primary key,
        name text not null,
        kind text not null,
        service_url text not null,
        state text not null default 'open' check (state in ('open', 'maintenance', 'disabled')),
        settings jsonb not null default '{}',
        sealed_credentials bytea not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );

      create table work_order (
        order_id uuid primary key,
        kind text not null check (kind in ('billing', 'preparation')),
        producer text not null,
        work_order_id text not null,
        user_id text not null,
        account_id text not null,
        status text not null check (status in ('received', 'planned', 'provisioning', 'held', 'compensating',
                                               'completed', 'partial', 'failed', 'cancelled')),
        machine jsonb not null,
        revision integer not null default 1,
        epoch integer not null default 1,
        worker_id text,
        event_sequence integer not null default 0,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        finished_at timestamptz,
        unique (producer, work_order_id)
      ) with (fillfactor = 50);
      -- By finished_at, not by status: a status that is in no index can change without touching one (HOT update).
      create index work_order_open on work_order (worker_id) where finished_at is null;
      create index work_order_recent on work_order (created_at desc, order_id) where kind = 'billing';

      create table work_order_document (
        order_id uuid primary key,
        document jsonb not null,
        content_hash bytea not null,
        warnings jsonb not null default '[]',
        repairs jsonb not null default '[]',
        holds jsonb not null default '[]'
      );

      -- Apart from the document, so that planning inserts a row instead of writing a large one again.
      create table work_order_plan (
        order_id uuid primary key,
        plan jsonb,
        warnings jsonb not null default '[]',
        holds jsonb not null default '[]',
        planned_at timestamptz not null default now()
      );

      create table work_order_item (
        order_id uuid not null,
        item_index smallint not null,
        work_order_item_id text not null,
        resource_id text not null,
        resource_type text not null,
        platform_id text not null,
        master boolean not null,
        status text not null,
        parts jsonb not null default '[]',
        primary key (order_id, item_index)
      ) with (fillfactor = 50);

      -- Which order may build billing's resource: the first that asked, until it gives the thing up.
      create table resource_claim (
        producer text not null,
        resource_id text not null,
        order_id uuid not null,
        primary key (producer, resource_id)
      );

      create table cloud_operation (
        order_id uuid not null,
        -- 0, 1, 2 … in the order they were begun; a short key, for it is written with every change.
        number smallint not null,
        part_key text not null,
        name text not null,
        item_index smallint not null,
        platform_id text not null,
        marker text not null,
        state text not null,
        attempt smallint not null,
        request_id uuid,
        job_id text,
        resource_id text,
        context jsonb not null,
        due_at timestamptz,
        created_at timestamptz not null default now(),
        submitted_at timestamptz,
        finished_at timestamptz,
        primary key (order_id, number)
        -- No index on what changes: an operation is written three or four times, each time in place (HOT).
      ) with (fillfactor = 50);

      create table event (
        order_id uuid not null,
        sequence integer not null,
        tx xid8 not null default pg_current_xact_id(),
        type text not null,
        item_index smallint,
        at timestamptz not null,
        data jsonb not null,
        primary key (order_id, sequence)
      );
      create index event_tx on event (tx);

      create table event_cursor (
        consumer text primary key,
        tx xid8 not null default '0',
        order_id uuid not null default '00000000-0000-0000-0000-000000000000',
        sequence integer not null default 0,
        owner text,
        owned_until timestamptz not null default '-infinity'
      );

      create table received_message (
        message_id uuid primary key,
        received_at timestamptz not null default now(),
        channel text not null check (channel in ('kafka', 'http', 'cli')),
        origin text not null,
        verdict text not null check (verdict in ('accepted', 'held', 'duplicate', 'conflict', 'set-aside', 'refused', 'skipped')),
        code text,
        problems jsonb not null default '[]',
        order_id uuid,
        work_order_id text,
        body_sha256 bytea not null,
        sealed_body bytea not null,
        sealed_proposal bytea,
        headers jsonb not null default '{}',
        repairs jsonb not null default '[]',
        tx xid8 not null default pg_current_xact_id()
      );
      create unique index received_message_record on received_message (origin, body_sha256) where channel = 'kafka';
      create index received_message_rejected on received_message (received_at desc)
        where verdict in ('conflict', 'set-aside', 'refused');
      create index received_message_rejected_tx on received_message (tx)
        where verdict in ('conflict', 'set-aside', 'refused');
      create index received_message_order on received_message (order_id) where order_id is not null;

      create table sealed_secret (
        order_id uuid not null,
        item_index smallint not null,
        field text not null,
        origin text not null check (origin in ('order', 'cloud')),
        sealed bytea not null,
        created_at timestamptz not null default now(),
        primary key (order_id, item_index, field)
      );

      create table callback_delivery (
        order_id uuid primary key,
        url text not null,
        state text not null default 'due' check (state in ('due', 'accepted', 'gave-up', 'disabled')),
        attempts smallint not null default 0,
        next_attempt_at timestamptz not null default now(),
        last_outcome text,
        created_at timestamptz not null default now()
      );
      create index callback_delivery_due on callback_delivery (next_attempt_at) where state = 'due';

      create table orphan (
        platform_id text not null,
        resource_id text not null,
        operation text not null,
        marker text not null,
        order_id uuid not null,
        found_at timestamptz not null default now(),
        primary key (platform_id, resource_id)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table orphan, callback_delivery, resource_claim, sealed_secret, received_message, event_cursor, event, cloud_operation,
        work_order_item, work_order_plan, work_order_document, work_order, platform, worker, installation
    `);
  }
}
