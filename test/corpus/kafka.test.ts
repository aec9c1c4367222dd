/** The corpus through a real broker and the consumer of the whole program. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { createKafka, ensureTopics } from '../../src/consumers/kafka-client.js';
import { until } from '../store/support.js';
import { kafkaForTests, uniqueTopic } from '../support/kafka.js';
import { differences, keptMessages, seenInRow } from './answers.js';
import { type CorpusCase, corpusFile, readCorpus, textOf } from './corpus.js';
import { type CorpusWorld, goodOrder, startCorpusWorld } from './world.js';

const { CompressionCodecs, CompressionTypes, Partitioners } = kafkajs;

type Text = Parameters<typeof textOf>[0];
type HeaderText = Text | { hex: string };

/** A record as the files describe it. */
interface RecordFile {
  key?: string;
  value: Text | null;
  headers?: Record<string, HeaderText | string[]>;
  /** `gzip`, or a batch whose compressed part is these bytes. */
  compression?: 'gzip' | { type: number; bytes: string };
}

interface Sent {
  one: CorpusCase | null;
  bytes: Buffer;
  offset: number;
}

const corpus = readCorpus().filter(
  ({ kind, expect: { onlyHttp } }) => (kind === 'message' && !onlyHttp) || kind === 'kafka',
);
const nameOf = ({ code, file }: CorpusCase): string => `${code}/${file}`;
const idOf = (bytes: Buffer): string =>
  /"workOrderId":"([^"]+)"/.exec(bytes.toString().replaceAll('\\', ''))?.[1] ?? 'none';
const isForBroker = ({ expect: { verdict } }: CorpusCase): boolean => verdict === 'refused-by-broker';
const goodEvery = 10;

