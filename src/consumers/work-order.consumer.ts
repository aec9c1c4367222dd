import kafkajs, { type Consumer, type EachBatchPayload, type Kafka, type KafkaMessage } from 'kafkajs';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import type { IncomingDelivery, Intake, Receipt } from './intake.js';
import { readHeaders } from './read/headers.js';

const { PartitionAssigners } = kafkajs;

export interface WorkOrderConsumerOptions {
  kafka: Kafka;
  groupId: string;
  topic: string;
  intake: Pick<Intake, 'receiveAll'>;
  log: Logger;
  /** The consumer has stopped for good and this process takes nothing any more: end it, and let the supervisor start anew. */
  onDead(reason: string): void;
  /** Silence with work to do for so long is death (reliability K6). */
  silenceMs?: number;
}

/** Records stored in one commit. */
const chunkSize = 100;

/**
 * Records become rows; nothing else happens here. An offset is committed by hand after the rows are, as `offset + 1`, so
 * a record is never lost and may come twice, which the intake recognises. A record that cannot be taken is kept and
 * passed; only a database that is away holds a partition up.
 */
export class WorkOrderConsumer {
  private consumer: Consumer | null = null;
  private watchdog: NodeJS.Timeout | null = null;
  private watching: Promise<void> | null = null;
  /** When kafkajs last handed records over. */
  /** By a clock that never jumps: one that is set an hour ahead would end the process (I16). */
  private heardAt = performance.now();
  /** Those this member of the group is to read; the others' are not its to worry about. */
  private partitions: number[] = [];
  private stopping = false;
  private readonly silenceMs: number;
  private joining: Promise<void> | null = null;
  joined = false;

  constructor(private readonly options: WorkOrderConsumerOptions) {
    this.silenceMs = options.silenceMs ?? 60_000;
  }

