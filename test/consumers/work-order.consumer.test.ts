import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { type IncomingDelivery, Intake, type Receipt } from '../../src/consumers/intake.js';
import { createKafka, ensureTopics } from '../../src/consumers/kafka-client.js';
import { WorkOrderConsumer, type WorkOrderConsumerOptions } from '../../src/consumers/work-order.consumer.js';
import { createSealer } from '../../src/secrets.js';
import { openStore, surroundings, until } from '../store/support.js';
import { kafkaForTests, uniqueTopic } from '../support/kafka.js';
import { compressions, recordsOf, writeWith } from './compressed.js';
import { orderMessage } from './messages.js';

const { CompressionCodecs, CompressionTypes, Partitioners } = kafkajs;
const silent = pino({ level: 'silent' });

describe('the consumer of work orders', () => {
  let kafka: Kafka;
  let admin: Admin;
  let producer: Producer;
  const consumers: WorkOrderConsumer[] = [];
  const ends: (() => void)[] = [];

  beforeAll(async () => {
    const { brokers } = await kafkaForTests();
    kafka = createKafka(
      { brokers, clientId: 'tests', groupId: '', topics: { orders: '', events: '', rejected: '' } },
      silent,
    );
    admin = kafka.admin();
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
    await Promise.all([admin.connect(), producer.connect()]);
  }, 180_000);
  afterEach(() => stopAll());
  afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]));

  const stopAll = async () => {
    const stopped = Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
    for (const end of ends.splice(0)) end();
    await stopped;
  };

  async function topicOf(partitions: number): Promise<string> {
    const topic = uniqueTopic('orders');
    await ensureTopics(kafka, [topic], partitions);
    return topic;
  }
  async function start(
    topic: string,
    receiveAll: Intake['receiveAll'],
    change: Partial<WorkOrderConsumerOptions> = {},
  ) {
    const dead: string[] = [];
    const consumer = new WorkOrderConsumer({
      kafka,
      groupId: topic,
      topic,
      intake: { receiveAll },
      log: silent,
      onDead: (reason) => dead.push(reason),
      ...change,
    });
    consumers.push(consumer);
    await consumer.start();
    return { consumer, dead };
  }
  /** A store that answers no more until the test is over. */
  const hanging: Intake['receiveAll'] = () => new Promise((resolve) => ends.push(() => resolve([])));
  /** A store that remembers what it was given. */
  function remembering() {
    const kept: IncomingDelivery[] = [];
    const texts = () => kept.map(({ bytes }) => Buffer.from(bytes).toString());
    const receiveAll = async (deliveries: IncomingDelivery[]): Promise<Receipt[]> => {
      kept.push(...deliveries);
      return [];
    };
    return { kept, texts, receiveAll };
  }
  const committed = async (topic: string): Promise<string[]> => {
    const [offsets] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    return (offsets?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  };
  const send = (topic: string, values: (string | Buffer | null)[], partition = 0) =>
    producer.send({ topic, acks: -1, messages: values.map((value) => ({ value, partition })) });
  const caughtUp = (consumer: WorkOrderConsumer) => until('nothing waits', async () => (await consumer.lag()) === 0);

  it('commits an offset only when the records are stored, and then the one after them', async () => {
    const topic = await topicOf(1);
    await send(topic, ['a', 'b', 'c']);
    let given = 0;
    let finish: () => void = () => {};
    const stored = new Promise<void>((resolve) => (finish = resolve));
    const { consumer } = await start(topic, async (deliveries) => {
      given += deliveries.length;
      await stored;
      return [];
    });
    await until('the records arrive', () => given === 3);
    expect(await committed(topic)).toEqual(['-1']);
    expect(await consumer.lag()).toBe(3);
    finish();
    await caughtUp(consumer);
    expect(await committed(topic)).toEqual(['3']);
  });

  it('reads on where the group stopped', async () => {
    const topic = await topicOf(1);
    const { receiveAll, texts } = remembering();
    await send(topic, ['a', 'b']);
    await caughtUp((await start(topic, receiveAll)).consumer);
    await stopAll();
    await send(topic, ['c']);
    await caughtUp((await start(topic, receiveAll)).consumer);
    expect(texts()).toEqual(['a', 'b', 'c']);
  });

  it('says of each record where it came from, with its headers as short text', async () => {
    const topic = await topicOf(1);
    const { receiveAll, kept } = remembering();
    const headers = { trace: 'abc', bytes: Buffer.from([0xff, 0xfe]), long: 'x'.repeat(8_192), twice: ['1', '2'] };
    await producer.send({ topic, messages: [{ value: 'a', headers }] });
    await caughtUp((await start(topic, receiveAll)).consumer);
    expect(kept).toMatchObject([{ channel: 'kafka', origin: `${topic}/0@0`, contentType: null }]);
    expect(kept[0]?.headers).toMatchObject({ trace: 'abc', long: `${'x'.repeat(199)}…`, twice: '1' });
  });

  it('keeps what cannot be taken, passes it, and takes the good ones around it', async () => {
    const topic = await topicOf(1);
    const store = await openStore();
    try {
      const begun: string[] = [];
      const intake = new Intake({
        pool: store.pool,
        sealer: createSealer(Buffer.alloc(32, 1).fill(2, 0, 3)),
        identity: { workerId: 'w1' },
        surroundings: () => surroundings,
        callbackWarnings: () => [],
        begin: ({ state }) => begun.push(state.workOrderId),
      });
      const good = ['WO-1', 'WO-2', 'WO-3'].map((id) => JSON.stringify(orderMessage(id)));
      const megabyte = Buffer.alloc(1_000_000, '[');
      await send(topic, [good[0] ?? '', '{"cut":', null, '', good[1] ?? '', Buffer.from([0xff, 0x80])]);
      await send(topic, [megabyte]);
      await send(topic, [good[2] ?? '', good[0] ?? '']);
      const { consumer } = await start(topic, (deliveries) => intake.receiveAll(deliveries));
      await caughtUp(consumer);
      expect(begun).toEqual(['WO-1', 'WO-2', 'WO-3']);
      const { rows } = await store.pool.query<{ origin: string; verdict: string; code: string }>(
        `select origin, verdict, code from received_message order by split_part(origin, '@', 2)::int`,
      );
      expect(rows.map(({ verdict, code }) => `${verdict} ${code}`)).toEqual([
        'accepted null',
        expect.stringMatching(/^(set-aside|refused) MSG_/),
        'skipped MSG_TOMBSTONE',
        'refused MSG_EMPTY',
        'accepted null',
        expect.stringMatching(/^(set-aside|refused) MSG_UTF8/),
        'refused MSG_JSON_DEPTH',
        'accepted null',
        'duplicate ORD_DUPLICATE',
      ]);
      expect(rows[6]?.origin).toBe(`${topic}/0@6`);
    } finally {
      await stopAll();
      await store.close();
    }
  });

  it.each(Object.keys(compressions))('reads batches compressed with %s', async (name) => {
    const topic = await topicOf(1);
    const compression = compressions[name];
    if (!compression) throw new Error('no such compression');
    const original = CompressionCodecs[compression.type as keyof typeof CompressionCodecs];
    const records = recordsOf(100);
    writeWith(compression);
    try {
      await producer.send({ topic, acks: -1, compression: compression.type, messages: records });
    } finally {
      CompressionCodecs[compression.type as keyof typeof CompressionCodecs] = original;
    }
    const { receiveAll, texts } = remembering();
    const { consumer, dead } = await start(topic, receiveAll);
    await caughtUp(consumer);
    expect(texts()).toEqual(records.map(({ value }) => value));
    expect(dead).toEqual([]);
  });

  it('waits while the database is away, and then goes on with the same records', async () => {
    const topic = await topicOf(2);
    const { receiveAll, texts } = remembering();
    // The second kind of error would end a kafkajs consumer if it got out (K1).
    const errors = [new Error('connect ECONNREFUSED'), new TypeError('undefined is not a pool')];
    let refused = 0;
    const { consumer, dead } = await start(topic, async (deliveries) => {
      const isFirst = deliveries.some(({ origin }) => origin === `${topic}/0@0`);
      const error = isFirst ? errors.shift() : undefined;
      if (!error) return receiveAll(deliveries);
      refused += 1;
      throw error;
    });
    await send(topic, ['a', 'b', 'c']);
    await until('the records were refused', () => refused > 0);
    expect((await committed(topic))[0]).toBe('-1');
    // The other partition is not held up.
    await send(topic, ['x'], 1);
    await caughtUp(consumer);
    expect(refused).toBe(2);
    expect(texts().filter((text) => text !== 'x')).toEqual(['a', 'b', 'c']);
    expect(dead).toEqual([]);
  });

  it('loses nothing when a second one joins and the first one leaves', async () => {
    const topic = await topicOf(4);
    const { receiveAll, texts } = remembering();
    const slowly: Intake['receiveAll'] = async (deliveries) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return receiveAll(deliveries);
    };
    const sent: string[] = [];
    const more = async (count: number) => {
      const values = Array.from({ length: count }, () => `record ${sent.push('')}`);
      await Promise.all(
        [0, 1, 2, 3].map((p) =>
          send(
            topic,
            values.filter((_, i) => i % 4 === p),
            p,
          ),
        ),
      );
      return values;
    };
    const wanted = await more(400);
    const first = await start(topic, slowly);
    await until('some are stored', () => texts().length > 0);
    const second = await start(topic, slowly);
    wanted.push(...(await more(400)));
    await until('both belong to the group', () => first.consumer.joined && second.consumer.joined);
    await first.consumer.stop();
    wanted.push(...(await more(400)));
    await caughtUp(second.consumer);
    expect(new Set(texts())).toEqual(new Set(wanted));
    expect(await committed(topic)).toEqual(Array(4).fill('300'));
    expect([...first.dead, ...second.dead]).toEqual([]);
  });

  it('says that it is dead when kafkajs has given up for good', async () => {
    const topic = await topicOf(1);
    const codec = CompressionCodecs[CompressionTypes.Snappy];
    writeWith(compressions['bare snappy'] ?? { type: 0, compress: null });
    await producer.send({ topic, compression: CompressionTypes.Snappy, messages: [{ value: 'a' }] });
    CompressionCodecs[CompressionTypes.Snappy] = () => {
      throw new kafkajs.KafkaJSNonRetriableError('no such codec');
    };
    try {
      const { dead, consumer } = await start(topic, remembering().receiveAll);
      await until('it is dead', () => dead.length > 0);
      expect(dead).toEqual([expect.stringContaining('no such codec')]);
      expect(consumer.joined).toBe(false);
    } finally {
      CompressionCodecs[CompressionTypes.Snappy] = codec;
    }
  });

  describe('watches itself, and', () => {
    /** Counts how often it has looked for waiting records. */
    function looks(consumer: WorkOrderConsumer) {
      const counter = { count: 0 };
      const lag = consumer.lag.bind(consumer);
      consumer.lag = async (of) => {
        counter.count += 1;
        return lag(of);
      };
      return counter;
    }

    it('says that it is dead when records wait and nothing moves', async () => {
      const topic = await topicOf(1);
      await send(topic, ['a']);
      const { dead } = await start(topic, hanging, { silenceMs: 200 });
      await until('it is dead', () => dead.length > 0);
      expect(dead[0]).toMatch(/no progress for .* with 1 records waiting/);
    });

    it('is content with silence while nothing waits, even what was deleted, aborted or only marks a transaction', async () => {
      const topic = await topicOf(1);
      await send(topic, ['deleted', 'deleted']);
      // kafkajs knows the leader only of topics it was asked about.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
      const { consumer, dead } = await start(topic, remembering().receiveAll, { silenceMs: 200 });
      const looked = looks(consumer);
      await until('it has looked twice', () => looked.count >= 2);
      const transactional = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
      await transactional.connect();
      const aborted = await transactional.transaction();
      await aborted.send({ topic, messages: [{ value: 'never said' }] });
      await aborted.abort();
      const done = await transactional.transaction();
      await done.send({ topic, messages: [{ value: 'said' }] });
      await done.commit();
      await transactional.disconnect();
      await caughtUp(consumer);
      const before = looked.count;
      await until('it has looked some more', () => looked.count >= before + 3);
      expect(dead).toEqual([]);
    });

    it('does not take a database that is away for its own death', async () => {
      const topic = await topicOf(1);
      await send(topic, ['a']);
      let refused = 0;
      const away = () => {
        refused += 1;
        return Promise.reject(new Error('away'));
      };
      // It is told to wait for a second after each refusal.
      const { dead } = await start(topic, away, { silenceMs: 3_000 });
      await until('it was refused for longer than its silence', () => refused > 5);
      expect(dead).toEqual([]);
    });

    it('does not answer for the partitions of another member', async () => {
      const topic = await topicOf(2);
      const [stuck, idle] = [
        await start(topic, hanging),
        await start(topic, remembering().receiveAll, { silenceMs: 300 }),
      ];
      const looked = looks(idle.consumer);
      const assigned = await until('each has a partition', async () => {
        const { members } = await admin.describeGroups([topic]).then(({ groups }) => groups[0] ?? { members: [] });
        return members.length === 2 && stuck.consumer.joined && idle.consumer.joined && members;
      });
      expect(assigned).toHaveLength(2);
      await send(topic, ['a'], 0);
      await send(topic, ['b'], 1);
      await until('one record is taken', async () => (await stuck.consumer.lag()) === 1);
      const before = looked.count;
      await until('it has looked some more', () => looked.count >= before + 3);
      expect(idle.dead).toEqual([]);
    });
  });
});
