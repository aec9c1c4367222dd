import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Weather } from './runner/weather-report.js';
import type { Worker } from './runner/worker.js';
import { heldBack } from './store/held-back.js';

/** What a monitoring system reads from `/metrics`. Counts and states only; no ids, so that no label grows without end. */
export function createMetrics(worker: Worker, pool: pg.Pool): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const { engine, poller } = worker;
  gauge('orderwright_open_orders', 'Orders this worker is working on', () => engine.openOrders);
  gauge('orderwright_jobs_in_flight', 'Cloud jobs this worker waits for', () => poller.inFlight);
  gauge('orderwright_steps_total', 'Steps stored by this worker', () => engine.counters.steps);
  gauge('orderwright_commits_total', 'Group commits of this worker', () => engine.counters.commits);
  gauge('orderwright_lost_races_total', 'Orders that another worker had taken over', () => engine.counters.lostRaces);
  gauge(
    'orderwright_ignored_events_total',
    'Events that meant nothing in their state',
    () => engine.counters.ignoredEvents,
  );
  gauge('orderwright_database_waiting', 'Requests waiting for a database connection', () => pool.waitingCount);
  const byPlatform = (
    name: string,
    help: string,
    read: (weather: Weather) => number,
    of: (weather: Weather) => Record<string, string> = () => ({}),
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['platform', 'state'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { id, weather } of worker.platforms.views())
          this.set({ platform: id, ...of(weather) }, read(weather));
      },
    });
  byPlatform(
    'orderwright_platform_weather',
    'The weather at each platform: 1 for its state',
    () => 1,
    ({ state }) => ({ state }),
  );
  byPlatform('orderwright_platform_parked', 'Work that waits until a platform is open again', ({ parked }) => parked);
  byPlatform('orderwright_platform_queued', 'Work that waits for its turn at a platform', ({ queued }) => queued);
  new Gauge({
    name: 'orderwright_orphans',
    help: 'What is too many, left over or missing and not decided about, by why it is listed; all workers',
    labelNames: ['why', 'state'],
    registers: [registry],
    async collect() {
      this.reset();
      const { rows } = await pool
        .query<{ why: string; state: string; count: string }>(
          `select why, state, count(*) from orphan where state in ('found', 'destroying') group by why, state`,
        )
        .catch(() => ({ rows: [] }));
      for (const { why, state, count } of rows) this.set({ why, state }, Number(count));
    },
  });
  new Gauge({
    name: 'orderwright_looks',
    help: 'Looks after the end of orders that should be made by now, all workers: due, or blocked by something',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      this.reset();
      const { rows } = await pool
        .query<{ due: string; blocked: string }>(
          `select count(*) filter (where problem is null and due_at <= now()) as due,
                  count(*) filter (where problem is not null) as blocked
             from late_look where due_at is not null`,
        )
        .catch(() => ({ rows: [] }));
      for (const { due, blocked } of rows) {
        this.set({ state: 'due' }, Number(due));
        this.set({ state: 'blocked' }, Number(blocked));
      }
    },
  });
  gauge(
    'orderwright_looks_made_total',
    'Looks after the end of orders that this worker made',
    () => worker.lateLooks.counters.looks,
  );
  new Gauge({
    name: 'orderwright_orders',
    help: 'Orders by status, all workers',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      this.reset();
      // While the database is away the rest is asked for all the more.
      const { rows } = await pool
        .query<{ status: string; count: string }>(
          `select status, count(*) from work_order where kind = 'billing' group by status`,
        )
        .catch(() => ({ rows: [] }));
      for (const { status, count } of rows) this.set({ status }, Number(count));
    },
  });
  new Gauge({
    name: 'orderwright_events_held_back_seconds',
    help: 'How long the oldest event waits for a transaction on the database server to end; 0: none waits',
    registers: [registry],
    async collect() {
      const held = await heldBack(pool).catch(() => null);
      this.set(held?.seconds ?? 0);
    },
  });
  return registry;
}
