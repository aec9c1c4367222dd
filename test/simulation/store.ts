import { createRequire } from 'node:module';
import { PGlite, protocol } from '@electric-sql/pglite';
import pg from 'pg';
import { createDataSource } from '../../src/store/data-source.js';
import type { Sql } from '../invariants/evidence.js';
import type { Trace } from './trace.js';
import { SimulatedProcess, type VirtualTime } from './virtual-time.js';

const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils') as {
  prepareValue(value: unknown): string | Buffer | null;
};

interface Result {
  rows: Record<string, unknown>[];
  rowCount: number;
}

export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

/**
 * What may happen to one statement on its way. `late`: the answer is an error, and the statement comes through afterwards, others
 * in between. `slow-commit`: the server takes its time, and whoever wants to write waits in line behind it; `lost-commit`: the same, and
 * the client is told at once that its connection is gone, so that it reads what stood before.
 */
export type StoreFault = 'none' | 'lost-before' | 'lost-after' | 'late' | 'slow' | 'slow-commit' | 'lost-commit';

export interface StoreWeather {
  /** How long one way of a statement takes, ms. */
  delayMs(): number;
  fault(statement: Statement): StoreFault;
  /** For `late` (the answer is an error, the statement comes through afterwards) and `slow`. */
  faultDelayMs(fault: StoreFault): number;
  /** A SQLSTATE that this statement is refused with, for what is in it; null for none. */
  refusal?(statement: Statement): string | null;
  /** Told of every statement that is about to leave, so that a process can die there. */
  crossing(process: SimulatedProcess, where: 'before' | 'sent' | 'answered'): void;
  /** Told of every statement that PostgreSQL has carried out, or refused. `isAlone`: not within a transaction. `isInjected`: refused by this world */
  executed(
    process: SimulatedProcess,
    statement: Statement,
    result: Result | Error,
    how: { isAlone: boolean; isInjected: boolean },
  ): void;
}

/**
 * Real PostgreSQL in this process, behind wires that can be slow, cut, or cut after the commit. All workers of a world
 * share its one backend: transactions run one after the other, so row locks that wait for each other are not seen here
 * (the scenarios on a real server are for that). Its clock is the virtual one.
 */
export class SimulatedStore {
  /** Names of prepared statements, by their text. */
  private readonly prepared = new Map<string, string>();
  /** Who writes: a transaction, or a single statement that the server is slow to commit. */
  private lockedBy: SimulatedClient | 'slow commit' | null = null;
  isAway = false;
  /** Whose clock the server's is. */
  readonly server = new SimulatedProcess('PostgreSQL');
  /** Told of every error that PostgreSQL itself gave, by the statement's name. */
  onError: ((label: string, error: Error & { code?: string }) => void) | null = null;
  private readonly queue: (() => void)[] = [];
  private clients = new Set<SimulatedClient>();
  private tables = '';

  private constructor(
    private readonly database: PGlite,
    private readonly time: VirtualTime,
  ) {}

  static async create(time: VirtualTime): Promise<SimulatedStore> {
    const database = await PGlite.create();
    const store = new SimulatedStore(database, time);
    const runner = { query: (text: string) => Promise.resolve(store.simple(text)) };
    const migrations = createDataSource('postgres://simulation').options.migrations as (new () => {
      up(runner: unknown): Promise<void>;
    })[];
    for (const Migration of migrations) await new Migration().up(runner);
    const { rows } = store.simple(`select string_agg(quote_ident(tablename), ', ') as tables
      from pg_tables where schemaname = 'public'`);
    store.tables = rows[0]?.['tables'] as string;
    // Sessions come and go with the simulated processes; PGlite has one of its own for all of them.
    store.simple(`
      create table public.pg_stat_activity (application_name text not null);
      set search_path = public, pg_catalog;
      set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off;
      set plan_cache_mode = force_generic_plan;
      set session_replication_role = replica`);
    return store;
  }

