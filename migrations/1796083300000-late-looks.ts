import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an order made is looked for once more after its end, and what is too many or missing then is listed with why. */
export class LateLooks1796083300000 implements MigrationInterface {
  name = 'LateLooks1796083300000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- One row per ended order that made something, in a table of its own: a look rewrites a short row, not the order's.
      create table late_look (
        order_id uuid primary key,
        ended_at timestamptz not null default now(),
        -- Whether anything of it ever got no answer, or was taken back: then it is looked at as soon as it has ended, too.
        in_doubt boolean not null,
        -- How many of the looks are made, or need not be.
        looks smallint not null default 0,
        -- When the next may begin, or the worker that took it counts as gone; null: none is left.
        due_at timestamptz default now(),
        -- Raised by whoever takes it, so that a worker that was too slow notes nothing.
        turn integer not null default 0,
        looked_at timestamptz,
        -- Why the look that is due could not be made, at which platform, since when, and how often it was tried.
        problem text,
        problem_platform text,
        problem_since timestamptz,
        tries smallint not null default 0
      ) with (fillfactor = 80);
      create index late_look_due on late_look (due_at) where due_at is not null;

      alter table orphan drop constraint orphan_why_check;
      -- 'late': found by a look after the order's end. 'missing': told as delivered, and not there.
      alter table orphan add constraint orphan_why_check check (why in ('twin', 'undo', 'late', 'missing'));
      -- When it was last seen on its cloud, or last not seen where it is missing.
      alter table orphan add column seen_at timestamptz;
      update orphan set seen_at = found_at;
      alter table orphan alter column seen_at set default now(), alter column seen_at set not null;
      -- The stage of the operation that made it, for operations of several.
      alter table orphan add column stage text;
      -- What was seen, in words.
      alter table orphan add column seen text;
      -- How long after the end of its order a look found it; null for what was found before.
      alter table orphan add column after_end interval;
      -- Gone because somebody said so, and not because the cloud did.
      alter table orphan add column on_word boolean not null default false;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      delete from orphan where why in ('late', 'missing');
      alter table orphan drop column on_word, drop column stage, drop column after_end, drop column seen, drop column seen_at;
      alter table orphan drop constraint orphan_why_check;
      alter table orphan add constraint orphan_why_check check (why in ('twin', 'undo'));
      drop table late_look;
    `);
  }
}
