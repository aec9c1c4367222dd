/** The broker the suite runs on is a real one: what Orderwright needs of Kafka, asked of it through kafkajs. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs, { type Admin, type Consumer, type EachBatchPayload, type Kafka as Client } from 'kafkajs';
import { kafkaForTests, uniqueTopic } from '../support/kafka.js';

const { CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs;
const PARTITIONS = 4;

let client: Client;
let admin: Admin;
const consumers: Consumer[] = [];

beforeAll(async () => {
  const { brokers } = await kafkaForTests();
  client = new Kafka({
    clientId: 'broker-test',
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000 },
  });
  admin = client.admin();
  await admin.connect();
}, 180_000);

afterAll(async () => {
  for (const consumer of consumers) await consumer.disconnect();
  await admin.disconnect();
}, 60_000);

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + 45_000; !(await holds());) {
    if (Date.now() > giveUpAt) throw new Error(`waited in vain for: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A member of a group that commits by hand, as `offset + 1`, what it has noted. */
async function member(group: string, topic: string, seen: Map<string, Set<number>>): Promise<Consumer> {
  const consumer = client.consumer({
    groupId: group,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 250,
  });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const id = `m${consumers.length}`;
  seen.set(id, new Set());
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async (payload: EachBatchPayload) => {
      const { batch } = payload;
      for (const message of batch.messages) {
        if (!payload.isRunning() || payload.isStale()) return;
        seen.get(id)?.add(Number(message.value?.toString()));
        const offset = String(BigInt(message.offset) + 1n);
        await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }]);
        payload.resolveOffset(message.offset); // without it the same batch is fetched again, committed or not
      }
    },
  });
  return consumer;
}

async function produce(topic: string, from: number, to: number, compression = CompressionTypes.None): Promise<void> {
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    const messages = Array.from({ length: to - from }, (_, i) => ({ key: `order-${from + i}`, value: `${from + i}` }));
    await producer.send({ topic, acks: -1, compression, messages });
  } finally {
    await producer.disconnect();
  }
}

async function committed(group: string, topic: string): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
}

describe('the broker', () => {
  test('has a controller, and makes topics only when asked to', async () => {
    const cluster = await admin.describeCluster();
    expect(cluster.brokers).toHaveLength(1);
    expect(cluster.controller).not.toBeNull();
    const topic = uniqueTopic('made');
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })).toBe(
      true,
    );
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions).toHaveLength(PARTITIONS);
    const unknown = client.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 0 } });
    await unknown.connect();
    await expect(unknown.send({ topic: uniqueTopic('never-made'), messages: [{ value: 'x' }] })).rejects.toThrow();
    await unknown.disconnect();
  });

  test('shares a group among two members, keeps what they committed, and reads gzip', async () => {
    const topic = uniqueTopic('shared');
    const group = uniqueTopic('group');
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
    await produce(topic, 0, 100, CompressionTypes.GZIP);

    const seen = new Map<string, Set<number>>();
    const all = (): Set<number> => new Set([...seen.values()].flatMap((numbers) => [...numbers]));
    const first = await member(group, topic, seen);
    await until('the first hundred', async () => all().size === 100 && (await committed(group, topic)) === 100);

    await member(group, topic, seen);
    await until('two members with partitions', async () => {
      const { groups } = await admin.describeGroups([group]);
      return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
    });
    await produce(topic, 100, 300);
    await until('all three hundred', async () => all().size === 300 && (await committed(group, topic)) === 300);
    expect([...seen.values()].every((numbers) => numbers.size > 0)).toBe(true);

    // One leaves: the other takes its partitions over, from the committed offsets.
    await first.disconnect();
    await produce(topic, 300, 400);
    await until('the last hundred', async () => (await committed(group, topic)) === 400);
    expect(all().size).toBe(400);
    const offsets = await admin.fetchTopicOffsets(topic);
    expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBe(400);
  }, 120_000);
});
