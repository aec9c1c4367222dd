import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An order's row names the step that brought it where it stands: whose commit it was is known, not guessed. */
export class WhoseStep1796083200000 implements MigrationInterface {
  name = 'WhoseStep1796083200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table work_order add column step_id uuid`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table work_order drop column step_id`);
  }
}
