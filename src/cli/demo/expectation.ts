import type { ItemJson, OrderJson } from '../../http/order-schemas.js';
import type { OrderNumber, Sample, Verdict } from './samples.js';

/** A living thing as the control side of a simulated cloud shows it. */
export interface CloudResource {
  kind: string;
  id: string;
  marker: string | null;
  state: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

export interface Observed {
  messages: { sample: Pick<Sample, 'file' | 'expected'>; verdict: Verdict | null }[];
  orders: Map<OrderNumber, OrderJson>;
  resources: CloudResource[];
  /** What came back from Kafka: the events of each order by sequence; null when no Kafka was used. */
  events: Map<string, { type: string; sequence: number }[]> | null;
}

export interface Finding {
  ok: boolean;
  what: string;
  /** What was found instead. */
  found: string | null;
}

/** What must be true when the demo is over. Pure. */
export function judge(observed: Observed): Finding[] {
  const { messages, resources, events } = observed;
  const order = (number: OrderNumber) => observed.orders.get(number);
  return [
    ...verdicts(messages),
    ...([23, 60, 86] as const).map((number) =>
      equal(`order ${number} is completed`, order(number)?.status ?? 'missing', 'completed'),
    ),
    equal('order 84 is held for a person', order(84)?.status ?? 'missing', 'held'),
    equal('nothing was built for order 84', built(order(84)).join(', ') || 'nothing', 'nothing'),
    equal('order 23 has one VM', shapeOf(order(23), resources), 'VM running'),
    equal(
      'order 60 has one VM, two disks attached to it, one address bound to it with 2 Mbit/s',
      shapeOf(order(60), resources),
      'VM running; disk 40 GiB on its VM; disk 80 GiB on its VM; address 2 Mbit/s on its VM',
    ),
    equal(
      'order 86 has one VM, one disk attached to it, one address bound to it with 2 Mbit/s',
      shapeOf(order(86), resources),
      'VM running; disk 10 GiB on its VM; address 2 Mbit/s on its VM',
    ),
    equal('nothing was built twice', counts(resources), '3 vm, 3 volume, 2 address'),
    ...(events === null ? [] : eventFindings(observed, events)),
  ];
}

function verdicts(messages: Observed['messages']): Finding[] {
  const words: Record<string, string> = {
    accepted: 'orders taken',
    held: 'order held',
    duplicate: 'messages recognised as the same order again',
    'set-aside': 'damaged messages set aside',
  };
  return Object.entries(words).map(([verdict, text]) => {
    const wanted = messages.filter(({ sample }) => sample.expected === verdict);
    const wrong = wanted.filter((one) => one.verdict !== verdict);
    return {
      ok: wrong.length === 0,
      what: `${wanted.length} ${text}`,
      found:
        wrong.length === 0
          ? null
          : wrong.map(({ sample, verdict: got }) => `${sample.file}: ${got ?? 'no answer'}`).join(', '),
    };
  });
}

function built(order: OrderJson | undefined): string[] {
  return order?.items.flatMap((item) => item.cloudResourceIds) ?? ['(the order is missing)'];
}

/** An order's things as the clouds hold them, by the ids that the order names. */
function shapeOf(order: OrderJson | undefined, resources: CloudResource[]): string {
  if (!order) return 'the order is missing';
  const things = order.items.map((item) => ({
    item,
    found: item.cloudResourceIds.map((id) => resources.find((one) => one.id === id) ?? null),
  }));
  const vm = things.find(({ item }) => item.resourceType === 'VM')?.found[0] ?? null;
  const place = (one: CloudResource) => (vm && one.attachedTo === vm.id ? 'on its VM' : 'NOT on its VM');
  const words = things.flatMap(({ item, found }) =>
    found.length === 0 ? [`${item.resourceType}: nothing`] : found.map((one) => wordsOf(item, one, place)),
  );
  const rank = (text: string) => ['VM', 'disk', 'address'].findIndex((kind) => text.startsWith(kind));
  return words.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true })).join('; ');
}

/** What CloudStack and OpenStack call a VM that runs. */
const runningStates = ['Running', 'ACTIVE'];

function wordsOf(item: ItemJson, one: CloudResource | null, place: (one: CloudResource) => string): string {
  if (!one) return `${item.resourceType}: gone`;
  switch (one.kind) {
    case 'vm':
      return `VM ${runningStates.includes(one.state ?? '') ? 'running' : one.state}`;
    case 'volume':
      return `disk ${String(one.details['sizeGib'])} GiB ${place(one)}`;
    default:
      return `${one.kind} ${String(one.details['bandwidthMbps'])} Mbit/s ${place(one)}`;
  }
}

function counts(resources: CloudResource[]): string {
  return ['vm', 'volume', 'address']
    .map((kind) => `${resources.filter((one) => one.kind === kind).length} ${kind}`)
    .join(', ');
}

function eventFindings({ orders }: Observed, events: NonNullable<Observed['events']>): Finding[] {
  const endings: [OrderNumber, string][] = [
    [23, 'completed'],
    [60, 'completed'],
    [86, 'completed'],
    [84, 'held'],
  ];
  const wrong = endings.flatMap(([number, ending]) => {
    const found = events.get(orders.get(number)?.workOrderId ?? '') ?? [];
    const gapless = found.every((event, i) => event.sequence === i + 1);
    const last = found.at(-1)?.type ?? 'none';
    const right = gapless && last === `orderwright.work-order.${ending}.v1`;
    return right ? [] : [`order ${number}: ${found.length} events${gapless ? '' : ' with gaps'}, the last is ${last}`];
  });
  const all = [...events.values()].reduce((sum, list) => sum + list.length, 0);
  return [
    {
      ok: wrong.length === 0,
      what: `${all} events came back from Kafka, each order's complete and in order`,
      found: wrong.join('; ') || null,
    },
  ];
}

function equal(what: string, found: string, expected: string): Finding {
  return { ok: found === expected, what, found: found === expected ? null : `expected ${expected}; found ${found}` };
}