describe('over Kafka, the corpus of bad input', () => {
  let world: CorpusWorld;
  let kafka: Kafka;
  let producer: Producer;
  let topic: string;
  const sent: Sent[] = [];
  const good: string[] = [];

  beforeAll(async () => {
    const { brokers } = await kafkaForTests();
    topic = uniqueTopic('corpus.orders');
    const topics = { orders: topic, events: uniqueTopic('corpus.events'), rejected: uniqueTopic('corpus.rejected') };
    kafka = createKafka({ brokers, clientId: 'corpus', groupId: topic, topics }, pino({ level: 'silent' }));
    // The order of sending is the order of taking.
    await ensureTopics(kafka, [topic], 1);
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
    await producer.connect();
    world = await startCorpusWorld({
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_GROUP_ID: topic,
      KAFKA_TOPIC_ORDERS: topic,
      KAFKA_TOPIC_EVENTS: topics.events,
      KAFKA_TOPIC_REJECTED: topics.rejected,
    });
    const records = corpus.filter((one) => !isForBroker(one));
    for (const [i, one] of records.filter(({ expect: { once } }) => !once).entries()) {
      await sendCase(one);
      if (i % goodEvery > 0) continue;
      const id = `WO-good-${i}`;
      good.push(id);
      await send(null, Buffer.from(goodOrder(id)));
    }
    const late = records.filter(({ expect: { once } }) => once);
    for (const one of late) await send(null, corpusFile(one.code, one.expect.before ?? ''));
    await reach(
      late.map((one) => idOf(corpusFile(one.code, one.expect.before ?? ''))),
      'completed',
    );
    for (const one of late) await send(one, one.bytes);
    await taken(sent.length);
  }, 240_000);
  afterAll(() => Promise.all([world.stop(), producer.disconnect()]));

  async function sendCase(one: CorpusCase): Promise<void> {
    if (one.kind === 'message') {
      const { before, copies } = one.expect;
      if (before !== undefined) await send(null, corpusFile(one.code, before));
      for (let copy = 0; copy < (copies ?? 1); copy++) await send(one, one.bytes);
      return;
    }
    const { key, value, headers = {}, compression } = JSON.parse(one.bytes.toString()) as RecordFile;
    const bytes = value === null ? null : Buffer.from(textOf(value));
    const named = Object.entries(headers).map(([name, text]) => [name, headerOf(text)] as const);
    await send(one, bytes, key ?? null, Object.fromEntries(named), compression === 'gzip' ? CompressionTypes.GZIP : 0);
  }

  async function send(
    one: CorpusCase | null,
    value: Buffer | null,
    key: string | null = null,
    headers: Record<string, Buffer | string | string[]> = {},
    compression = 0,
  ): Promise<void> {
    const [written] = await producer.send({
      topic,
      acks: -1,
      compression,
      messages: [{ key, value, headers, partition: 0 }],
    });
    sent.push({ one, bytes: value ?? Buffer.alloc(0), offset: Number(written?.baseOffset) });
  }

  async function reach(ids: string[], status: string): Promise<void> {
    await until(
      `${ids.join(', ')} are ${status}`,
      async () => {
        const { rows } = await world.pool.query(
          'select 1 from work_order where work_order_id = any($1) and status = $2',
          [ids, status],
        );
        return rows.length === new Set(ids).size;
      },
      60_000,
    );
  }

  /** Until so many records are kept. */
  const taken = (count: number): Promise<unknown> =>
    until(
      'every record is kept',
      async () => {
        const { rows } = await world.pool.query<{ count: string }>('select count(*) from received_message');
        return Number(rows[0]?.count) >= count;
      },
      60_000,
    );

  const rowsByOffset = async () =>
    new Map((await keptMessages(world.pool)).map((row) => [Number(row.origin.split('@')[1]), row]));

  it('gives every record its code and its place', async () => {
    await reach(
      corpus.filter(({ expect: { verdict } }) => verdict === 'held-by-planning').map(({ bytes }) => idOf(bytes)),
      'held',
    );
    const rows = await rowsByOffset();
    const wrong = sent.flatMap(({ one, offset }) => {
      if (one === null) return [];
      const row = rows.get(offset);
      return (row ? differences(one, seenInRow(row)) : ['not kept']).map((what) => `${nameOf(one)}: ${what}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps every record whole, byte for byte', async () => {
    const rows = await rowsByOffset();
    const lost = sent.filter(({ bytes, offset }) => {
      const row = rows.get(offset);
      return !row || !world.opened(row.sealed_body).equals(bytes);
    });
    expect(lost.map(({ one, offset }) => (one ? nameOf(one) : `record ${offset}`))).toEqual([]);
    expect(rows.size).toBe(sent.length);
  });

  it('is not put off by batches that the broker does not take', async () => {
    for (const one of corpus.filter(isForBroker)) {
      const { value, compression } = JSON.parse(one.bytes.toString()) as RecordFile;
      if (typeof compression !== 'object') throw new Error(`${nameOf(one)} names no batch`);
      await expect(sendBatch(Buffer.from(textOf(value ?? '')), compression)).rejects.toThrow();
    }
    const id = 'WO-good-behind-bad-batches';
    await send(null, Buffer.from(goodOrder(id)));
    await reach([id], 'completed');
  });

  /** A batch with these bytes where the compressed records belong. */
  async function sendBatch(value: Buffer, { type, bytes }: { type: number; bytes: string }): Promise<void> {
    const codecs = CompressionCodecs as Record<number, unknown>;
    const before = codecs[type];
    const compress = (encoder: { buffer: Buffer }) =>
      Promise.resolve(bytes === 'as-they-are' ? encoder.buffer : Buffer.from(bytes, 'hex'));
    codecs[type] = () => ({ compress, decompress: () => Promise.reject(new Error('nobody reads this')) });
    try {
      await producer.send({ topic, acks: -1, compression: type, messages: [{ value, partition: 0 }] });
    } finally {
      if (before === undefined) delete codecs[type];
      else codecs[type] = before;
    }
  }

  it('lets good orders between bad ones be completed', async () => {
    await reach(good, 'completed');
    expect(good.length).toBeGreaterThan(20);
  }, 90_000);

  it('makes one order of a hundred copies', async () => {
    const { rows } = await world.pool.query<{ count: string }>(
      `select count(*) from work_order where work_order_id = 'WO-ord_duplicate.a-hundred-copies'`,
    );
    expect(rows).toEqual([{ count: '1' }]);
  });

  it('says no secret in the log, and brings nothing down', () => {
    const secrets = new Set([...corpus.flatMap(({ expect: { secrets: some } }) => some ?? []), 'Corpus-Pass-1']);
    expect([...secrets].filter((secret) => world.log().includes(secret))).toEqual([]);
    // What kafkajs says of a broker that is still starting is not about any record.
    const errors = world
      .log()
      .split('\n')
      .filter((line) => /"level":(?:50|60)/.test(line) && !line.includes('"kafka":'));
    expect(errors).toEqual([]);
    expect(world.fatal).toEqual([]);
  });
});

function headerOf(text: HeaderText | string[]): Buffer | string | string[] {
  if (Array.isArray(text)) return text;
  return typeof text === 'object' && 'hex' in text ? Buffer.from(text.hex, 'hex') : textOf(text);
}
