import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { Trace } from './trace.js';
import type { SimulatedProcess, VirtualTime } from './virtual-time.js';

interface Record {
  key: string | null;
  value: Buffer | null;
  headers: { [name: string]: string };
  offset: number;
}

interface Member {
  process: SimulatedProcess;
  topic: string;
  eachBatch(payload: EachBatchPayload): Promise<void>;
  joined: boolean;
  paused: boolean;
  busy: boolean;
  generation: number;
}

export interface BrokerWeather {
  delayMs(): number;
  /** A send may be refused, or kept with its answer lost. */
  sendFault(): 'none' | 'lost-before' | 'lost-after';
  commitFails(): boolean;
}

/**
 * A broker of one partition a topic, behind the little of kafkajs that we call: our own consumer and publisher run as they
 * are. One group; its first living member reads. A member that dies or is frozen is followed by the next after a while.
 */
export class SimulatedBroker {
  private readonly topics = new Map<string, Record[]>();
  private readonly committed = new Map<string, number>();
  private members: Member[] = [];
  private reader: Member | null = null;

  constructor(
    private readonly time: VirtualTime,
    private readonly weather: BrokerWeather,
    private readonly trace: Trace,
  ) {}

  records(topic: string): readonly Record[] {
    return this.log(topic);
  }

  committedOffset(topic: string): number | null {
    return this.committed.get(topic) ?? null;
  }

  append(topic: string, record: { key: string | null; value: Buffer | null; headers?: Record['headers'] }): number {
    const log = this.log(topic);
    log.push({ headers: {}, ...record, offset: log.length });
    this.deliverSoon();
    return log.length - 1;
  }

  /** Looks who reads now, as a group's coordinator does. */
  start(): void {
    const look = () => {
      const present = this.members.filter((one) => one.process.alive && !one.process.frozen && one.joined);
      this.members = this.members.filter((one) => one.process.alive);
      if (!this.reader || !present.includes(this.reader)) {
        const next = present[0] ?? null;
        if (next !== this.reader) this.trace.add('broker', `${next?.process.name ?? 'nobody'} reads`);
        if (this.reader) this.reader.generation += 1;
        this.reader = next;
      }
      this.deliver();
      this.time.after(null, 1_000, look);
    };
    look();
  }

  /** The client library as a process has it. */
  client(process: SimulatedProcess): Kafka {
    return {
      producer: () => this.producer(process),
      consumer: () => this.consumer(process),
      admin: () => this.admin(),
    } as unknown as Kafka;
  }

  private producer(process: SimulatedProcess): object {
    return {
      connect: () => this.time.pause(this.weather.delayMs()),
      disconnect: () => Promise.resolve(),
      send: async (batch: { topic: string; messages: { key: string; value: string; headers: object }[] }) => {
        const fault = this.weather.sendFault();
        await this.time.pause(this.weather.delayMs());
        if (fault === 'lost-before') throw brokerAway();
        for (const { key, value, headers } of batch.messages) {
          this.append(batch.topic, { key, value: Buffer.from(value), headers: headers as Record['headers'] });
        }
        this.trace.add(process.name, `sent ${batch.messages.length} to ${batch.topic}`);
        await this.time.pause(this.weather.delayMs());
        if (fault === 'lost-after') throw brokerAway();
      },
    };
  }

  private consumer(process: SimulatedProcess): object {
    let member: Member | null = null;
    let topic = '';
    const listeners = new Map<string, (event: { payload: unknown }) => void>();
    return {
      on: (name: string, listener: (event: { payload: unknown }) => void) => listeners.set(name, listener),
      connect: () => this.time.pause(this.weather.delayMs()),
      subscribe: async ({ topics }: { topics: string[] }) => {
        topic = topics[0] ?? '';
      },
      run: async ({ eachBatch }: { eachBatch: Member['eachBatch'] }) => {
        await this.time.pause(this.weather.delayMs());
        member = { process, topic, eachBatch, joined: true, paused: false, busy: false, generation: 0 };
        this.members.push(member);
        listeners.get('consumer.group_join')?.({ payload: { memberAssignment: { [topic]: [0] } } });
      },
      commitOffsets: async ([{ offset }]: [{ offset: string }]) => {
        await this.time.pause(this.weather.delayMs());
        if (this.weather.commitFails() || member !== this.reader) throw brokerAway();
        this.committed.set(topic, Number(offset));
        this.trace.add(process.name, `offset ${offset} of ${topic} committed`);
      },
      disconnect: async () => {
        if (member) member.joined = false;
      },
    };
  }

  private admin(): object {
    return {
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      fetchTopicOffsets: async (topic: string) => [{ partition: 0, low: '0', high: String(this.log(topic).length) }],
      fetchOffsets: async ({ topics: [topic = ''] }: { topics: string[] }) => [
        { topic, partitions: [{ partition: 0, offset: String(this.committed.get(topic) ?? 0) }] },
      ],
    };
  }

  private deliverSoon(): void {
    this.time.after(null, this.weather.delayMs(), () => this.deliver());
  }

  private deliver(): void {
    const { reader } = this;
    if (!reader || reader.busy || reader.paused || !reader.joined) return;
    const log = this.log(reader.topic);
    const from = this.committed.get(reader.topic) ?? 0;
    const messages = log.slice(from, from + 20);
    if (messages.length === 0) return;
    reader.busy = true;
    const { generation } = reader;
    const payload = {
      batch: {
        topic: reader.topic,
        partition: 0,
        messages: messages.map((one) => ({ ...one, offset: String(one.offset) }) as unknown as KafkaMessage),
        lastOffset: () => String(messages.at(-1)?.offset ?? 0),
      },
      isRunning: () => reader.joined,
      isStale: () => reader.generation !== generation,
      pause: () => {
        reader.paused = true;
        return () => {
          reader.paused = false;
          this.deliverSoon();
        };
      },
      resolveOffset: () => {},
      heartbeat: () => Promise.resolve(),
    };
    this.time.after(reader.process, this.weather.delayMs(), () => {
      void reader.eachBatch(payload as unknown as EachBatchPayload).finally(() => {
        reader.busy = false;
        this.deliverSoon();
      });
    });
  }

  private log(topic: string): Record[] {
    let log = this.topics.get(topic);
    if (!log) this.topics.set(topic, (log = []));
    return log;
  }
}

function brokerAway(): Error {
  return Object.assign(new Error('the broker did not answer'), { code: 'ECONNRESET' });
}
