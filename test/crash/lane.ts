/** One place to run crash items in, one after the other: a simulated cloud and a callback receiver that outlive them all. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { checkInvariants, type Report } from '../invariants/check.js';
import type { Evidence, SeenCallback, SentLever, SentMessage } from '../invariants/evidence.js';
import { cloudEvidence } from '../invariants/from-cloud.js';
import { faultsOf, startCloudProcess } from '../support/clouds.js';
import { ControlSide } from '../support/control-side.js';
import { testDatabase } from '../support/database.js';
import { kafkaForTests } from '../support/kafka.js';
import { runFolder } from '../support/run-folder.js';
import { Billing, type Topics } from '../support/scenario-kafka.js';
import { CommandProcess } from '../support/scenario-process.js';
import { type CrashScenario, messageBytes } from './scenarios.js';

/** Where a worker dies: the `hit`-th time that it passes `name`. */
export interface CrashAt {
  name: string;
  hit: number;
}

export interface ItemResult {
  /** How many of the crashes happened; the others were never passed. */
  reached: number;
  /** The points that each worker passed, in their order. */
  passed: string[][];
  violations: string[];
  /** What the checkers of the invariants said. */
  report: Report;
  tookMs: number;
}

/** Lists of the simulated cloud are complete at once, so that looking up a lost answer need not take long. */
const settleMs = 60;
const pace = {
  settleMs,
  holdMs: 2 * settleMs,
  cutMs: 2 * settleMs,
  watchMs: 30,
  retryMs: 60,
  retryMaxMs: 500,
  pollMinMs: 20,
  pollMaxMs: 200,
  jobDeadlineMs: 15_000,
};
/** Only a limit: two restarts on a machine that does other things; Kafka waits 10 s for each dead member. */
const timeoutMs = { http: 180_000, kafka: 300_000 };

export class Lane {
  private constructor(
    readonly name: string,
    private readonly kind: string,
    private readonly cloud: CommandProcess,
    private readonly cloudUrl: string,
    private readonly receiver: Receiver,
    private readonly env: Record<string, string>,
  ) {}

