import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Kafka, type KafkaMessage, type Message } from 'kafkajs';
import { pino } from 'pino';
import { createKafka, ensureTopics } from '../../src/consumers/kafka-client.js';
import type { CloudEvent } from '../../src/publishers/cloud-event.js';
import { EventPublisher } from '../../src/publishers/publish-events.js';
import { insertMessages } from '../../src/store/accept.js';
import { registerWorker } from '../../src/store/ownership.js';
import { saveSteps } from '../../src/store/steps.js';
import { fullStep, openStore, storedOrders, until } from '../store/support.js';
import { kafkaForTests, uniqueTopic } from '../support/kafka.js';

const silent = pino({ level: 'silent' });
const textOf = (value: unknown): string => Buffer.from(value as Buffer).toString();

let store: Awaited<ReturnType<typeof openStore>>;
beforeEach(async () => {
  store = await openStore();
});
afterEach(() => store.close());

/** Orders that have gone two steps: three events each. */
async function eventfulOrders(count: number): Promise<string[]> {
  const states = await storedOrders(store.pool, count);
  await saveSteps(
    store.pool,
    'w1',
    states.map((state) => fullStep(state)),
  );
  const further = { seenRevision: 2, storedOperations: 1, callbackUrl: null, planDocument: null };
  const again = states.map((state) => fullStep({ ...state, sequence: 2 }, further));
  await saveSteps(store.pool, 'w1', again);
  return states.map(({ workOrderId }) => workOrderId);
}

async function rejected(code: string, message: string): Promise<string> {
  const messageId = randomUUID();
  await insertMessages(store.pool, [
    {
      messageId,
      channel: 'kafka',
      origin: `work-orders/0@${messageId}`,
      verdict: 'set-aside',
      code,
      problems: [{ path: '', code, message }],
      orderId: null,
      workOrderId: 'WO-1',
      bodySha256: Buffer.alloc(32, 5),
      sealedBody: Buffer.from('sealed body'),
      sealedProposal: Buffer.from('sealed proposal'),
      headers: { secret: 'of the sender' },
      repairs: [],
    },
  ]);
  return messageId;
}

const worker = async (workerId: string) => {
  await registerWorker(store.pool, workerId);
  return workerId;
};

