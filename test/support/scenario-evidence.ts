/** What can be seen from outside when a scenario is over: the cloud, the events that came, the tables. */
import type { ReceivedEvent, ReceivedRejection } from './scenario-kafka.js';
import type { Effect, SimulatedThing, World } from './scenario-world.js';

export interface KeptMessage {
  messageId: string;
  channel: 'kafka' | 'http' | 'cli';
  origin: string;
  verdict: string;
  code: string | null;
  workOrderId: string | null;
  sha256: string;
}

export interface Evidence {
  things: SimulatedThing[];
  effects: Effect[];
  /** By workOrderId, in the order in which they came, repetitions included. */
  events: Map<string, ReceivedEvent[]>;
  rejections: ReceivedRejection[];
  messages: KeptMessage[];
  statuses: Map<string, string>;
  /** Markers of what many orders share, such as a default network. */
  sharedMarkers: Set<string>;
  orphans: string[];
  lag: number;
}

export async function gather(world: World): Promise<Evidence> {
  const events = new Map<string, ReceivedEvent[]>();
  for (const event of world.billing.events) {
    const list = events.get(event.subject);
    if (list) list.push(event);
    else events.set(event.subject, [event]);
  }
  const statuses = await world.query<{ work_order_id: string; status: string }>(
    `select work_order_id, status from work_order where kind = 'billing'`,
  );
  const shared = await world.query<{ marker: string }>(
    `select marker from cloud_operation join work_order using (order_id) where kind = 'preparation'`,
  );
  const orphans = await world.query<{ resource_id: string }>('select resource_id from orphan');
  return {
    things: await world.resources(),
    effects: await world.effects(),
    events,
    rejections: world.billing.rejections,
    messages: await world.query<KeptMessage>(
      `select message_id as "messageId", channel, origin, verdict, code, work_order_id as "workOrderId", encode(body_sha256, 'hex') as sha256
         from received_message`,
    ),
    statuses: new Map(statuses.map((row) => [row.work_order_id, row.status])),
    sharedMarkers: new Set(shared.map(({ marker }) => marker)),
    orphans: orphans.map((row) => row.resource_id),
    lag: await world.billing.lag(world.groupId),
  };
}
