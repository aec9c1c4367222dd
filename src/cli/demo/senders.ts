import kafkajs, { type Kafka } from 'kafkajs';
import type { Envelope } from '../../http/envelope.js';
import type { RejectedPageJson } from '../../http/operator-routes.js';
import type { TimelineJson } from '../../http/order-schemas.js';
import type { Api } from '../api.js';
import type { Sample, Verdict } from './samples.js';

/** Sends the messages of the demo, and learns what became of each. */
export interface Sender {
  /** @returns what became of it, or null when that is known only later */
  send(sample: Sample): Promise<Verdict | null>;
  /** What is known by now of the messages sent so far, by file. */
  look(workOrderIds: string[]): Promise<Map<string, Verdict>>;
  /** Events that came back, by workOrderId; null where none do. */
  events(): Map<string, { type: string; sequence: number }[]> | null;
  close(): Promise<void>;
}

/** Posts as the source platform does. */
export function httpSender(api: Api): Sender {
  return {
    async send({ bytes, contentType, expected }) {
      const { json } = await api.post<Envelope>('/api/msg/order/', bytes, { 'content-type': contentType });
      const { duplicate, held, code } = json.results;
      if (json.errstatus === 'SUCCESS') return duplicate ? 'duplicate' : held ? 'held' : 'accepted';
      if (json.errcode === 409) return 'conflict';
      // The envelope has no word for "set aside"; damage is what a message of no readable form has.
      return code === 'MSG_JSON_SYNTAX' ? 'set-aside' : expected === 'refused' ? expected : 'refused';
    },
    look: async () => new Map(),
    events: () => null,
    close: async () => {},
  };
}

/** Sends through a broker, and reads the events back from it. */
export async function kafkaSender(
  api: Api,
  brokers: string[],
  topics: { orders: string; events: string },
): Promise<Sender> {
  const kafka = new kafkajs.Kafka({ clientId: 'orderwright-demo', brokers, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const followed = await followEvents(kafka, topics.events);
  /** `topic/partition@offset` → file. */
  const places = new Map<string, string>();
  return {
    async send({ bytes, file }) {
      const key = /"workOrderId":\s?"(WO\w+)"/.exec(bytes.toString())?.[1] ?? null;
      const [record] = await producer.send({ topic: topics.orders, messages: [{ key, value: bytes }] });
      places.set(`${topics.orders}/${record?.partition}@${record?.baseOffset}`, file);
      return null;
    },
    async look(workOrderIds) {
      const rejected = await api.get<RejectedPageJson>('/v1/rejected-messages', { limit: '200' });
      const timelines = await Promise.all(
        workOrderIds.map((id) => api.get<TimelineJson>(`/v1/work-orders/${id}/timeline`).catch(() => null)),
      );
      const deliveries = timelines.flatMap(
        (timeline) => timeline?.entries.filter((one) => one.kind === 'delivery') ?? [],
      );
      const known = [
        ...rejected.messages.map(({ origin, verdict }) => ({ origin, verdict })),
        ...deliveries.map(({ data, type }) => ({ origin: data['origin'], verdict: type })),
      ];
      return new Map(
        known.flatMap(({ origin, verdict }) => {
          const file = typeof origin === 'string' ? places.get(origin) : undefined;
          return file === undefined ? [] : [[file, verdict as Verdict] as const];
        }),
      );
    },
    events: () => followed.events,
    close: async () => {
      await Promise.all([producer.disconnect(), followed.close()]);
    },
  };
}

async function followEvents(kafka: Kafka, topic: string) {
  const started = Date.now();
  const events = new Map<string, { type: string; sequence: number }[]>();
  const seen = new Set<string>();
  const consumer = kafka.consumer({ groupId: `orderwright-demo-${started}-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const event = JSON.parse(message.value?.toString() ?? '{}') as {
        id: string;
        type: string;
        subject: string;
        sequence: number;
        time: string;
      };
      // At least once is what is promised, and a broker of the user's may hold events of other days.
      if (seen.has(event.id) || Date.parse(event.time) < started - 60_000) return;
      seen.add(event.id);
      const list = events.get(event.subject) ?? [];
      list.push({ type: event.type, sequence: event.sequence });
      events.set(event.subject, list);
    },
  });
  return { events, close: () => consumer.disconnect() };
}
