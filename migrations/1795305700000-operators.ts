import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators do is written down, and what they decide about leftovers and messages set aside has its columns. */
export class Operators1795305700000 implements MigrationInterface {
  name = 'Operators1795305700000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table audit (
        audit_id bigint generated always as identity primary key,
        at timestamptz not null default now(),
        actor text not null,
        action text not null,
        subject text not null,
        order_id uuid,
        reason text not null,
        detail jsonb not null default '{}'
      );
      create index audit_of_order on audit (order_id, audit_id) where order_id is not null;
      create index audit_recent on audit (at desc);

      create function audit_is_append_only() returns trigger language plpgsql as $$
        begin raise exception 'audit is append-only'; end $$;
      create trigger audit_is_append_only before update or delete or truncate on audit
        for each statement execute function audit_is_append_only();

      -- A lever pulled at one worker for an order that another one holds: the owner looks here every second.
      create table lever_request (
        request_id uuid primary key,
        order_id uuid not null,
        lever jsonb not null,
        actor text not null,
        seen_revision integer,
        asked_at timestamptz not null default now(),
        claimed_at timestamptz,
        answer jsonb,
        answered_at timestamptz
      );
      create index lever_request_open on lever_request (order_id) where answered_at is null;

      -- Why it is left over: 'twin', a second thing with one marker; 'undo', what could not be removed again.
      alter table orphan add column why text not null default 'twin' check (why in ('twin', 'undo'));
      alter table orphan add column state text not null default 'found'
        check (state in ('found', 'adopted', 'destroying', 'destroyed'));
      alter table orphan add column last_outcome text;
      alter table orphan add column changed_at timestamptz not null default now();

      -- The message that an operator corrected and sent again.
      alter table received_message add column parent_id uuid;
      create index received_message_parent on received_message (parent_id) where parent_id is not null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index received_message_parent;
      alter table received_message drop column parent_id;
      alter table orphan drop column why, drop column state, drop column last_outcome, drop column changed_at;
      drop table lever_request;
      drop table audit;
      drop function audit_is_append_only;
    `);
  }
}