  static async start(name: string, kind: string): Promise<Lane> {
    const receiver = await Receiver.start();
    const cloud = await startCloudProcess(name, { cloud: kind, latency: '5-25', settings: { pace } });
    return new Lane(name, kind, cloud.process, cloud.url, receiver, {
      PORT: '0',
      ORDERWRIGHT_SECRET_KEY: randomBytes(32).toString('base64'),
      ORDERWRIGHT_API_TOKENS: `sweep:${randomBytes(18).toString('base64url')}`,
      ORDERWRIGHT_CALLBACK_ALLOW: `127.0.0.1/32:${receiver.port}`,
      ORDERWRIGHT_CALLBACK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`,
      ORDERWRIGHT_PLATFORMS: cloud.platformsFile,
    });
  }

  async stop(): Promise<void> {
    this.receiver.stop();
    await this.cloud.end('SIGTERM');
  }

  /** Runs a scenario with workers that die one after the other, the last one living to the end, and judges what is left. */
  async run(scenario: CrashScenario, crashes: CrashAt[]): Promise<ItemResult> {
    const started = Date.now();
    const item = await Item.start(this.name, this.kind, scenario, this.env, this.cloudUrl, this.receiver);
    try {
      return { ...(await item.run(crashes)), tookMs: Date.now() - started };
    } finally {
      await item.stop();
    }
  }
}

class Item {
  private worker: CommandProcess | null = null;
  private readonly records: string[] = [];
  private readonly logs: string[] = [];
  private readonly sent: SentMessage[] = [];
  private readonly levers: SentLever[] = [];
  private driving: Promise<void> | null = null;
  private drivingFailed: string | null = null;
  private isSent = false;
  private stopped = false;

  private constructor(
    private readonly id: string,
    private readonly scenario: CrashScenario,
    private readonly env: Record<string, string>,
    private readonly cloudUrl: string,
    private readonly receiver: Receiver,
    private readonly pool: pg.Pool,
    private readonly drop: () => Promise<void>,
    private readonly kafka: { billing: Billing; topics: Topics; groupId: string } | null,
  ) {}

  static async start(
    lane: string,
    kind: string,
    scenario: CrashScenario,
    laneEnv: Record<string, string>,
    cloudUrl: string,
    receiver: Receiver,
  ): Promise<Item> {
    const id = `${lane}.${scenario.name}.${randomUUID().slice(0, 8)}`;
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    pool.on('error', () => undefined); // a cut connection also fails the statement, which is where it is reported
    const control = ControlSide.at(cloudUrl);
    await control.reset();
    if (scenario.faults) await control.fault(...faultsOf(kind, scenario.faults));
    receiver.forget();
    const env = { ...laneEnv, DATABASE_URL: database.url, ...scenario.env };
    if (scenario.channel === 'http') {
      return new Item(id, scenario, env, cloudUrl, receiver, pool, database.drop, null);
    }
    const { brokers } = await kafkaForTests();
    const topics = { orders: `${id}.orders`, events: `${id}.events`, rejected: `${id}.rejected` };
    const groupId = `${id}.workers`;
    const billing = new Billing(brokers, topics);
    await billing.start();
    const kafkaEnv = {
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_GROUP_ID: groupId,
      KAFKA_TOPIC_ORDERS: topics.orders,
      KAFKA_TOPIC_EVENTS: topics.events,
      KAFKA_TOPIC_REJECTED: topics.rejected,
    };
    const kafka = { billing, topics, groupId };
    return new Item(id, scenario, { ...env, ...kafkaEnv }, cloudUrl, receiver, pool, database.drop, kafka);
  }

  async run(crashes: CrashAt[]): Promise<Omit<ItemResult, 'tookMs'>> {
    const violations: string[] = [];
    const giveUpAt = Date.now() + timeoutMs[this.scenario.channel];
    let reached = 0;
    this.startWorker(crashes[0]);
    this.driving = this.drive().catch((error: unknown) => {
      this.drivingFailed = (error as Error).message;
    });
    for (let quietSince: number | null = null; ; await sleep(40)) {
      const exit = this.worker?.exit;
      if (exit) {
        if (exit.signal !== 'SIGKILL' || reached >= crashes.length) {
          violations.push(`a worker ended by itself (${JSON.stringify(exit)}): ${this.worker?.log().slice(-1_500)}`);
          break;
        }
        reached += 1;
        quietSince = null;
        await this.letTimePass();
        this.startWorker(crashes[reached]);
        continue;
      }
      if (this.drivingFailed !== null) {
        violations.push(`what was sent was not taken: ${this.drivingFailed}`);
        break;
      }
      const waitsFor = await this.waitsFor();
      if (waitsFor === null) quietSince ??= Date.now();
      else quietSince = null;
      // What comes after the last thing that can be seen (a cursor moved, an answer noted) may still be on its way.
      const patienceMs = reached < crashes.length ? 600 : 0;
      if (quietSince !== null && Date.now() - quietSince >= patienceMs) break;
      if (Date.now() > giveUpAt) {
        violations.push(`not at its end: ${waitsFor}; ${this.worker?.log().slice(-1_500)}`);
        break;
      }
    }
    await this.worker?.end('SIGKILL');
    if (violations.length === 0) violations.push(...(await this.ending()));
    const report = await checkInvariants(await this.evidence(), { nobodyHelps: true });
    violations.push(...report.violations.map(({ invariant, text }) => `${invariant}: ${text}`));
    return { reached, passed: this.records.map(readNames), violations, report };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.worker?.end('SIGKILL');
    await this.driving;
    await this.kafka?.billing.stop();
    await this.pool.end();
    await this.drop();
    for (const file of [...this.records, ...this.logs]) rmSync(file, { force: true });
  }

  private startWorker(crash: CrashAt | undefined): void {
    const name = `${this.id}.worker-${this.records.length + 1}`;
    const record = join(runFolder(), `${name}.points`);
    this.records.push(record);
    this.worker = CommandProcess.start(name, ['serve'], {
      ...this.env,
      CRASH_POINTS: 'armed',
      CRASH_RECORD: record,
      ...(crash && { CRASH_AT: `${crash.name}:${crash.hit}` }),
    });
    this.logs.push(this.worker.logFile);
  }

  /**
   * Others take a dead worker's orders over after 3 s of silence, and its callbacks after a minute. Waiting for that would be
   * most of the sweep, and nothing happens meanwhile, so its rows are made as old as they would be then.
   */
  private async letTimePass(): Promise<void> {
    await this.pool.query(`update worker set heartbeat_at = heartbeat_at - interval '1 minute'`);
    await this.pool.query(
      `update callback_delivery set next_attempt_at = next_attempt_at - interval '1 minute' where state = 'due'`,
    );
  }

  /** Sends everything as billing does: until it is answered. */
  private async drive(): Promise<void> {
    const { scenario, kafka } = this;
    const messages = scenario.messages.map((file) => messageBytes(scenario, file, this.receiver.url));
    if (kafka) {
      for (const bytes of messages) {
        await kafka.billing.send([
          { workOrderId: '', key: this.id, contentType: '', bytes, becomes: { verdict: 'order' }, made: '' },
        ]);
      }
    } else {
      await Promise.all(messages.map((bytes) => this.post(bytes)));
    }
    if (scenario.lever) await this.pull(scenario.lever);
    this.isSent = true;
  }

  private async post(bytes: Buffer): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const ask = () => this.ask('/v1/work-orders', { method: 'POST', headers, body: new Uint8Array(bytes) });
    while (!this.stopped) {
      const status = await ask();
      // Nobody listened: nothing was sent.
      if (status !== 'refused') this.sent.push({ channel: 'http', bytes, answer: status });
      if (typeof status === 'number' && status < 500) {
        if (status !== 200 && status !== 202) throw new Error(`an order was answered ${status}`);
        return;
      }
      await sleep(20);
    }
  }

  private async pull({ act, inState }: NonNullable<CrashScenario['lever']>): Promise<void> {
    const reason = `crash sweep: ${act}`;
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason }),
    };
    for (let workOrderId: string | undefined; !this.stopped; await sleep(40)) {
      workOrderId ??= await this.orderIn(inState);
      if (workOrderId === undefined) continue;
      const answer = await this.ask(`/v1/work-orders/${workOrderId}/${act}`, request);
      if (answer === 'refused') continue;
      this.levers.push({ action: `orders.${act}`, workOrderId, reason, answer });
      if (answer === null || answer >= 500) continue;
      // A conflict: the first time was heard, only its answer was lost.
      const isAgain = answer === 409 && this.levers.length > 1;
      if (answer !== 200 && !isAgain) throw new Error(`${act} was answered ${answer}`);
      return;
    }
  }

  private async orderIn(state: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ work_order_id: string }>(
      `select work_order_id from work_order where kind = 'billing' and machine ->> 'value' = $1`,
      [state],
    );
    return rows[0]?.work_order_id;
  }

  /** @returns the status; null when the answer was lost; `refused` when nobody listened */
  private async ask(path: string, init: RequestInit): Promise<number | null | 'refused'> {
    const url = this.worker && /"url":"([^"]+)","msg":"ready"/.exec(this.worker.log())?.[1];
    if (!url || this.worker?.exit) return 'refused';
    const authorization = `Bearer ${this.env['ORDERWRIGHT_API_TOKENS']?.split(':')[1]}`;
    try {
      const headers = { ...(init.headers as Record<string, string>), authorization };
      const answer = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(20_000) });
      await answer.text();
      return answer.status;
    } catch (error) {
      return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED' ? 'refused' : null;
    }
  }

  /** What is not at its end yet, or null. */
  private async waitsFor(): Promise<string | null> {
    if (!this.isSent) return 'the messages are not all answered';
    const { rows } = await this.pool.query<Record<'messages' | 'open' | 'callbacks' | 'events' | 'rejected', number>>(
      `select (select count(distinct body_sha256) from received_message)::int as messages,
              (select count(*) from work_order where finished_at is null)::int as open,
              (select count(*) from callback_delivery where state = 'due')::int as callbacks,
              (select count(*) from event)::int as events,
              (select count(*) from received_message where verdict in ('conflict', 'set-aside', 'refused'))::int as rejected`,
    );
    const [now] = rows;
    if (!now || now.messages < this.scenario.messages.length || now.open > 0 || now.callbacks > 0)
      return JSON.stringify(now);
    if (!this.kafka) return null;
    const { billing, groupId } = this.kafka;
    if (billing.records.length < this.scenario.messages.length) return 'the records are not all read back';
    const came = new Set(billing.events.map(({ id }) => id)).size;
    const told = new Set(billing.rejections.map(({ messageId }) => messageId)).size;
    if (came < now.events || told < now.rejected)
      return `${came} of ${now.events} events, ${told} of ${now.rejected} rejections`;
    const lag = await billing.lag(groupId);
    return lag === 0 ? null : `${lag} records without a committed offset`;
  }

  /** Whether every order ended as it should, and billing was told. */
  private async ending(): Promise<string[]> {
    const violations: string[] = [];
    const { rows } = await this.pool.query<{ work_order_id: string; status: string }>(
      `select work_order_id, status from work_order where kind = 'billing'`,
    );
    const ends = Object.fromEntries(rows.map((row) => [row.work_order_id, row.status]));
    const [is, should] = [ends, this.scenario.ends].map((one) => JSON.stringify(Object.entries(one).toSorted()));
    if (is !== should) violations.push(`the orders ended ${is}, not ${should}`);
    const told = new Set(this.receiver.posts.map(({ workOrderId }) => workOrderId));
    const untold = Object.keys(this.scenario.ends).filter((workOrderId) => !told.has(workOrderId));
    if (untold.length > 0) violations.push(`no callback came for ${untold.join(', ')}`);
    return violations;
  }

  private async evidence(): Promise<Evidence> {
    const options = { name: 'cloud', settleWindowMs: 2 * settleMs };
    const seen = {
      sql: this.pool,
      clouds: [await cloudEvidence(ControlSide.at(this.cloudUrl), options)],
      callbacks: this.receiver.posts,
      levers: this.levers,
    };
    if (!this.kafka) return { ...seen, sent: this.sent };
    const { billing, groupId } = this.kafka;
    const { events, rejections: rejected, records } = billing;
    return { ...seen, sent: records, events, rejected, intake: await billing.intake(groupId) };
  }
}

/** Where billing listens for callbacks. */
class Receiver {
  posts: SeenCallback[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const receiver = new Receiver(server, (server.address() as AddressInfo).port);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const id = String(request.headers['webhook-id']);
        const { workOrderId } = (JSON.parse(body) as { results: { workOrderId: string } }).results;
        receiver.posts.push({ id, workOrderId, body, answer: 200 });
        response.writeHead(200).end();
      });
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  forget(): void {
    this.posts = [];
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function readNames(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // it died before it opened it
  }
}
