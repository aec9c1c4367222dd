/**
 * The scenarios' own checks are checked: what goes wrong with an order is put into the evidence of a faultless run, and must
 * be seen. The invariants have their mutants in test/invariants.
 */
import { describe, expect, it } from '@jest/globals';
import type { CloudResource, Evidence, SeenEvent } from '../invariants/evidence.js';
import { factsOf } from '../invariants/facts.js';
import { type MessageRow, type OrderRow, type Rows, sha256 } from '../invariants/rows.js';
import { violations } from '../support/scenario-checks.js';
import { type GoodOrder, makeScenario, type Scenario } from '../support/scenario-orders.js';
import { seededRandom } from '../support/scenario-random.js';

interface Run {
  scenario: Scenario;
  rows: Rows;
  resources: CloudResource[];
  effects: Evidence['clouds'][number]['effects'];
  events: SeenEvent[];
  rejected: NonNullable<Evidence['rejected']>;
}

/** Twelve orders whose evidence is as it should be. */
function faultless(): Run {
  const scenario = makeScenario(seededRandom(5), { orders: 12, duplicates: 0.5, damage: 0.5 });
  const rows: Rows = {
    orders: [],
    items: [],
    operations: [],
    events: [],
    messages: [],
    orphans: [],
    callbacks: [],
    audit: [],
    looks: [],
  };
  const run: Run = { scenario, rows, resources: [], effects: [], events: [], rejected: [] };
  for (const order of scenario.orders) build(order, run);
  const taken = new Set<string>();
  scenario.messages.forEach(({ workOrderId, bytes, becomes }, offset) => {
    const isFirst = becomes.verdict === 'order' && !taken.has(workOrderId);
    if (isFirst) taken.add(workOrderId);
    const verdict = becomes.verdict !== 'order' ? becomes.verdict : isFirst ? 'accepted' : 'duplicate';
    const code = becomes.verdict === 'order' ? null : becomes.code;
    const row: MessageRow = {
      messageId: `m${offset}`,
      channel: 'kafka',
      origin: `orders/0@${offset}`,
      verdict,
      code,
      problems: code === null ? 0 : 1,
      orderId: code === null ? workOrderId : null,
      workOrderId,
      sha256: sha256(bytes),
      sealed: true,
      resubmitted: false,
    };
    rows.messages.push(row);
    if (code !== null) run.rejected.push({ messageId: row.messageId, code, text: '' });
  });
  return run;
}

function build(good: GoodOrder, { rows, resources, effects, events }: Run): void {
  const { workOrderId, vmName, vm, volumes, bandwidthMbps, resourceIds } = good;
  const id = (what: string): string => `${workOrderId} ${what}`;
  const thing = (kind: string, what: string, details: Record<string, unknown>): CloudResource => {
    const attachedTo = kind === 'vm' ? null : id('vm');
    const state = kind === 'vm' ? 'Running' : 'Ready';
    return { kind, id: id(what), name: null, marker: `ow ${id(what)}`, state, attachedTo, details };
  };
  const things = [
    thing('vm', 'vm', { displayName: vmName, ...vm }),
    ...volumes.map((disk, i) => thing('volume', `disk ${i}`, { ...disk })),
    ...(bandwidthMbps === null ? [] : [thing('address', 'address', { bandwidthMbps })]),
  ];
  resources.push(...things);
  const at = '2026-11-21T08:00:00Z';
  things.forEach(({ kind, id: resourceId, marker }, number) => {
    effects.push({ at, operation: 'create', effect: 'created', kind, id: resourceId, marker });
    rows.operations.push({
      orderId: workOrderId,
      number,
      partKey: `${number}`,
      name: `${kind}.create`,
      itemIndex: number,
      platformId: 'dc-1',
      marker: marker ?? '',
      state: 'done',
      attempt: 1,
      jobId: null,
      resourceId,
      dueAt: null,
      submittedAt: null,
      finished: true,
    });
  });
  let sequence = 0;
  const tell = (type: string, itemIndex: number | null = null, data: Record<string, unknown> = {}): void => {
    sequence += 1;
    rows.events.push({ orderId: workOrderId, sequence, type, itemIndex, data });
    const event = { id: id(`${sequence}`), type: `orderwright.${type}.v1`, subject: workOrderId, sequence };
    const told = itemIndex === null ? data : { resourceId: resourceIds[itemIndex], ...data };
    events.push({ ...event, data: told, text: id(`${sequence}`) });
  };
  tell('work-order.received');
  resourceIds.forEach((resourceId, itemIndex) => {
    const item = {
      orderId: workOrderId,
      itemIndex,
      resourceId,
      resourceType: 'VM',
      status: 'completed',
      ordered: null,
    };
    rows.items.push(item);
    tell('item.completed', itemIndex, { cloudResourceIds: [things[itemIndex]?.id] });
  });
  tell('work-order.completed');
  rows.orders.push({
    orderId: workOrderId,
    kind: 'billing',
    producer: 'billing',
    workOrderId,
    accountId: 'a1',
    status: 'completed',
    machine: { value: 'completed' },
    eventSequence: sequence,
    revision: 5,
    epoch: 1,
    workerId: null,
    finished: true,
    holds: 0,
    preparations: [],
  });
}