  /** Back to empty tables. */
  reset(): void {
    this.lockedBy = null;
    this.queue.length = 0;
    this.clients = new Set();
    this.isAway = false;
    this.onError = null;
    this.server.clockOffsetMs = 0;
    this.simple('rollback');
    // As a fresh database, not merely without rows: where a row lies decides in which order some lists come.
    this.simple(`truncate ${this.tables}, public.pg_stat_activity restart identity`);
  }

  /** Asks at once and without any trouble: for the world's own eyes. */
  get sql(): Sql {
    return {
      query: async <Row extends object>(text: string, values: unknown[] = []) =>
        this.ask({ text, values }) as unknown as { rows: Row[] },
    };
  }

  ask(statement: Statement): Result {
    return this.run(statement);
  }

  /** The sessions of a process begin and end, as `pg_stat_activity` shows them. */
  openSessions(applicationName: string): void {
    this.run({ text: 'insert into public.pg_stat_activity values ($1)', values: [applicationName] });
  }

  closeSessions(applicationName: string): void {
    this.run({ text: 'delete from public.pg_stat_activity where application_name = $1', values: [applicationName] });
  }

  /** A process is gone, or frozen for too long: what it had begun and not committed is undone. What is on the wire still comes. */
  processGone(process: SimulatedProcess): void {
    for (const client of this.clients) {
      if (client.process !== process) continue;
      if (client.onTheWire > 0) client.endsWithThat = true;
      else this.cut(client);
    }
  }

  /** By the server's clock. */
  get now(): Date {
    return new Date(this.time.now + this.server.clockOffsetMs);
  }

  /** Nobody is in the middle of anything. */
  get isIdle(): boolean {
    return this.lockedBy === null && this.queue.length === 0;
  }

  /** The server ends: transactions are undone, what is on the wire reaches nobody, and nobody gets in until it is back. */
  goAway(): void {
    this.isAway = true;
    for (const client of this.clients) {
      client.onTheWire = 0;
      this.cut(client);
    }
  }

  comeBack(): void {
    this.isAway = false;
  }

  /** What a worker takes for its pool. */
  openPool(process: SimulatedProcess, weather: StoreWeather, trace: Trace): pg.Pool {
    const pool = {
      query: (statement: string | Statement, values?: unknown[]) =>
        this.send(toStatement(statement, values), process, null, weather, trace),
      connect: () =>
        new Promise<SimulatedClient>((resolve, reject) => {
          const client = new SimulatedClient(this, process, weather, trace);
          this.time.after(null, weather.delayMs(), () => {
            if (!process.alive) return;
            if (this.isAway) return void this.time.after(process, weather.delayMs(), () => reject(connectionLost()));
            this.locked(() => {
              if (this.isAway) {
                this.time.after(process, 0, () => reject(connectionLost()));
                return this.next();
              }
              // It may have died, or been frozen, while it stood in line: the server does not wait for such a client.
              if (!process.alive) return this.next();
              if (process.frozen) client.broken = true;
              else {
                this.lockedBy = client;
                this.clients.add(client);
              }
              this.time.after(process, 0, () => resolve(client));
              this.next();
            });
          });
        }),
      on: () => pool,
      end: () => Promise.resolve(),
    };
    return pool as unknown as pg.Pool;
  }

