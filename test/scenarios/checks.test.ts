/** The checkers are checked: each rule is broken on purpose in the evidence of a faultless run, and must be seen. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { violations } from '../support/scenario-checks.js';
import type { Evidence, KeptMessage } from '../support/scenario-evidence.js';
import type { ReceivedEvent } from '../support/scenario-kafka.js';
import { type GoodOrder, makeScenario, type Scenario } from '../support/scenario-orders.js';
import { seededRandom } from '../support/scenario-random.js';
import type { SimulatedThing } from '../support/scenario-world.js';

/** Twelve orders whose evidence is as it should be. */
function faultless(): { scenario: Scenario; evidence: Evidence } {
  const scenario = makeScenario(seededRandom(5), { orders: 12, duplicates: 0.5, damage: 0.5 });
  const evidence: Evidence = {
    things: [],
    effects: [],
    events: new Map(),
    rejections: [],
    messages: [],
    statuses: new Map(scenario.orders.map(({ workOrderId }) => [workOrderId, 'completed'])),
    sharedMarkers: new Set(),
    orphans: [],
    lag: 0,
  };
  for (const order of scenario.orders) build(order, evidence);
  const taken = new Set<string>();
  scenario.messages.forEach(({ workOrderId, bytes, becomes }, offset) => {
    const isFirst = becomes.verdict === 'order' && !taken.has(workOrderId);
    if (isFirst) taken.add(workOrderId);
    const verdict = becomes.verdict !== 'order' ? becomes.verdict : isFirst ? 'accepted' : 'duplicate';
    const code = becomes.verdict === 'order' ? null : becomes.code;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const row: KeptMessage = {
      messageId: `m${offset}`,
      channel: 'kafka',
      origin: `orders/0@${offset}`,
      verdict,
      code,
      workOrderId,
      sha256,
    };
    evidence.messages.push(row);
    if (code !== null) evidence.rejections.push({ ...row, code, text: '' });
  });
  return { scenario, evidence };
}

function build({ workOrderId, vmName, vm, volumes, bandwidthMbps, resourceIds }: GoodOrder, evidence: Evidence): void {
  const told: ReceivedEvent[] = [];
  const tell = (type: string, data: Record<string, unknown> = {}): void => {
    const sequence = told.length + 1;
    const id = `${workOrderId} ${sequence}`;
    told.push({ id, type: `orderwright.${type}.v1`, subject: workOrderId, sequence, data, text: id });
  };
  const id = (what: string): string => `${workOrderId} ${what}`;
  const thing = (kind: string, what: string, details: Record<string, unknown>): SimulatedThing => {
    const attachedTo = kind === 'vm' ? null : id('vm');
    const state = kind === 'vm' ? 'Running' : 'Ready';
    return { kind, id: id(what), name: null, marker: `ow ${id(what)}`, state, attachedTo, details };
  };
  const things = [
    thing('vm', 'vm', { displayName: vmName, ...vm }),
    ...volumes.map((disk, i) => thing('volume', `disk ${i}`, { ...disk })),
    ...(bandwidthMbps === null ? [] : [thing('address', 'address', { bandwidthMbps })]),
  ];
  evidence.things.push(...things);
  for (const { kind, id, marker } of things) {
    evidence.effects.push({ operation: 'create', effect: 'created', kind, id, marker });
  }
  tell('work-order.received');
  resourceIds.forEach((resourceId, i) => {
    tell('item.completed', { resourceId, cloudResourceIds: [things[i]?.id] });
  });
  tell('work-order.completed');
  evidence.events.set(workOrderId, told);
}

const first = <T>(values: Iterable<T>): T => {
  const [value] = values;
  if (value === undefined) throw new Error('there is none');
  return value;
};
const thingOf = ({ things }: Evidence, kind: string): SimulatedThing =>
  first(things.filter((one) => one.kind === kind));
const eventsOf = ({ events }: Evidence): ReceivedEvent[] => first(events.values());
const keptAs = ({ messages }: Evidence, verdict: string): KeptMessage =>
  first(messages.filter((one) => one.verdict === verdict));