describe('events on their way to a real broker', () => {
  let kafka: Kafka;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const { brokers } = await kafkaForTests();
    kafka = createKafka(
      { brokers, clientId: 'tests', groupId: '', topics: { orders: '', events: '', rejected: '' } },
      silent,
    );
  }, 180_000);
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function topics() {
    const names = { events: uniqueTopic('events'), rejected: uniqueTopic('rejected') };
    await ensureTopics(kafka, Object.values(names), 3);
    return names;
  }
  async function publish(names: { events: string; rejected: string }, workerId: string): Promise<EventPublisher> {
    const publisher = new EventPublisher({
      kafka,
      sql: store.pool,
      identity: { workerId },
      installationId: 'i1',
      topics: names,
      log: silent,
      pollMs: 20,
    });
    await publisher.start();
    stops.push(() => publisher.stop());
    return publisher;
  }
  /** Everything that arrives on a topic. */
  async function read(topic: string): Promise<{ partition: number; message: KafkaMessage }[]> {
    const seen: { partition: number; message: KafkaMessage }[] = [];
    const consumer = kafka.consumer({ groupId: `read-${topic}`, maxWaitTimeInMs: 50 });
    await consumer.connect();
    stops.push(() => consumer.disconnect());
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ partition, message }) => void seen.push({ partition, message }) });
    return seen;
  }
  const eventOf = (message: KafkaMessage) => JSON.parse(textOf(message.value)) as CloudEvent;

  it("come exactly once each, in the order of their order, under the order's id", async () => {
    const names = await topics();
    const seen = await read(names.events);
    await publish(names, await worker('w1'));
    const workOrderIds = await eventfulOrders(40);
    await until('all have come', () => seen.length >= 120);
    // One more round of reading shows that nothing comes twice.
    const [last] = await eventfulOrders(1);
    await until(
      'the last ones have come',
      () => seen.filter(({ message }) => textOf(message.key) === last).length === 3,
    );
    expect(seen).toHaveLength(123);
    for (const workOrderId of workOrderIds) {
      const own = seen.filter(({ message }) => textOf(message.key) === workOrderId);
      expect(own.map(({ message }) => eventOf(message).sequence)).toEqual([1, 2, 3]);
      expect(own.every(({ message }) => eventOf(message).subject === workOrderId)).toBe(true);
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    }
    expect(new Set(seen.map(({ message }) => eventOf(message).id)).size).toBe(123);
  });

  it('say in their headers what they are', async () => {
    const names = await topics();
    const seen = await read(names.events);
    await storedOrders(store.pool, 1);
    await publish(names, await worker('w1'));
    const first = await until('it has come', () => seen[0]);
    const event = eventOf(first.message);
    expect(event).toMatchObject({
      specversion: '1.0',
      type: 'orderwright.work-order.received.v1',
      source: '/orderwright/i1',
    });
    expect(textOf(first.message.headers?.['ce_id'])).toBe(event.id);
    expect(textOf(first.message.headers?.['ce_type'])).toBe(event.type);
    expect(textOf(first.message.headers?.['content-type'])).toContain('application/cloudevents+json');
  });

  it('come again with the same ids when a publisher died before it could mark them', async () => {
    const names = await topics();
    const seen = await read(names.events);
    const publisher = await publish(names, await worker('w1'));
    await eventfulOrders(5);
    await until('all have come', () => seen.length >= 15);
    await publisher.stop();
    await store.pool.query(`update event_cursor set tx = '0', owned_until = now() - interval '1 second'`);
    await publish(names, await worker('w2'));
    await until('all have come again', () => seen.length >= 30);
    const ids = seen.map(({ message }) => eventOf(message).id);
    expect(ids.slice(15).toSorted()).toEqual(ids.slice(0, 15).toSorted());
    const bodies = new Set(seen.map(({ message }) => textOf(message.value)));
    expect(bodies.size).toBe(15);
  });

  it('are published by one of two workers at a time', async () => {
    const names = await topics();
    const seen = await read(names.events);
    await publish(names, await worker('w1'));
    await publish(names, await worker('w2'));
    const wanted = [...(await eventfulOrders(10)), ...(await eventfulOrders(10))];
    await until('all have come', () => new Set(seen.map(({ message }) => eventOf(message).id)).size === 60);
    expect(seen).toHaveLength(60);
    expect(new Set(seen.map(({ message }) => textOf(message.key)))).toEqual(new Set(wanted));
  });

  it('tell of what could not be taken with its code and reason, but nothing of its body', async () => {
    const names = await topics();
    const seen = await read(names.rejected);
    await publish(names, await worker('w1'));
    const messageId = await rejected('MSG_JSON_SYNTAX', 'line 1: cut off');
    const { message } = await until('it has come', () => seen[0]);
    const headers = Object.fromEntries(
      Object.entries(message.headers ?? {}).map(([name, value]) => [name, textOf(value)]),
    );
    expect(headers).toEqual({
      code: 'MSG_JSON_SYNTAX',
      reason: 'line 1: cut off',
      verdict: 'set-aside',
      origin: `work-orders/0@${messageId}`,
      'message-id': messageId,
    });
    expect(textOf(message.key)).toBe('WO-1');
    const body = JSON.parse(textOf(message.value)) as object;
    expect(body).toMatchObject({ messageId, code: 'MSG_JSON_SYNTAX', problems: [{ message: 'line 1: cut off' }] });
    expect(JSON.stringify([body, headers])).not.toMatch(/sealed|of the sender|(05){32}/);
  });
});

describe('events while the broker is away', () => {
  it('wait, and come in their order once it is back', async () => {
    const sent: Message[] = [];
    let failures = 3;
    const producer = {
      connect: async () => {},
      disconnect: async () => {},
      send: async ({ topic, messages }: { topic: string; messages: Message[] }) => {
        if (topic !== 'events') return;
        if (failures-- > 0) throw new kafkajs.KafkaJSConnectionError('Connection refused');
        sent.push(...messages);
      },
    };
    const publisher = new EventPublisher({
      kafka: { producer: () => producer } as unknown as Kafka,
      sql: store.pool,
      identity: { workerId: await worker('w1') },
      installationId: 'i1',
      topics: { events: 'events', rejected: 'rejected' },
      log: silent,
      pollMs: 5,
    });
    await eventfulOrders(3);
    await publisher.start();
    await until('all are sent', () => sent.length >= 9);
    await publisher.stop();
    expect(failures).toBeLessThan(0);
    const events = sent.map(({ value }) => JSON.parse(String(value)) as CloudEvent);
    expect(events).toHaveLength(9);
    for (const subject of new Set(events.map((event) => event.subject))) {
      expect(events.filter((event) => event.subject === subject).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    }
  });
});