  /** One statement on its way, there and back. */
  send(
    statement: Statement,
    process: SimulatedProcess,
    client: SimulatedClient | null,
    weather: StoreWeather,
    trace: Trace,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      weather.crossing(process, 'before');
      if (!process.alive) return;
      if (client?.broken) {
        this.time.after(process, 0, () => reject(connectionLost()));
        return;
      }
      const fault = client ? inTransaction(weather.fault(statement)) : weather.fault(statement);
      const label = statement.name ?? statement.text.trim().split(/\s+/).slice(0, 4).join(' ');
      const answer = (result: Result | Error, delayMs = weather.delayMs()) =>
        this.time.after(process, delayMs, () => {
          weather.crossing(process, 'answered');
          if (!process.alive) return;
          if (result instanceof Error) reject(result);
          else resolve(result);
        });
      const lost = () => {
        trace.add(process.name, `sql ${label}: connection lost (${fault})`);
        if (client && fault !== 'late') this.cut(client);
        if (client) {
          client.broken = true;
          client.endsWithThat = true;
        }
        answer(connectionLost());
      };
      const isKnownLost = fault === 'late' || fault === 'lost-commit';
      const arrive = () => {
        if (this.isAway) return isKnownLost ? undefined : lost();
        const work = () => {
          if (client) client.onTheWire = Math.max(0, client.onTheWire - 1);
          // A transaction whose connection was cut is gone, and with it what it would have said next.
          if (client && this.lockedBy !== client) return;
          let result: Result | Error;
          const refused = weather.refusal?.(statement) ?? null;
          try {
            if (refused !== null) throw Object.assign(new Error('refused by the simulation'), { code: refused });
            result = this.run(statement);
          } catch (error) {
            result = error as Error;
            if (refused === null) this.onError?.(label, result);
          }
          trace.add(process.name, `sql ${label}: ${outcome(statement, result)}`);
          weather.executed(process, statement, result, { isAlone: client === null, isInjected: refused !== null });
          if (fault === 'lost-after') lost();
          else if (!isKnownLost) answer(result);
          if (client?.endsWithThat) this.cut(client);
        };
        // Nothing of a slow statement can be seen before it is committed, and a read waits for nobody.
        if (client || (this.lockedBy === 'slow commit' && isRead(statement))) work();
        else if (fault === 'slow-commit' || fault === 'lost-commit') {
          this.locked(() => {
            this.lockedBy = 'slow commit';
            this.time.after(null, weather.faultDelayMs(fault), () => {
              this.lockedBy = null;
              if (!this.isAway) work();
              else if (!isKnownLost) lost();
              this.next();
            });
          });
        } else
          this.locked(() => {
            if (!this.isAway) work();
            else if (!isKnownLost) lost();
            this.next();
          });
      };
      if (client && fault !== 'lost-before') client.onTheWire += 1;
      const delayMs = weather.delayMs() + (fault === 'slow' ? weather.faultDelayMs(fault) : 0);
      if (fault === 'lost-before' || this.isAway) this.time.after(null, delayMs, lost);
      else if (fault === 'late') {
        this.time.after(null, delayMs, lost);
        this.time.after(null, delayMs + weather.faultDelayMs(fault), arrive);
      } else {
        if (fault === 'lost-commit') this.time.after(null, delayMs, lost);
        this.time.after(null, delayMs, arrive);
      }
      weather.crossing(process, 'sent');
    });
  }

  release(client: SimulatedClient): void {
    // A statement that its client has given up may still be on its way to the server, which knows nothing of that.
    if (client.onTheWire > 0) return;
    this.clients.delete(client);
    if (this.lockedBy !== client) return;
    this.lockedBy = null;
    this.next();
  }

  /** The server notices that a client is gone. */
  private cut(client: SimulatedClient): void {
    client.broken = true;
    if (this.lockedBy !== client) return;
    this.simple('rollback');
    this.release(client);
  }

  /** Runs it when no transaction is open, in the order of asking. */
  private locked(work: () => void): void {
    if (this.lockedBy || this.queue.length > 0) this.queue.push(work);
    else work();
  }

  private next(): void {
    while (!this.lockedBy) {
      const work = this.queue.shift();
      if (!work) return;
      work();
    }
  }

  private run(statement: Statement): Result {
    // The server's clock is its own: it does not jump with that of a worker.
    return this.time.as(this.server, () =>
      statement.values === undefined ? this.simple(statement.text) : this.extended(statement as Required<Statement>),
    );
  }

  private simple(text: string): Result {
    return readAnswer(this.exchange([protocol.serialize.query(text)]));
  }

  /** Every text is planned once: planning, not answering, was what the looks of idle workers cost. */
  private extended({ text, values }: Required<Statement>): Result {
    const { serialize } = protocol;
    const known = this.prepared.get(text);
    const name = known ?? `s${this.prepared.size}`;
    const messages = known === undefined ? [serialize.parse({ text, name })] : [];
    messages.push(
      serialize.bind({ statement: name, values: values.map(prepareValue) }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
      serialize.sync(),
    );
    const answer = this.exchange(messages);
    // Only what it could read, outside of a transaction that has failed, does the server know by that name.
    if (known === undefined && answer[0] === parseComplete) this.prepared.set(text, name);
    return readAnswer(answer);
  }

  private exchange(messages: Uint8Array[]): Buffer {
    return Buffer.from(this.database.execProtocolRawSync(Buffer.concat(messages)));
  }
}