const mutants: [what: string, says: string, breakIt: (evidence: Evidence, scenario: Scenario) => void][] = [
  ['an order fails', 'status', ({ statuses }) => statuses.set(first(statuses.keys()), 'failed')],
  ['an order is lost', 'not', ({ statuses }) => statuses.delete(first(statuses.keys()))],
  ['a VM is told and not there', 'does not exist', (e) => e.things.splice(e.things.indexOf(thingOf(e, 'vm')), 1)],
  ['a VM has other sizes', 'the VM', (e) => (thingOf(e, 'vm').details['memoryMib'] = 512)],
  ['a VM has another name', 'the VM', (e) => (thingOf(e, 'vm').details['displayName'] = 'other')],
  ['a disk hangs on nothing', 'the disks', (e) => (thingOf(e, 'volume').attachedTo = null)],
  ['a disk has another size', 'the disks', (e) => (thingOf(e, 'volume').details['sizeGib'] = 1)],
  ['an address serves another VM', 'the address', (e) => (thingOf(e, 'address').attachedTo = 'another')],
  ['an address has no bandwidth', 'the address', (e) => (thingOf(e, 'address').details['bandwidthMbps'] = null)],
  ['a second VM lives', 'no order', (e) => e.things.push({ ...thingOf(e, 'vm'), id: 'x', marker: 'ow other' })],
  ['two things carry one marker', 'is carried', (e) => e.things.push({ ...thingOf(e, 'volume'), id: 'x' })],
  ['a VM carries no marker', 'no marker', (e) => (thingOf(e, 'vm').marker = null)],
  ['a VM was made twice', 'made twice', (e) => e.effects.push({ ...first(e.effects), id: 'x' })],
  ['a VM was made and deleted', 'deleted', (e) => e.effects.push({ ...first(e.effects), effect: 'deleted' })],
  ['something is an orphan', 'orphan', ({ orphans }) => orphans.push('x')],
  ['a damaged order is built', 'damaged only', ({ statuses }, { lost }) => statuses.set(first(lost), 'completed')],
  ['an event is missing', 'sequences', (e) => eventsOf(e).splice(1, 1)],
  ['events come in another order', 'sequences', (e) => eventsOf(e).reverse()],
  [
    'an order ends twice',
    'ends with',
    (e) => {
      const events = eventsOf(e);
      events.push({ ...first(events.toReversed()), id: 'x', sequence: events.length + 1 });
    },
  ],
  ['an order never ends', 'ends with', (e) => eventsOf(e).pop()],
  ['an event comes again, changed', 'other content', (e) => eventsOf(e).push({ ...first(eventsOf(e)), text: 'x' })],
  [
    'an item completes twice',
    'items completed',
    (e) => {
      const events = eventsOf(e);
      const item = first(events.filter(({ type }) => type.includes('item')));
      events.splice(
        -1,
        1,
        { ...item, id: 'x', sequence: events.length },
        { ...first(events.toReversed()), sequence: events.length + 1 },
      );
    },
  ],
  ['a message is not kept', 'not kept', ({ messages }) => messages.pop()],
  ['a record is kept twice', 'kept twice', ({ messages }) => messages.push(first(messages))],
  ['a copy is taken for an order', 'accepted 2 times', (e) => (keptAs(e, 'duplicate').verdict = 'accepted')],
  ['a copy is taken for a conflict', 'conflict', (e) => (keptAs(e, 'duplicate').verdict = 'conflict')],
  ['a damaged message has another code', 'not set-aside', (e) => (keptAs(e, 'set-aside').code = 'MSG_EMPTY')],
  ['a damaged message is not told', 'told as undefined', ({ rejections }) => rejections.pop()],
  ['a record waits to be read', 'behind', (e) => (e.lag = 1)],
];

describe('the checkers', () => {
  it('find nothing wrong with a faultless run', () => {
    const { scenario, evidence } = faultless();
    expect(violations(scenario, evidence)).toEqual([]);
  });

  it('do not mind that an event comes twice', () => {
    const { scenario, evidence } = faultless();
    eventsOf(evidence).push(first(eventsOf(evidence)));
    expect(violations(scenario, evidence)).toEqual([]);
  });

  it.each(mutants)('see that %s', (_, says, breakIt) => {
    const { scenario, evidence } = faultless();
    breakIt(evidence, scenario);
    expect(violations(scenario, evidence).join('\n')).toContain(says);
  });
});
