import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A place in the stream of events is no longer the bare number of a transaction: those numbers are the cluster's own, and begin
 * anew wherever a dump is restored. `shift` is added to them, and grows when the database finds itself in another cluster
 * (`src/store/event-numbering.ts`), so that whatever is written there comes after everything that was restored.
 */
export class EventPositions1796070000000 implements MigrationInterface {
  name = 'EventPositions1796070000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table event_numbering (
        only_row boolean primary key default true check (only_row),
        shift bigint not null,
        -- Where the shift holds: the cluster's own identifier and its timeline; null where nobody may ask for them.
        cluster text,
        changed_at timestamptz not null default now()
      );

      -- Without a row nothing is shifted.
      create function event_position(xid8) returns xid8 language sql stable as $$
        select ($1::text::bigint + coalesce((select shift from event_numbering), 0))::text::xid8
      $$;

      alter table event alter column tx set default event_position(pg_current_xact_id());
      alter table received_message alter column tx set default event_position(pg_current_xact_id());
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table event alter column tx set default pg_current_xact_id();
      alter table received_message alter column tx set default pg_current_xact_id();
      drop function event_position;
      drop table event_numbering;
    `);
  }
}