const parseComplete = '1'.charCodeAt(0);

/**
 * Reads what PostgreSQL said, values as `pg` makes them. By hand: PGlite's own reader took a quarter of a simulation's time.
 *
 * @throws an error with the SQLSTATE as its code
 */
function readAnswer(answer: Buffer): Result {
  const rows: Record<string, unknown>[] = [];
  let fields: { name: string; parse: (text: string) => unknown }[] = [];
  let rowCount = 0;
  let failure: Error | null = null;
  for (let at = 0; at < answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    const end = at + 1 + answer.readInt32BE(at + 1);
    let place = at + 5;
    const text = (): string => {
      const zero = answer.indexOf(0, place);
      const found = answer.toString('utf8', place, zero);
      place = zero + 1;
      return found;
    };
    switch (String.fromCharCode(answer[at] ?? 0)) {
      case 'T': {
        const count = answer.readInt16BE(place);
        place += 2;
        fields = Array.from({ length: count }, () => {
          const name = text();
          const parse = pg.types.getTypeParser(answer.readInt32BE(place + 6)) as (value: string) => unknown;
          place += 18;
          return { name, parse };
        });
        break;
      }
      case 'D': {
        place += 2;
        const row: Record<string, unknown> = {};
        for (const { name, parse } of fields) {
          const length = answer.readInt32BE(place);
          place += 4;
          row[name] = length < 0 ? null : parse(answer.toString('utf8', place, place + length));
          place += Math.max(0, length);
        }
        rows.push(row);
        break;
      }
      case 'C':
        rowCount = Number(/(\d+)$/.exec(text())?.[1] ?? 0);
        break;
      case 'E': {
        const said = new Map<string, string>();
        while (place < end && answer[place] !== 0) {
          const kind = String.fromCharCode(answer[place++] ?? 0);
          said.set(kind, text());
        }
        failure = Object.assign(new Error(said.get('M')), { code: said.get('C') });
        break;
      }
    }
  }
  if (failure) throw failure;
  return { rows, rowCount };
}

/** A checked-out connection. */
class SimulatedClient {
  /** For its user; the server may not have noticed. */
  broken = false;
  /** Statements that are on their way to the server. */
  onTheWire = 0;
  /** The server notices when it next has something to answer. */
  endsWithThat = false;

  constructor(
    private readonly store: SimulatedStore,
    readonly process: SimulatedProcess,
    private readonly weather: StoreWeather,
    private readonly trace: Trace,
  ) {}

  query(statement: string | Statement, values?: unknown[]): Promise<Result> {
    return this.store.send(toStatement(statement, values), this.process, this, this.weather, this.trace);
  }

  release(): void {
    this.store.release(this);
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }
}

function toStatement(statement: string | Statement, values?: unknown[]): Statement {
  if (typeof statement !== 'string') return statement;
  return { text: statement, ...(values !== undefined && { values }) };
}

/** A transaction waits in line as a whole: only its commit can be slow, or lost. */
function inTransaction(fault: StoreFault): StoreFault {
  if (fault === 'slow-commit') return 'slow';
  return fault === 'lost-commit' ? 'lost-after' : fault;
}

/** A single statement that changes nothing and waits for no lock. */
function isRead({ text }: Statement): boolean {
  return /^\s*select\b/i.test(text) && !/\bfor\s+(no\s+key\s+)?(update|share)\b/i.test(text);
}

function connectionLost(): Error {
  return Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
}

function outcome({ name, values }: Statement, result: Result | Error): string {
  if (result instanceof Error) return `error ${(result as { code?: string }).code}: ${result.message}`;
  // Which orders, and into which states: enough to see two runs part.
  const given = name?.startsWith('save-') ? ` of ${JSON.stringify(values?.slice(1, 6))}` : '';
  return `${result.rowCount} rows${given}`;
}