  async start(): Promise<void> {
    const { kafka, groupId, topic } = this.options;
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: [PartitionAssigners.roundRobin],
      sessionTimeout: 10_000,
      heartbeatInterval: 2_000,
      rebalanceTimeout: 20_000,
      // The whole answer is decoded at once (reliability K16), so it is kept small.
      maxBytes: 1_048_576,
      maxBytesPerPartition: 524_288,
      maxWaitTimeInMs: 250,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 300, maxRetryTime: 5_000, retries: 10 },
    });
    this.consumer = consumer;
    consumer.on('consumer.group_join', ({ payload }) => {
      this.joined = true;
      this.partitions = payload.memberAssignment[topic] ?? [];
    });
    consumer.on('consumer.end_batch_process', ({ payload }) => {
      // Nothing but control records (a producer's transaction ended) or aborted ones: kafkajs passes over them without
      // showing them to us. They count as lag until their offset is committed too.
      if (payload.batchSize === 0) void this.commit(payload.topic, payload.partition, payload.lastOffset);
    });
    consumer.on('consumer.crash', ({ payload }) => {
      this.joined = false;
      if (!payload.restart && !this.stopping) this.options.onDead(`Kafka consumer crashed: ${payload.error.message}`);
    });
    await consumer.connect();
    // From the beginning: an offset that is out of range must not skip orders; reading again is harmless (K8, I2).
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    // Joining is not waited for: after a kill -9 the group waits up to 10 s for its dead member, and the API and its
    // intake need not wait with it. `joined` tells readiness.
    this.joining = consumer
      .run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 2,
        eachBatch: (payload) => this.takeBatch(payload),
      })
      .catch((error: unknown) => {
        if (!this.stopping) this.options.onDead(`Kafka consumer could not start: ${(error as Error).message}`);
      });
    this.watchdog = setInterval(
      () => {
        this.watching ??= this.watch().finally(() => {
          this.watching = null;
        });
      },
      Math.min(10_000, this.silenceMs / 2),
    );
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.watchdog) clearInterval(this.watchdog);
    // A kafkajs consumer that is disconnected while it joins takes that for a crash and starts again.
    await this.joining;
    await Promise.all([this.consumer?.disconnect(), this.watching]);
  }

  private async takeBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    // Also when the database is away and they cannot be stored: then it is not the consumer that is dead.
    this.heardAt = performance.now();
    for (let at = 0; at < batch.messages.length; at += chunkSize) {
      // The rest is delivered again, to whoever owns the partition then.
      if (!payload.isRunning() || payload.isStale()) return;
      const chunk = batch.messages.slice(at, at + chunkSize);
      crashPoint('consumer.read');
      const stored = await this.storeChunk(batch.topic, batch.partition, chunk);
      if (!stored) {
        const resume = payload.pause();
        setTimeout(resume, 1_000);
        return;
      }
      const last = chunk.at(-1)?.offset ?? '0';
      payload.resolveOffset(last);
      // After the last record there may be more that kafkajs does not show: the end of a transaction.
      const isEnd = at + chunkSize >= batch.messages.length;
      await this.commit(batch.topic, batch.partition, isEnd ? batch.lastOffset() : last);
      await payload.heartbeat();
      this.heardAt = performance.now();
    }
  }

  /** @returns null when the database is away */
  private async storeChunk(topic: string, partition: number, messages: KafkaMessage[]): Promise<Receipt[] | null> {
    try {
      return await this.options.intake.receiveAll(messages.map((message) => toDelivery(topic, partition, message)));
    } catch (error) {
      // Never thrown on: some kinds of errors end a kafkajs consumer for good (K1).
      const { code, name } = error as { code?: string; name?: string };
      this.options.log.error({ topic, partition, code, name }, 'records could not be stored; the partition waits');
      return null;
    }
  }

  private async commit(topic: string, partition: number, offset: string): Promise<void> {
    try {
      crashPoint('offset.before');
      await this.consumer?.commitOffsets([{ topic, partition, offset: String(BigInt(offset) + 1n) }]);
      crashPoint('offset.committed');
    } catch (error) {
      // A rebalance: the records come again and are recognised.
      this.options.log.warn({ topic, partition, reason: (error as Error).message }, 'offset not committed');
    }
  }

  /** kafkajs may hold a partition and fetch no more without a word (K6): lag and no progress means dead. */
  private async watch(): Promise<void> {
    const silentMs = performance.now() - this.heardAt;
    if (this.stopping || silentMs < this.silenceMs) return;
    const lag = await this.lag(this.partitions).catch(() => null);
    // Asking takes a while, in which it may have stopped or woken up.
    if (this.stopping || performance.now() - this.heardAt < this.silenceMs) return;
    // Below zero: what was counted was deleted or aborted meanwhile.
    if (lag !== null && lag <= 0) this.heardAt = performance.now();
    else if (lag !== null)
      this.options.onDead(
        `Kafka consumer made no progress for ${Math.round(silentMs / 1000)} s with ${lag} records waiting`,
      );
  }

  /** Records of the topic that the group has not committed. What the broker has deleted is none any more. */
  async lag(of?: number[]): Promise<number> {
    const admin = this.options.kafka.admin();
    await admin.connect();
    try {
      const { groupId, topic } = this.options;
      const [ends, [committed]] = await Promise.all([
        admin.fetchTopicOffsets(topic),
        admin.fetchOffsets({ groupId, topics: [topic] }),
      ]);
      const at = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      return ends
        .filter(({ partition }) => of?.includes(partition) ?? true)
        .reduce(
          (sum, { partition, low, high }) => sum + Number(high) - Math.max(at.get(partition) ?? 0, Number(low)),
          0,
        );
    } finally {
      await admin.disconnect();
    }
  }
}

function toDelivery(topic: string, partition: number, message: KafkaMessage): IncomingDelivery {
  return {
    channel: 'kafka',
    origin: `${topic}/${partition}@${message.offset}`,
    bytes: message.value ?? new Uint8Array(),
    tombstone: message.value === null,
    contentType: null,
    ...readHeaders(message.headers ?? {}),
  };
}