function judge(breakIt: (run: Run) => void = () => undefined): string[] {
  const run = faultless();
  breakIt(run);
  const { scenario, rows, resources, effects, events, rejected } = run;
  const sql = { query: () => Promise.reject(new Error('the rows are here already')) };
  const clouds = [{ name: 'cloud', resources, effects }];
  return violations(scenario, factsOf({ sql, clouds, events, rejected }, rows));
}

const first = <T>(values: Iterable<T>): T => {
  const [value] = values;
  if (value === undefined) throw new Error('there is none');
  return value;
};
const thingOf = ({ resources }: Run, kind: string): CloudResource =>
  first(resources.filter((one) => one.kind === kind));
const orderOf = ({ rows }: Run): OrderRow => first(rows.orders);
const keptAs = ({ rows }: Run, verdict: string): MessageRow =>
  first(rows.messages.filter((one) => one.verdict === verdict));

const mutants: [what: string, says: string, breakIt: (run: Run) => void][] = [
  ['an order fails', 'the status is', (run) => (orderOf(run).status = 'failed')],
  ['an order is lost', 'there are 11 orders', ({ rows }) => rows.orders.shift()],
  [
    'an item is told to another order',
    'what was told as completed',
    (run) => (first(run.events.filter(({ type }) => type.includes('item'))).data['resourceId'] = 'another'),
  ],
  [
    'a VM is told and not there',
    'number of VMs',
    (run) => run.resources.splice(run.resources.indexOf(thingOf(run, 'vm')), 1),
  ],
  ['a VM has other sizes', 'the VM', (run) => (thingOf(run, 'vm').details['memoryMib'] = 512)],
  ['a VM has another name', 'the VM', (run) => (thingOf(run, 'vm').details['displayName'] = 'other')],
  ['a VM is stopped', 'the VM', (run) => (thingOf(run, 'vm').state = 'Stopped')],
  ['a disk hangs on nothing', 'the disks', (run) => (thingOf(run, 'volume').attachedTo = null)],
  ['a disk has another size', 'the disks', (run) => (thingOf(run, 'volume').details['sizeGib'] = 1)],
  ['an address serves another VM', 'the address', (run) => (thingOf(run, 'address').attachedTo = 'another')],
  ['an address has no bandwidth', 'the address', (run) => (thingOf(run, 'address').details['bandwidthMbps'] = null)],
  [
    'a VM was made and deleted',
    'made and deleted',
    (run) => run.effects.push({ ...first(run.effects), effect: 'deleted' }),
  ],
  [
    'something is an orphan',
    'orphan',
    ({ rows }) => rows.orphans.push({ resourceId: 'x', marker: '', orderId: '', state: 'found' }),
  ],
  [
    'a damaged order is built',
    'damaged only',
    (run) => run.rows.orders.push({ ...orderOf(run), orderId: 'x', workOrderId: first(run.scenario.lost) }),
  ],
  ['a message is not kept', 'not kept', ({ rows }) => rows.messages.pop()],
  ['a copy is taken for a conflict', 'conflict', (run) => (keptAs(run, 'duplicate').verdict = 'conflict')],
  ['a damaged message has another code', 'not set-aside', (run) => (keptAs(run, 'set-aside').code = 'MSG_EMPTY')],
  ['a damaged message is not told', 'told as undefined', ({ rejected }) => rejected.pop()],
  ['an invariant is broken', 'I10: ', ({ events }) => events.reverse()],
  [
    'an order waits for a person',
    'I7: ',
    (run) => {
      const machine = { value: 'held', context: { reason: { code: 'no_matching_offering', message: 'too large' } } };
      Object.assign(orderOf(run), { status: 'held', finished: false, machine });
    },
  ],
];

describe('the checks of a scenario', () => {
  it('find nothing wrong with a faultless run', () => {
    expect(judge()).toEqual([]);
  });

  it('do not mind that an event comes twice', () => {
    expect(judge(({ events }) => events.push(first(events)))).toEqual([]);
  });

  it.each(mutants)('see that %s', (_, says, breakIt) => {
    expect(judge(breakIt).join('\n')).toContain(says);
  });

  it('name five of each kind and count the rest: one fault can break a thousand orders', () => {
    const lines = judge(({ resources }) => resources.forEach((one) => (one.state = 'Stopped')));
    expect(lines).toHaveLength(6);
    expect(lines[5]).toBe('buildsEveryOrderAsOrdered: 7 more');
  });
});
