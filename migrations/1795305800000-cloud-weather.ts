import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What each worker sees of the clouds it uses: how many share an account's rate follows from it, and every worker's API can
 * say why another worker's orders wait. It lives and dies with the worker's own row.
 */
export class CloudWeather1795305800000 implements MigrationInterface {
  name = 'CloudWeather1795305800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table worker add column clouds jsonb not null default '{}'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table worker drop column clouds`);
  }
}
