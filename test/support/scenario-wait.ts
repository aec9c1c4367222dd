/** Waiting for a scenario to come to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './scenario-world.js';

/** @throws with what was last seen, when it does not become true in time */
export async function until(
  what: string,
  look: () => Promise<{ done: boolean; seen: string }>,
  timeoutMs: number,
): Promise<void> {
  for (const giveUpAt = Date.now() + timeoutMs; ; await sleep(100)) {
    const { done, seen } = await look();
    if (done) return;
    if (Date.now() > giveUpAt) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}: ${seen}`);
  }
}

export interface Progress {
  messages: number;
  orders: number;
  /** Neither finished nor held. */
  open: number;
  events: number;
  /** Steps stored so far: what a crash can fall between. */
  steps: number;
}

export async function progress(world: World): Promise<Progress> {
  const [row] = await world.query<Progress>(
    `select (select count(*) from received_message)::int as messages,
            count(*) filter (where kind = 'billing')::int as orders,
            count(*) filter (where finished_at is null and status <> 'held')::int as open,
            coalesce(sum(event_sequence), 0)::int as events,
            (coalesce(sum(revision), 0) + (select count(*) from received_message))::int as steps
       from work_order`,
  );
  if (!row) throw new Error('no row');
  return row;
}

/** Every message stored, every order at its end, every event with billing. */
export async function untilQuiet(world: World, messages: number, timeoutMs: number): Promise<void> {
  await until(
    'all orders to end',
    async () => {
      const now = await progress(world);
      const done = now.messages >= messages && now.open === 0;
      return { done, seen: `${JSON.stringify(now)} of ${messages} messages; ${done ? '' : await whatWaits(world)}` };
    },
    timeoutMs,
  );
  const [{ events, rejected } = { events: 0, rejected: 0 }] = await world.query<{ events: number; rejected: number }>(
    `select (select count(*) from event join work_order using (order_id))::int as events,
            (select count(*) from received_message where verdict in ('conflict', 'set-aside', 'refused'))::int as rejected`,
  );
  await until(
    'all events to arrive',
    async () => {
      const { billing } = world;
      const came = new Set(billing.events.map(({ id }) => id)).size;
      const told = new Set(billing.rejections.map(({ messageId }) => messageId)).size;
      return {
        done: came >= events && told >= rejected,
        seen: `${came} of ${events} events, ${told} of ${rejected} rejections`,
      };
    },
    30_000,
  );
  await until(
    'the consumer group to commit everything',
    async () => {
      const lag = await world.billing.lag(world.groupId);
      return { done: lag === 0, seen: `lag ${lag}` };
    },
    30_000,
  );
}

/** Three orders that are not at their end, and the operations that hold them up. */
async function whatWaits(world: World): Promise<string> {
  const rows = await world.query(
    `select o.work_order_id, o.status, o.worker_id, o.machine ->> 'value' as machine, now() - o.updated_at as since,
            (select jsonb_agg(jsonb_build_object('name', c.name, 'state', c.state, 'due', c.due_at, 'context', c.context))
               from cloud_operation c where c.order_id = o.order_id and c.state <> 'done') as operations
       from work_order o where o.finished_at is null and o.status <> 'held' limit 3`,
  );
  return JSON.stringify(rows);
}
