import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { holdCursor, moveCursor } from '../store/cursors.js';
import type { Sql } from '../store/data-source.js';
import { type Cursor, readEvents } from '../store/events.js';
import { readRejectedMessages } from '../store/rejected-messages.js';
import { eventMessage } from './event-message.js';

const { Partitioners } = kafkajs;

export interface EventPublisherOptions {
  kafka: Kafka;
  sql: Sql;
  /** Whose right to publish it is; a worker that was taken for dead goes on under another name. */
  identity: { readonly workerId: string };
  installationId: string;
  topics: { events: string; rejected: string };
  log: Logger;
  pollMs?: number;
}

/** Where a publisher reads, what it says of it, and where to. */
interface Stream {
  name: 'events' | 'rejected';
  consumer: string;
  topic: string;
  read(after: Cursor): Promise<{ messages: Message[]; cursor: Cursor }>;
}

const pageSize = 500;
const leaseMs = 10_000;

/**
 * Hands stored facts to Kafka: everything committed, nothing that was not, at least once, each order's events in their
 * order (the key is the order's id, and one worker at a time publishes). No Kafka transactions: they have lost writes of
 * their own (reliability K12); receivers recognise a repetition by the event's id.
 */
export class EventPublisher {
  private producer: Producer | null = null;
  private running = true;
  private loops: Promise<void>[] = [];

  constructor(private readonly options: EventPublisherOptions) {}

  async start(): Promise<void> {
    this.producer = this.options.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 8 },
    });
    await this.producer.connect();
    this.loops = [this.events(), this.rejected()].map((stream) => this.loop(stream));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.loops);
    await this.producer?.disconnect();
  }

  private events(): Stream {
    const { sql, installationId, topics } = this.options;
    return {
      name: 'events',
      consumer: `kafka:${topics.events}`,
      topic: topics.events,
      read: async (after) => {
        const { events, cursor } = await readEvents(sql, after, pageSize);
        const messages = events.map((event) => {
          const message = eventMessage(installationId, event);
          return {
            key: event.workOrderId,
            value: JSON.stringify(message),
            headers: {
              'content-type': 'application/cloudevents+json; charset=UTF-8',
              ce_id: message.id,
              ce_type: message.type,
            },
          };
        });
        return { messages, cursor };
      },
    };
  }

  private rejected(): Stream {
    const { sql, topics } = this.options;
    return {
      name: 'rejected',
      consumer: `kafka:${topics.rejected}`,
      topic: topics.rejected,
      read: async (after) => {
        const rows = await readRejectedMessages(sql, after, pageSize);
        const messages = rows.map(({ cursor: _, ...row }) => ({
          key: row.workOrderId,
          value: JSON.stringify(row),
          headers: {
            code: row.code,
            reason: row.problems[0]?.message.slice(0, 500) ?? '',
            verdict: row.verdict,
            origin: row.origin,
            'message-id': row.messageId,
          },
        }));
        return { messages, cursor: rows.at(-1)?.cursor ?? after };
      },
    };
  }

  private async loop(stream: Stream): Promise<void> {
    while (this.running) {
      const sent = await this.publishPage(stream).catch((error: unknown) => {
        const { message, code } = error as { message?: string; code?: string };
        this.options.log.warn(
          { topic: stream.topic, code, reason: message },
          'events could not be published; they wait',
        );
        return 0;
      });
      if (sent < pageSize) await pause(sent > 0 ? 20 : (this.options.pollMs ?? 150));
    }
  }

  private async publishPage(stream: Stream): Promise<number> {
    const { sql, identity } = this.options;
    // The same name for the whole page: the right was given to it.
    const { workerId } = identity;
    const after = await holdCursor(sql, stream.consumer, workerId, leaseMs);
    if (!after) return 0;
    const { messages, cursor } = await stream.read(after);
    if (messages.length === 0) return 0;
    crashPoint('publish.before', () => [stream.name]);
    await this.producer?.send({ topic: stream.topic, acks: -1, messages });
    crashPoint('publish.sent', () => [stream.name]);
    await moveCursor(sql, stream.consumer, workerId, cursor);
    crashPoint('publish.marked', () => [stream.name]);
    return messages.length;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
