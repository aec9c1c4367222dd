/** The other end of Kafka: sends what billing sends, and keeps what comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Consumer, type Kafka, type Producer } from 'kafkajs';
import type { IntakeTopic, SentMessage } from '../invariants/evidence.js';
import type { ScenarioMessage } from './scenario-orders.js';

const { KafkaJSProtocolError, Partitioners, logLevel } = kafkajs;

export interface ReceivedEvent {
  id: string;
  type: string;
  subject: string;
  sequence: number;
  data: Record<string, unknown>;
  /** As it came, to look for what must not be in it. */
  text: string;
  key: string | null;
}

export interface ReceivedRejection {
  messageId: string;
  code: string;
  workOrderId: string | null;
  origin: string;
  text: string;
}

export interface Topics {
  orders: string;
  events: string;
  rejected: string;
}

export class Billing {
  private readonly kafka: Kafka;
  private producer: Producer | null = null;
  private consumer: Consumer | null = null;
  /** In the order in which they came; an event that came twice is here twice. */
  readonly events: ReceivedEvent[] = [];
  readonly rejections: ReceivedRejection[] = [];
  /** Every record that the broker took, whoever sent it. */
  readonly records: SentMessage[] = [];

  constructor(
    brokers: string[],
    private readonly topics: Topics,
  ) {
    this.kafka = new kafkajs.Kafka({
      clientId: 'billing',
      brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000 },
    });
  }

  /** Makes the topics and starts to listen. */
  async start(): Promise<void> {
    await this.makeTopics();
    this.producer = this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await this.producer.connect();
    this.consumer = this.kafka.consumer({ groupId: `${this.topics.events}.billing`, maxWaitTimeInMs: 100 });
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: Object.values(this.topics) as string[], fromBeginning: true });
    await this.consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        if (topic === this.topics.orders) {
          const place = { topic, partition, offset: message.offset };
          this.records.push({
            channel: 'kafka',
            bytes: message.value ?? Buffer.alloc(0),
            answer: 'acknowledged',
            place,
          });
          return;
        }
        const text = message.value?.toString() ?? '';
        const headers = JSON.stringify(message.headers, (_, value: unknown) => textOf(value));
        const value = JSON.parse(text) as ReceivedEvent & ReceivedRejection;
        if (topic === this.topics.events)
          this.events.push({ ...value, text: `${text}\n${headers}`, key: message.key?.toString() ?? null });
        else this.rejections.push({ ...value, text: `${text}\n${headers}` });
      },
    });
  }

  private async makeTopics(): Promise<void> {
    const topics = Object.values(this.topics).map((topic: string) => ({ topic, numPartitions: 6 }));
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      for (let tries = 1; ; tries++) {
        try {
          await admin.createTopics({ waitForLeaders: true, topics });
          // A second try finds them there and waits for nothing.
          await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) });
          return;
        } catch (error) {
          // A broker at work may not know its own new topic for a moment; kafkajs waits for its leaders, but not for that.
          if ((error as { type?: string }).type !== 'UNKNOWN_TOPIC_OR_PARTITION' || tries === 20) throw error;
          await sleep(200);
        }
      }
    } finally {
      await admin.disconnect();
    }
  }

  /** Sends the messages in their order. */
  async send(messages: ScenarioMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += 200) {
      const chunk = messages.slice(at, at + 200);
      const records = chunk.map(({ key, bytes }) => ({ key, value: bytes }));
      await this.producer?.send({ topic: this.topics.orders, messages: records });
    }
  }

  /** Records that the group has not committed. */
  async lag(groupId: string): Promise<number> {
    const { partitions } = await this.intake(groupId);
    return partitions.reduce((sum, { committed, end }) => sum + end - (committed ?? 0), 0);
  }

  /** How far the group has committed the topic of the orders, and how far there is to go. */
  async intake(groupId: string): Promise<IntakeTopic> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const ends = await onceThereIsALeader(() => admin.fetchTopicOffsets(this.topics.orders));
      const [committed] = await admin.fetchOffsets({ groupId, topics: [this.topics.orders] });
      const at = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      const partitions = ends.map(({ partition, high }) => {
        const offset = at.get(partition) ?? -1;
        return { partition, committed: offset < 0 ? null : offset, end: Number(high) };
      });
      return { topic: this.topics.orders, partitions };
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.consumer?.disconnect();
    await this.producer?.disconnect();
  }
}

/** A busy broker may not have heard yet who leads a topic that was made a moment ago; kafkajs passes that on when asked for offsets. */
async function onceThereIsALeader<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 20 || !(error instanceof KafkaJSProtocolError) || !error.retriable) throw error;
      await sleep(500);
    }
  }
}

/** Headers are bytes, and `toJSON` has made lists of numbers of them before a replacer sees them. */
function textOf(value: unknown): unknown {
  const bytes = value as { type?: unknown; data?: unknown } | null;
  return bytes?.type === 'Buffer' ? Buffer.from(bytes.data as number[]).toString() : value;
}
