import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { checkInvariants } from './check.js';
import { readRows, sha256 } from './rows.js';

const orderId = '11111111-1111-4111-8111-111111111111';
const body = Buffer.from('{"workOrderId":"WO-1"}');

/** One order that is delivered, as the tables of this release hold it. */
const delivered = `
  insert into work_order (order_id, kind, producer, work_order_id, user_id, account_id, status, machine, event_sequence, finished_at)
  values ('${orderId}', 'billing', 'billing', 'WO-1', 'u1', 'a1', 'completed', '{"value": "completed"}', 2, now());
  insert into work_order_document (order_id, document, content_hash, holds) values ('${orderId}', '{}', '', '[{"code": "x"}]');
  insert into work_order_plan (order_id, plan) values ('${orderId}',
    '{"preparations": [{"platformId": "dc-1", "key": "default-network/u1"}], "parts": []}');
  insert into work_order_item (order_id, item_index, work_order_item_id, resource_id, resource_type, platform_id, master, status)
  values ('${orderId}', 0, '7', 'r1', 'VM', 'dc-1', true, 'completed');
  insert into cloud_operation (order_id, number, part_key, name, item_index, platform_id, marker, state, attempt, job_id,
    resource_id, context, finished_at)
  values ('${orderId}', 0, 'vm/0', 'vm.create', 0, 'dc-1', 'ow-1', 'done', 1, 'job-1', 'vm-1', '{}', now());
  insert into event (order_id, sequence, type, item_index, at, data)
  values ('${orderId}', 1, 'item.completed', 0, now(), '{"cloudResourceIds": ["vm-1"]}'),
         ('${orderId}', 2, 'work-order.completed', null, now(), '{}');
  insert into received_message (message_id, channel, origin, verdict, order_id, work_order_id, body_sha256, sealed_body)
  values (gen_random_uuid(), 'kafka', 'orders/0@0', 'accepted', '${orderId}', 'WO-1', decode('${sha256(body)}', 'hex'), 'sealed');
  insert into orphan (platform_id, resource_id, operation, marker, order_id) values ('dc-1', 'vm-2', 'vm.create', 'ow-1', '${orderId}');
  insert into callback_delivery (order_id, url) values ('${orderId}', 'http://billing.example/');
  insert into audit (actor, action, subject, order_id, reason) values ('ops', 'orders.replay', 'WO-1', '${orderId}', 'why not')`;

describe('the tables as the checkers read them', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  beforeAll(async () => {
    database = await testDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
    pool.on('error', () => undefined); // a cut connection also fails the statement, which is where it is reported
    await pool.query(delivered);
  }, 60_000);
  afterAll(async () => {
    await pool?.end();
    await database?.drop();
  });

  const evidence = () => {
    const vm = { kind: 'vm', name: 'host', marker: 'ow-1', state: 'Running', attachedTo: null, details: {} };
    const effect = {
      at: '2026-11-21T08:00:00Z',
      operation: 'deploy',
      effect: 'created' as const,
      kind: 'vm',
      marker: 'ow-1',
    };
    return {
      sql: pool,
      clouds: [{ name: 'dc-1', resources: [{ ...vm, id: 'vm-1' }], effects: [{ ...effect, id: 'vm-1' }] }],
      sent: [
        {
          channel: 'kafka' as const,
          bytes: body,
          answer: 'acknowledged' as const,
          place: { topic: 'orders', partition: 0, offset: '0' },
        },
      ],
      intake: { topic: 'orders', partitions: [{ partition: 0, committed: 1, end: 1 }] },
    };
  };

  it('are one row of each, with what a checker needs', async () => {
    const rows = await readRows(pool);
    expect(rows).toMatchObject({
      orders: [{ orderId, kind: 'billing', status: 'completed', finished: true, holds: 1, eventSequence: 2 }],
      items: [{ orderId, itemIndex: 0, resourceId: 'r1', status: 'completed' }],
      operations: [
        { orderId, number: 0, marker: 'ow-1', state: 'done', resourceId: 'vm-1', finished: true, dueAt: null },
      ],
      events: [
        { sequence: 1, type: 'item.completed', itemIndex: 0, data: { cloudResourceIds: ['vm-1'] } },
        { sequence: 2, type: 'work-order.completed', itemIndex: null },
      ],
      messages: [{ origin: 'orders/0@0', verdict: 'accepted', sha256: sha256(body), sealed: true, resubmitted: false }],
      orphans: [{ resourceId: 'vm-2', orderId, state: 'found' }],
      callbacks: [{ orderId, state: 'due' }],
      audit: [{ actor: 'ops', action: 'orders.replay', subject: 'WO-1', orderId, reason: 'why not' }],
    });
    expect(rows.orders[0]?.preparations).toEqual(['dc-1 default-network/u1']);
  });

  it('hold nothing against a delivered order', async () => {
    expect((await checkInvariants(evidence())).violations).toEqual([]);
  });

  // Broken where it would be broken: in the database of a run, in a transaction that is taken back.
  it.each([
    ['I1', 'delete from received_message', 'its row is not'],
    ['I2', `update received_message set verdict = 'duplicate'`, 'was accepted 0 times'],
    ['I4', `update cloud_operation set marker = 'ow-2'`, 'no operation with this marker'],
    ['I6', `update cloud_operation set finished_at = null, state = 'inFlight'`, 'its vm.create is inFlight'],
    ['I7', `update work_order_item set status = 'provisioning'`, 'its item 0 is provisioning'],
    [
      'I9',
      `update event set type = 'work-order.failed' where sequence = 2`,
      'its events end it with work-order.failed',
    ],
    ['I10', 'update event set sequence = 9 where sequence = 2', 'are numbered 1 9'],
    [
      'I19',
      `insert into audit (actor, action, subject, reason) values ('ops', 'orders.hold', 'WO-1', '')`,
      'no reason',
    ],
  ])('show %s broken after "%s"', async (invariant, statement, says) => {
    await pool.query('begin');
    try {
      await pool.query(statement);
      const { violations } = await checkInvariants(evidence());
      expect(
        violations
          .filter((one) => one.invariant === invariant)
          .map(({ text }) => text)
          .join('\n'),
      ).toContain(says);
    } finally {
      await pool.query('rollback');
    }
  });
});
