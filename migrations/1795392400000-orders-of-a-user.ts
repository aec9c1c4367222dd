import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Registrations ask for a user's orders: whose account he belongs to, and whether he has any. */
export class OrdersOfAUser1795392400000 implements MigrationInterface {
  name = 'OrdersOfAUser1795392400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index work_order_user on work_order (user_id) where kind = 'billing'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index work_order_user`);
  }
}
