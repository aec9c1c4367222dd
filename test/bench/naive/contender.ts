/** A worker under comparison: ours or the naive one, each in a world of its own. One that dies is started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../../support/database.js';
import { readFileSync } from 'node:fs';
import { CommandProcess } from '../../support/scenario-process.js';
import { World } from '../../support/scenario-world.js';
import { type Tally, tally } from './tally.js';
import type { ReceivedEvent } from '../../support/scenario-kafka.js';
import type { GoodOrder } from '../../support/scenario-orders.js';

export const contenders = ['orderwright', 'naive'] as const;
export type ContenderName = (typeof contenders)[number];

export class Contender {
  private worker: CommandProcess | null = null;
  private started = 0;
  /** Whether somebody is to start it again when it ends. */
  private wanted = false;
  /** Ends that nobody asked for. */
  crashes = 0;

  private constructor(
    readonly name: ContenderName,
    readonly world: World,
  ) {}

  static async enter(
    name: ContenderName,
    scenario: string,
    options: { latency?: string; database?: TestDatabase } = {},
  ): Promise<Contender> {
    return new Contender(name, await World.start(`${scenario}-${name}`, options));
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    this.wanted = true;
    const worker = this.name === 'naive' ? await this.startNaive() : (await this.world.startWorker()).process;
    this.worker = worker;
    void worker.exited.then(() => this.ended(worker));
  }

  async kill(): Promise<void> {
    this.wanted = false;
    await this.worker?.end('SIGKILL');
  }

  async leave(): Promise<void> {
    await this.kill();
    await this.world.stop();
  }

  /** Switches faults of the cloud on. */
  async addFaults(faults: object[]): Promise<void> {
    await this.world.cloud.fault(...faults);
  }

  /** Waits until every order has its end, or until nothing has happened for so long. Then a little for what comes late. */
  async untilQuiet(orders: GoodOrder[], quietMs: number): Promise<void> {
    for (let last = { seen: '', at: Date.now() }; ; await sleep(500)) {
      const { world } = this;
      const { withoutEnd } = await this.count(orders);
      const seen = `${withoutEnd} ${(await world.cloud.effects()).length} ${world.billing.events.length}`;
      if (seen !== last.seen) last = { seen, at: Date.now() };
      if (Date.now() - last.at > (withoutEnd === 0 ? 3_000 : quietMs)) return;
    }
  }

  async count(orders: GoodOrder[]): Promise<Tally> {
    const events = new Map<string, ReceivedEvent[]>();
    for (const event of this.world.billing.events)
      events.set(event.subject, [...(events.get(event.subject) ?? []), event]);
    const orphans = await this.world.query<{ id: string }>('select resource_id as id from orphan');
    return tally({ orders, events, things: await this.world.cloud.resources(), orphans: orphans.map(({ id }) => id) });
  }

  private async startNaive(): Promise<CommandProcess> {
    const { env, topics, groupId, name } = this.world;
    const [platform] = JSON.parse(readFileSync(env['ORDERWRIGHT_PLATFORMS'] ?? '', 'utf8')) as {
      serviceUrl: string;
      credentials: { apiKey: string; secretKey: string };
    }[];
    if (!platform) throw new Error('the world has no platform');
    const worker = CommandProcess.start(
      `${name}.worker-${++this.started}`,
      [],
      {
        NAIVE_DATABASE_URL: this.world.databaseUrl,
        NAIVE_KAFKA_BROKERS: env['KAFKA_BROKERS'] ?? '',
        NAIVE_KAFKA_GROUP_ID: groupId,
        NAIVE_TOPIC_ORDERS: topics.orders,
        NAIVE_TOPIC_EVENTS: topics.events,
        NAIVE_CLOUD_URL: platform.serviceUrl,
        NAIVE_CLOUD_API_KEY: platform.credentials.apiKey,
        NAIVE_CLOUD_SECRET_KEY: platform.credentials.secretKey,
      },
      'bench/naive/worker.js',
    );
    this.worker = worker;
    await worker.says(/^ready$/m);
    return worker;
  }

  /** As a supervisor would: again after a second, as often as it takes. */
  private async ended(worker: CommandProcess): Promise<void> {
    if (!this.wanted || this.worker !== worker) return;
    this.crashes += 1;
    await sleep(1_000);
    if (this.wanted) await this.start().catch(() => this.ended(worker));
  }
}
