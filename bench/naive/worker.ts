/**
 * What a competent team writes first, for comparison (`npm run bench:naive`): a kafkajs handler, an XState actor per order
 * that invokes the cloud's calls, `save()` after every step, and unfinished orders started again from their saved state.
 */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { DataSource } from 'typeorm';
import { createActor } from 'xstate';
import { CloudStack, retry } from './cloudstack.js';
import { type Context, orderMachine } from './order.machine.js';
import { Order, OrderEntity } from './order.js';

const env = (name: string): string => process.env[`NAIVE_${name}`] ?? '';
const account = { url: env('CLOUD_URL'), apikey: env('CLOUD_API_KEY'), secretKey: env('CLOUD_SECRET_KEY') };
const machine = orderMachine(new CloudStack(account));
const url = env('DATABASE_URL');
const database = new DataSource({ type: 'postgres', url, entities: [OrderEntity], synchronize: true });
const kafka = new kafkajs.Kafka({ clientId: 'naive', brokers: env('KAFKA_BROKERS').split(',') });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
const consumer = kafka.consumer({ groupId: env('KAFKA_GROUP_ID') });

await database.initialize();
const orders = database.getRepository(OrderEntity);
await producer.connect();
for (const row of await orders.findBy({ status: 'open' })) begin(row);
await consumer.connect();
await consumer.subscribe({ topic: env('TOPIC_ORDERS'), fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    const order = read(String(message.value));
    if (!order || (await orders.existsBy({ id: order.workOrderId }))) return;
    begin(await retry(() => orders.save({ id: order.workOrderId, status: 'open', order, snapshot: null })));
  },
});
console.log('ready');

function read(text: string): Order | null {
  try {
    return Order.parse(JSON.parse(text));
  } catch (error) {
    console.error('skipped a bad message', error);
    return null;
  }
}

/** Runs the order from where it was saved. Every step is saved; the end is told before it is saved. */
function begin({ id, order, snapshot }: OrderEntity): void {
  const actor = createActor(machine, snapshot ? { input: order, snapshot: snapshot as never } : { input: order });
  let saving = Promise.resolve();
  actor.subscribe((now) => {
    const row = { id, order, status: now.status === 'done' ? String(now.value) : 'open' } as OrderEntity;
    row.snapshot = actor.getPersistedSnapshot();
    saving = saving
      .then(() => (row.status === 'open' ? undefined : retry(() => publish(row, now.context))))
      .then(() => retry(() => orders.save(row)))
      .then(() => undefined)
      .catch((error: unknown) => console.error(`${id} could not be saved`, error));
  });
  actor.start();
}

/** An event per delivered item and one for the order. A failed order tells what it leaves behind. */
async function publish({ id, order, status }: OrderEntity, { made, failure = '' }: Context): Promise<void> {
  const messages: { key: string; value: string }[] = [];
  const tell = (name: string, data: object): void => {
    const event = {
      id: randomUUID(),
      type: `orderwright.${name}.v1`,
      subject: id,
      sequence: messages.length + 1,
      data,
    };
    messages.push({ key: id, value: JSON.stringify(event) });
  };
  const items = order.workOrderItems.map(({ resourceId }) => {
    const ids = ['vm', 'volume', 'address'].flatMap((kind) => made[`${kind} ${resourceId}`] ?? []);
    return { resourceId, cloudResourceIds: ids };
  });
  if (status === 'completed') for (const item of items) tell('item.completed', item);
  tell(`work-order.${status}`, { items, failure });
  await producer.send({ topic: env('TOPIC_EVENTS'), messages });
}
