import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import {
  type IncomingDelivery,
  Intake,
  type IntakeOptions,
  openBody,
  secretContext,
} from '../../src/consumers/intake.js';
import { createSealer, type Sealer } from '../../src/secrets.js';
import { readSecret } from '../../src/store/secrets.js';
import { readRejectedMessages } from '../../src/store/rejected-messages.js';
import { everything, openStore, surroundings, until } from '../store/support.js';
import { fixture, order60, orderMessage } from './messages.js';

const [oldKey, newKey] = [Buffer.alloc(32, 3).fill(9, 0, 4), Buffer.alloc(32, 4).fill(9, 0, 4)];

const delivery = (content: Uint8Array | string | object, change: Partial<IncomingDelivery> = {}): IncomingDelivery => ({
  channel: 'http',
  origin: '127.0.0.1',
  bytes:
    content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
  contentType: null,
  headers: {},
  ...change,
});

describe('the door', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  let begun: { orderId: string; claimed: boolean }[];
  beforeEach(async () => {
    store = await openStore();
    begun = [];
  });
  afterEach(() => store.close());

  function openDoor(change: Partial<IntakeOptions> & { keys?: Uint8Array[] } = {}): { intake: Intake; sealer: Sealer } {
    const sealer = createSealer(change.keys ?? [oldKey]);
    const intake = new Intake({
      pool: store.pool,
      sealer,
      identity: { workerId: 'w1' },
      surroundings: () => surroundings,
      callbackWarnings: () => [],
      begin: ({ state }, _order, claimed) => begun.push({ orderId: state.orderId, claimed }),
      ...change,
    });
    return { intake, sealer };
  }

  const messages = async () =>
    (
      await store.pool.query<{
        verdict: string;
        sealed_body: Buffer;
        sealed_proposal: Buffer | null;
        code: string | null;
      }>('select verdict, code, sealed_body, sealed_proposal from received_message order by received_at, message_id')
    ).rows;
  const count = async (table: string) =>
    Number((await store.pool.query<{ count: string }>(`select count(*) from ${table}`)).rows[0]?.count);

  describe('takes an order', () => {
    it('whole, and hands it to the engine once it is stored', async () => {
      const { intake, sealer } = openDoor();
      const receipt = await intake.receive(delivery(fixture('order-60.json')));
      expect(receipt).toMatchObject({
        verdict: 'accepted',
        code: null,
        status: 'received',
        workOrderId: order60.workOrderId,
      });
      expect(begun).toEqual([{ orderId: receipt.orderId, claimed: true }]);
      expect(await everything(store.pool)).toMatchObject({
        work_order: [{ worker_id: 'w1', status: 'received' }],
        work_order_item: [{}, {}, {}, {}],
        event: [{ type: 'work-order.received', sequence: 1 }],
      });
      const sealed = await readSecret(store.pool, receipt.orderId ?? '', 1, 'rootPassword');
      expect(sealer.open(sealed ?? Buffer.alloc(0), secretContext(receipt.orderId ?? '', 1, 'rootPassword'))).toBe(
        '123456',
      );
    });

    it('whose sealed password opens in no other place', async () => {
      const { intake, sealer } = openDoor();
      const { orderId } = await intake.receive(delivery(fixture('order-60.json')));
      const sealed = (await readSecret(store.pool, orderId ?? '', 1, 'rootPassword')) ?? Buffer.alloc(0);
      const places = [
        secretContext('00000000-0000-0000-0000-000000000000', 1, 'rootPassword'),
        secretContext(orderId ?? '', 2, 'rootPassword'),
        secretContext(orderId ?? '', 1, 'vmPassword'),
      ];
      for (const place of places) expect(() => sealer.open(sealed, place)).toThrow('belongs to something else');
    });

    it('and names what it mended and what the sender should know', async () => {
      const { intake } = openDoor({
        callbackWarnings: () => [{ path: 'msghandler_url', code: 'URL_HOST_NOT_ALLOWED', message: 'not there' }],
      });
      const receipt = await intake.receive(delivery(fixture('order-23.msg-wrapped.json')));
      expect(receipt.verdict).toBe('accepted');
      expect(receipt.repairs.length).toBeGreaterThan(0);
      expect(receipt.warnings).toContainEqual(expect.objectContaining({ code: 'URL_HOST_NOT_ALLOWED' }));
      const { rows } = await store.pool.query<{ warnings: unknown; repairs: unknown }>(
        'select warnings, repairs from work_order_document',
      );
      expect(rows).toEqual([{ warnings: receipt.warnings, repairs: receipt.repairs }]);
    });

    it('and holds the one that nobody could have meant, with its reason', async () => {
      const { intake } = openDoor();
      const receipt = await intake.receive(delivery(fixture('order-84-hand-edited.json')));
      expect(receipt).toMatchObject({ verdict: 'held', status: 'held' });
      expect(receipt.holds[0]).toMatchObject({ code: receipt.code, message: expect.stringMatching(/\w/) });
      expect(await messages()).toMatchObject([{ verdict: 'held', code: receipt.code }]);
      const { event } = await everything(store.pool);
      expect(event).toMatchObject([{ type: 'work-order.received' }, { type: 'work-order.held' }]);
    });

    it('whose things another order has, without a claim to them', async () => {
      const { intake } = openDoor();
      await intake.receive(delivery(order60));
      await intake.receive(delivery({ ...order60, workOrderId: 'WO-other' }));
      expect(begun.map(({ claimed }) => claimed)).toEqual([true, false]);
    });
  });

  describe('recognises the same order', () => {
    const same = { verdict: 'duplicate', code: 'ORD_DUPLICATE', problems: [], differences: [], status: 'received' };

    it('when it comes again, however it is written', async () => {
      const { intake } = openDoor();
      const first = await intake.receive(delivery(fixture('order-60.json')));
      const before = await everything(store.pool);
      const reordered = Object.fromEntries(Object.entries(order60).toReversed());
      const form = `msg=${encodeURIComponent(JSON.stringify(order60))}`;
      for (const again of [fixture('order-60.json'), reordered, { msg: order60 }, form]) {
        expect(await intake.receive(delivery(again))).toMatchObject({ ...same, orderId: first.orderId });
      }
      expect(begun).toHaveLength(1);
      expect(await everything(store.pool)).toEqual(before);
      expect((await messages()).map(({ verdict }) => verdict)).toEqual([
        'accepted',
        ...Array<string>(4).fill('duplicate'),
      ]);
    });

    it('within one batch', async () => {
      const { intake } = openDoor();
      const receipts = await intake.receiveAll([delivery(order60), delivery(orderMessage('WO-2')), delivery(order60)]);
      expect(receipts).toMatchObject([{ verdict: 'accepted' }, { verdict: 'accepted' }, same]);
      expect(begun.map(({ orderId }) => orderId)).toEqual([receipts[0]?.orderId, receipts[1]?.orderId]);
    });

    it('among 100 copies that come at once', async () => {
      // Two doors, as two processes have them: the copies do not meet before the database.
      const [one, other] = [openDoor().intake, openDoor().intake];
      const receipts = await Promise.all(
        Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : other).receive(delivery(order60))),
      );
      expect(receipts.filter(({ verdict }) => verdict === 'accepted')).toHaveLength(1);
      expect(receipts.filter(({ verdict }) => verdict === 'duplicate')).toHaveLength(99);
      expect(new Set(receipts.map(({ orderId }) => orderId)).size).toBe(1);
      expect(begun).toHaveLength(1);
      expect(await count('event')).toBe(1);
      expect(await count('received_message')).toBe(100);
    });

    it('after the secret key was changed, and still tells another password from it', async () => {
      await openDoor({ keys: [oldKey] }).intake.receive(delivery(order60));
      const { intake } = openDoor({ keys: [newKey, oldKey] });
      expect(await intake.receive(delivery(order60))).toMatchObject(same);
      const other = JSON.stringify(order60).replace('123456', '123457');
      expect(await intake.receive(delivery(other))).toMatchObject({ verdict: 'conflict' });
    });

    it('as the one that ended long ago', async () => {
      const { intake } = openDoor();
      await intake.receive(delivery(order60));
      await store.pool.query(`update work_order set status = 'completed', finished_at = now()`);
      expect(await intake.receive(delivery(order60))).toMatchObject({ ...same, status: 'completed' });
    });
  });

  describe('refuses other content under a known id', () => {
    it('and names the fields that differ', async () => {
      const { intake } = openDoor();
      const first = await intake.receive(delivery(order60));
      const before = await everything(store.pool);
      const changed = JSON.stringify({ ...order60, userId: 'somebody-else' }).replace(
        String.raw`\"volumeSize\": \"80\"`,
        String.raw`\"volumeSize\": \"90\"`,
      );
      const receipt = await intake.receive(delivery(changed));
      expect(receipt).toMatchObject({
        verdict: 'conflict',
        code: 'ORD_CONFLICT_BODY',
        orderId: first.orderId,
        status: 'received',
      });
      expect(receipt.differences).toContainEqual({
        path: 'userId',
        first: expect.anything(),
        second: '"somebody-else"',
      });
      expect(receipt.problems[0]?.message).toContain('userId');
      expect(receipt.differences.length).toBeGreaterThan(0);
      expect(await everything(store.pool)).toEqual(before);
      expect(begun).toHaveLength(1);
    });

    it('when both come in one batch', async () => {
      const { intake } = openDoor();
      const receipts = await intake.receiveAll([
        delivery(order60),
        delivery({ ...order60, userId: 'x' }),
        delivery(order60),
      ]);
      expect(receipts.map(({ verdict }) => verdict)).toEqual(['accepted', 'conflict', 'duplicate']);
      expect(receipts[1]?.differences.map(({ path }) => path)).toEqual(['userId']);
    });

    it('with another password, without showing either', async () => {
      const { intake } = openDoor();
      await intake.receive(delivery(order60));
      const receipt = await intake.receive(delivery(JSON.stringify(order60).replace('123456', 's3cret-Other')));
      expect(receipt).toMatchObject({ verdict: 'conflict' });
      expect(receipt.differences).toEqual([
        { path: expect.stringMatching(/rootPassword$/), first: '(secret differs)', second: '(secret differs)' },
      ]);
      expect(JSON.stringify(receipt)).not.toMatch(/123456|s3cret/);
    });
  });

  describe('keeps what it cannot read', () => {
    const specimens: [string, Uint8Array][] = [
      ['cut off', fixture('order-60.json').subarray(0, 700)],
      ['with broken quotes', fixture('order-23-broken-quotes.txt')],
      ['with an unescaped config', fixture('order-60-unescaped.txt')],
      ['as Python prints it', fixture('order-86.python-repr.txt')],
      ['in bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x80])],
      ['of nothing but blanks', Buffer.from(' \n')],
      ['of 1 MB of brackets', Buffer.alloc(1_000_000, '[')],
      ['of no byte at all', Buffer.alloc(0)],
    ];

    it.each(specimens)('a message %s, byte for byte and sealed', async (_what, bytes) => {
      const { intake, sealer } = openDoor();
      const receipt = await intake.receive(delivery(bytes));
      const [kept] = await messages();
      expect(kept).toMatchObject({ verdict: receipt.verdict, code: receipt.code });
      const opened = openBody(sealer, kept?.sealed_body ?? Buffer.alloc(0));
      expect(Buffer.compare(opened, bytes)).toBe(0);
      if (receipt.verdict === 'accepted') return;
      expect(receipt.problems[0]).toMatchObject({ code: receipt.code });
      expect(begun).toEqual([]);
    });

    it('with the text it would read instead, sealed as well', async () => {
      const { intake, sealer } = openDoor();
      const receipt = await intake.receive(delivery(fixture('order-23-broken-quotes.txt')));
      expect(receipt).toMatchObject({ verdict: 'set-aside', workOrderId: 'WO20171208090758640274FMkh' });
      const [kept] = await messages();
      const proposal = Buffer.from(openBody(sealer, kept?.sealed_proposal ?? Buffer.alloc(0)));
      expect(await intake.receive(delivery(proposal))).toMatchObject({ verdict: 'accepted' });
    });

    it('and goes on with the good ones beside it', async () => {
      const { intake } = openDoor();
      const receipts = await intake.receiveAll([
        delivery('{'),
        delivery(order60),
        delivery('nonsense'),
        delivery(orderMessage('WO-2')),
        delivery(Buffer.alloc(0)),
      ]);
      expect(receipts.map(({ verdict }) => verdict === 'accepted')).toEqual([false, true, false, true, false]);
      expect(await count('work_order')).toBe(2);
      expect(await count('received_message')).toBe(5);
      const told = await until('three are told as rejected', async () => {
        const rows = await readRejectedMessages(
          store.pool,
          { tx: '0', orderId: '00000000-0000-0000-0000-000000000000', sequence: 0 },
          9,
        );
        return rows.length === 3 && rows;
      });
      expect(told.map(({ messageId }) => messageId).toSorted()).toEqual(
        [0, 2, 4].map((i) => receipts[i]?.messageId).toSorted(),
      );
    });

    it('once, when Kafka delivers the same record again', async () => {
      const { intake } = openDoor();
      const record = delivery('{', { channel: 'kafka', origin: 'work-orders/3@17' });
      await intake.receiveAll([record]);
      await intake.receiveAll([record]);
      await intake.receiveAll([{ ...record, origin: 'work-orders/3@18' }]);
      expect(await count('received_message')).toBe(2);
    });
  });

  it('lets no password into any column, event or receipt in clear', async () => {
    const { intake } = openDoor();
    const canary = 'cAnary-0815-pässwörd';
    const text = JSON.stringify(order60).replace('123456', canary);
    const broken = fixture('order-23-broken-quotes.txt').toString().replace('123456', canary);
    const receipts = await intake.receiveAll([
      delivery(text),
      delivery(broken),
      delivery(text.slice(0, -3)),
      delivery(text),
    ]);
    expect(JSON.stringify(receipts)).not.toContain('cAnary');
    const { rows: tables } = await store.pool.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    );
    const spellings = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64'), 'cAnary'];
    for (const { name } of tables) {
      const { rows } = await store.pool.query<{ row: string }>(`select t::text as row from ${name} t`);
      for (const { row } of rows) for (const spelling of spellings) expect(row).not.toContain(spelling);
    }
  });

  describe('promises nothing while the database is away', () => {
    it('and takes the same order once it is back', async () => {
      const away = new Error('connect ECONNREFUSED');
      let isAway = true;
      const connect = () => (isAway ? Promise.reject(away) : store.pool.connect());
      const { intake } = openDoor({ pool: { connect } as unknown as pg.Pool });
      const answers = await Promise.allSettled(
        [delivery(order60), delivery('{'), delivery(orderMessage('WO-2'))].map((one) => intake.receive(one)),
      );
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(begun).toEqual([]);
      isAway = false;
      expect(await intake.receive(delivery(order60))).toMatchObject({ verdict: 'accepted' });
      expect(begun).toHaveLength(1);
    });

    it('and leaves nothing when it goes away half-way', async () => {
      const { intake } = openDoor();
      // New connections look at that table first: this one is there before.
      const mine = await store.pool.connect();
      await mine.query('alter table received_message rename to hidden');
      await expect(intake.receive(delivery(order60))).rejects.toMatchObject({ code: '42P01' });
      expect(begun).toEqual([]);
      await mine.query('alter table hidden rename to received_message');
      mine.release();
      expect(await count('work_order')).toBe(0);
      expect(await intake.receive(delivery(order60))).toMatchObject({ verdict: 'accepted' });
    });
  });
});
