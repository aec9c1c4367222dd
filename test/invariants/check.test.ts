/** The checkers are checked: each rule is broken on purpose in the evidence of a faultless run, and it alone must be seen. */
import { describe, expect, it } from '@jest/globals';
import { stageMarker } from '../../src/planner/marker.js';
import { type CheckOptions, checkFacts, type Figures, type Report, reportLines } from './check.js';
import { checkers } from './checkers.js';
import type { CloudResource } from './evidence.js';
import { type InvariantId, invariantIds } from './facts.js';
import { guises } from './guises.js';
import type { EventRow, ItemRow, MessageRow, OrderRow } from './rows.js';
import { aclListMarker, factsOfSample, markerOf, type Sample, sampleRun, secret, sharedMarker } from './sample.js';

function judge(breakIt: (run: Sample) => void = () => undefined, options: CheckOptions = {}): Report {
  const run = sampleRun();
  breakIt(run);
  return checkFacts(factsOfSample(run), options);
}

const violated = ({ violations }: Report): string[] => [...new Set(violations.map(({ invariant }) => invariant))];

/** @throws when the sample has no such thing any more: a mutant that changes nothing would prove nothing */
function the<Row>(rows: readonly Row[], isIt: (row: Row) => boolean): Row {
  const found = rows.find(isIt);
  if (found === undefined) throw new Error('the sample run has no such thing');
  return found;
}
const order = (run: Sample, id: string): OrderRow => the(run.rows.orders, (one) => one.orderId === id);
const kept = (run: Sample, verdict: string): MessageRow => the(run.rows.messages, (one) => one.verdict === verdict);
const thing = (run: Sample, id: string): CloudResource => the(run.cloud.resources, (one) => one.id === id);
const operation = (run: Sample, id: string, number = 0) =>
  the(run.rows.operations, (one) => one.orderId === id && one.number === number);
const remove = <Row>(rows: Row[], isIt: (row: Row) => boolean): void => {
  rows.splice(rows.indexOf(the(rows, isIt)), 1);
};
const item = (run: Sample, orderId: string, itemIndex: number): ItemRow =>
  the(run.rows.items, (one) => one.orderId === orderId && one.itemIndex === itemIndex);
const firstMs = (run: Sample): number => Date.parse(run.cloud.effects[0]?.at ?? '');

/** A second thing like that one: made by itself after so long, and shown. */
function makeAgain(run: Sample, id: string, change: Partial<CloudResource>, afterMs = 3_600_000): void {
  const twin = { ...thing(run, id), id: 'twin', ...change };
  run.cloud.resources.push(twin);
  const { kind, marker } = twin;
  const at = new Date(firstMs(run) + afterMs).toISOString();
  run.cloud.effects.push({ at, operation: 'create', effect: 'created', kind, id: 'twin', marker });
}

/** An order that is on its way, and whose one operation is as given. */
function reopen(run: Sample, state: string, change: object): void {
  const { rows } = run;
  const sequence = order(run, 'WO-open').eventSequence;
  rows.events = rows.events.filter((event) => event.orderId !== 'WO-open' || event.sequence < sequence - 1);
  run.events = run.events.filter((event) => event.subject !== 'WO-open' || event.sequence < sequence - 1);
  for (const reader of run.evidence.readers ?? []) {
    reader.events = reader.events.filter((event) => event.subject !== 'WO-open' || event.sequence < sequence - 1);
  }
  Object.assign(order(run, 'WO-open'), {
    status: 'provisioning',
    machine: { value: 'provisioning' },
    finished: false,
    workerId: 'w1',
    eventSequence: sequence - 2,
  });
  Object.assign(operation(run, 'WO-open'), { state, finished: false, ...change });
  rows.callbacks = [];
  run.callbacks = [];
}

/** A fact that is stored and published as any other. */
function say(run: Sample, orderId: string, type: string, itemIndex: number | null, data = {}): void {
  const sequence = (order(run, orderId).eventSequence += 1);
  run.rows.events.push({ orderId, sequence, type, itemIndex, data });
  const event = { id: `${orderId} ${sequence}`, type: `orderwright.${type}.v1`, subject: orderId, sequence, data };
  run.events.push({ ...event, text: JSON.stringify(event) });
}

/** A fact, stored and published, becomes another one. */
function tellAnew(run: Sample, row: EventRow, data: EventRow['data']): void {
  row.data = data;
  for (const event of run.events)
    if (event.subject === row.orderId && event.sequence === row.sequence) event.data = data;
}

type Mutant = [invariant: InvariantId, what: string, says: string, breakIt: (run: Sample) => void];

const mutants: Mutant[] = [
  // The row of a poison record: an order's own would also be missed by its order (I2).
  [
    'I1',
    'an offset is committed behind a record that is not kept',
    'its row is not',
    (run) => {
      const { messageId } = kept(run, 'refused');
      remove(run.rows.messages, (one) => one.messageId === messageId);
      remove(run.rejected, (one) => one.messageId === messageId);
    },
  ],
  [
    'I1',
    'a post is answered 2xx and not kept',
    'not kept',
    (run) => run.sent.push({ channel: 'http', bytes: Buffer.from('lost'), answer: 202 }),
  ],
  [
    'I1',
    'the same bytes are answered twice and kept once',
    '1 of them are not kept',
    (run) => run.sent.push({ ...the(run.sent, ({ channel }) => channel === 'http') }),
  ],
  [
    'I1',
    'records whose places nobody knows are all committed, and one is not kept',
    'not kept',
    (run) => run.sent.push({ channel: 'kafka', bytes: Buffer.from('lost'), answer: 'acknowledged' }),
  ],
  ['I1', 'a message is kept without its bytes', 'without its bytes', (run) => (kept(run, 'set-aside').sealed = false)],
  [
    'I1',
    'a message is accepted and its order is not there',
    'no such order',
    (run) => {
      const row = { ...kept(run, 'accepted'), messageId: 'x', origin: 'work-orders/0@99', orderId: 'WO-gone' };
      run.rows.messages.push({ ...row, sha256: kept(run, 'accepted').sha256 });
    },
  ],
  [
    'I1',
    'the group commits more than there is',
    'it ends at',
    (run) => run.evidence.intake?.partitions.forEach((one) => (one.committed = one.end + 1)),
  ],
  ['I2', 'a copy is taken for a new order', 'accepted 2 times', (run) => (kept(run, 'duplicate').verdict = 'accepted')],
  [
    'I2',
    'a copy is taken for a conflict',
    'conflict with its own bytes',
    (run) => {
      const row = Object.assign(kept(run, 'duplicate'), {
        verdict: 'conflict',
        code: 'ORD_CONFLICT_BODY',
        problems: 1,
      });
      run.rejected.push({ messageId: row.messageId, code: 'ORD_CONFLICT_BODY', text: '' });
    },
  ],
  [
    'I2',
    'one order key has two orders',
    'is 2 orders',
    (run) => {
      const twin = { ...order(run, 'WO-held'), orderId: 'WO-twin', eventSequence: 0 };
      run.rows.orders.push(twin);
      run.rows.messages.push({
        ...kept(run, 'accepted'),
        messageId: 'x',
        origin: '127.0.0.1',
        channel: 'http',
        orderId: 'WO-twin',
      });
    },
  ],
  [
    'I2',
    'a record that came again is kept again',
    'is kept 2 times',
    (run) => run.rows.messages.push({ ...kept(run, 'duplicate'), messageId: 'x' }),
  ],
  [
    'I2',
    'a message is kept that nobody sent',
    'nobody sent it',
    (run) =>
      run.rows.messages.push({ ...kept(run, 'duplicate'), messageId: 'x', origin: 'work-orders/0@99', sha256: 'ff' }),
  ],
  [
    'I2',
    'a duplicate has no first',
    'nothing was accepted for',
    (run) => (kept(run, 'duplicate').orderId = 'WO-other'),
  ],
  ['I3', 'a second VM lives under one marker', 'is carried by', (run) => makeAgain(run, 'WO-full-0', {})],
  [
    'I3',
    'a VM carries another VM’s marker and is a volume',
    'is carried by',
    (run) => makeAgain(run, 'WO-full-0', { kind: 'volume' }),
  ],
  ['I3', 'two VPCs share the default network’s marker', 'is carried by', (run) => makeAgain(run, 'vpc-1', {})],
  [
    'I3',
    'an address lives without a marker and belongs to nothing',
    'no listed orphan',
    (run) => makeAgain(run, 'WO-full-2', { marker: null }),
  ],
  [
    'I3',
    'one thing is delivered to two items',
    'was delivered to item',
    (run) => {
      const told = the(run.rows.events, ({ orderId, type }) => orderId === 'WO-part' && type === 'item.completed');
      tellAnew(run, told, { cloudResourceIds: ['WO-part-0', 'WO-full-0'] });
    },
  ],
  [
    'I3',
    'one thing of billing’s is built for two orders',
    'for WO-full and WO-open',
    // Each under its own marker, each delivered: nothing but billing's own id of it is the same.
    (run) => {
      item(run, 'WO-open', 0).resourceId = 'billing-WO-full-0';
      run.callbacks.forEach((one) => (one.body = one.body.replace('billing-WO-open-0', 'billing-WO-full-0')));
    },
  ],
  [
    'I4',
    'a network was made that no operation stands for',
    'no operation with this marker',
    (run) => makeAgain(run, 'vpc-1', { marker: 'ow-stranger' }),
  ],
  [
    'I4',
    'a VM was made without a marker, and is gone again',
    'nobody can tell what for',
    (run) => {
      const made = { operation: 'deploy', kind: 'vm', id: 'nameless', marker: null };
      const at = new Date(firstMs(run)).toISOString();
      run.cloud.effects.push({ at, ...made, effect: 'created' }, { at, ...made, effect: 'deleted' });
    },
  ],
  [
    'I5',
    'a create is sent again within the settle window',
    'was made 1',
    (run) => {
      // Listed as it should be: what is wrong is that it was made at all.
      const made = the(run.cloud.effects, ({ id }) => id === 'WO-full-0');
      makeAgain(run, 'WO-full-0', {}, Date.parse(made.at) - firstMs(run) + 1);
      run.cloud.effects.sort((a, b) => a.at.localeCompare(b.at));
      run.rows.orphans.push({ resourceId: 'twin', marker: markerOf('WO-full', 0), orderId: 'WO-full', state: 'found' });
    },
  ],
  [
    'I5',
    'a VM is told as delivered and is not there',
    'is not there',
    (run) => remove(run.cloud.resources, ({ id }) => id === 'WO-full-0'),
  ],
  [
    'I5',
    'a VM is told as delivered and is broken',
    'is in state error',
    (run) => (thing(run, 'WO-full-0').state = 'Error'),
  ],
  [
    'I5',
    'an item is told as delivered, and as nothing',
    'and as nothing',
    (run) => {
      // Its VM would be left over (I3), so it goes too.
      tellAnew(
        run,
        the(run.rows.events, ({ orderId, type }) => orderId === 'WO-open' && type === 'item.completed'),
        {},
      );
      run.callbacks.forEach((one) => (one.body = one.body.replace('["WO-open-0"]', '[]')));
      remove(run.cloud.resources, ({ id }) => id === 'WO-open-0');
    },
  ],
  [
    'I6',
    'an order is at its end and an operation is not',
    'is inFlight',
    (run) => {
      Object.assign(operation(run, 'WO-full'), { state: 'inFlight', finished: false });
    },
  ],
  ['I6', 'an operation is done and open', 'and open', (run) => (operation(run, 'WO-held').state = 'done')],
  ['I6', 'two operations have one job', 'belongs to', (run) => (operation(run, 'WO-full').jobId = 'job-WO-full-1')],
  [
    'I6',
    'an order counts more events than are stored',
    'are stored',
    (run) => (order(run, 'WO-full').eventSequence += 1),
  ],
  [
    'I6',
    'a step is half there',
    'operations are missing',
    (run) => remove(run.rows.operations, ({ orderId, number }) => orderId === 'WO-undone' && number === 2),
  ],
  ['I7', 'an order is still open at the end', 'at the end', (run) => reopen(run, 'requesting', {})],
  [
    'I7',
    'an order is held and nothing says why',
    'nothing says why',
    (run) => {
      order(run, 'WO-held').machine = { value: 'held' };
      Object.assign(operation(run, 'WO-held'), { state: 'requesting' });
    },
  ],
  [
    'I7',
    'an order waits for a cloud with a reason and without an alarm',
    'nothing will ever wake it',
    (run) => {
      reopen(run, 'done', { finished: true });
      const reason = { code: 'CLD_AWAY', message: 'the cloud is away' };
      order(run, 'WO-open').machine = { value: 'waitingForCloud', context: { reason } };
    },
  ],
  [
    'I8',
    'a failed item’s address lives',
    'is left of item',
    (run) => {
      const { id, marker } = the(run.cloud.effects, (one) => one.id === 'WO-part-1' && one.effect === 'deleted');
      remove(run.cloud.effects, (one) => one.id === id && one.effect === 'deleted');
      run.cloud.resources.push({ ...thing(run, 'WO-full-2'), id, marker });
    },
  ],
  ['I8', 'what could not be undone is not listed', 'is left of item', (run) => (run.rows.orphans = [])],
  [
    'I8',
    'an undone order’s VM lives',
    'is left of item',
    (run) => {
      run.cloud.resources.push({ ...thing(run, 'WO-full-0'), id: 'WO-undone-0', marker: markerOf('WO-undone', 0) });
    },
  ],
  [
    'I8',
    'something of others is deleted',
    'not ours',
    (run) => {
      run.cloud.foreignIds = ['theirs'];
      const effect = { operation: 'deleteVolume', kind: 'volume', id: 'theirs', marker: null };
      run.cloud.effects.push({ at: new Date(firstMs(run)).toISOString(), ...effect, effect: 'deleted' });
    },
  ],
  [
    'I8',
    'something is deleted that nothing records',
    'nothing records as ours',
    (run) => {
      const effect = { operation: 'deleteVolume', kind: 'volume', id: 'unknown', marker: null };
      run.cloud.effects.push({ at: new Date(firstMs(run)).toISOString(), ...effect, effect: 'deleted' });
    },
  ],
  ['I8', 'a destroyed orphan lives', 'still there', (run) => (the(run.rows.orphans, () => true).state = 'destroyed')],
  ['I9', 'an order ends twice', 'ends 2 times', (run) => say(run, 'WO-full', 'work-order.completed', null)],
  [
    'I9',
    'an item completes twice',
    'item 0 ends 2 times',
    (run) => {
      const { data } = the(run.rows.events, ({ orderId, itemIndex }) => orderId === 'WO-full' && itemIndex === 0);
      const events = run.rows.events.filter(({ orderId }) => orderId === 'WO-full');
      // Before the end of the order, whose number moves on.
      const end = the(events, ({ type }) => type === 'work-order.completed');
      Object.assign(end, { type: 'item.completed', itemIndex: 0, data });
      const told = the(run.events, ({ subject, sequence }) => subject === 'WO-full' && sequence === end.sequence);
      Object.assign(told, { type: 'orderwright.item.completed.v1', data });
      run.events = run.events.filter(({ id }, i) => id !== told.id || i === run.events.indexOf(told));
      // One thing in two completions of one item is one delivery.
      say(run, 'WO-full', 'work-order.completed', null);
    },
  ],
  [
    'I9',
    'an order ends as another status than its row',
    'its events end it with',
    (run) => {
      order(run, 'WO-full').status = 'partial';
    },
  ],
  [
    'I9',
    'an item’s row and its event differ',
    'its events say',
    (run) => {
      the(run.rows.items, ({ orderId }) => orderId === 'WO-part').status = 'cancelled';
      run.rows.orphans.push({ resourceId: 'WO-part-0', marker: '', orderId: 'WO-part', state: 'found' });
    },
  ],
  [
    'I9',
    'something is told after the end',
    'is told after its end',
    (run) => say(run, 'WO-full', 'work-order.held', null),
  ],
  [
    'I9',
    'an event comes again with other content',
    'other content',
    (run) => {
      run.events.push({ ...the(run.events, () => true), text: 'changed' });
    },
  ],
  [
    'I9',
    'a fact is published under a second id',
    'has 2 ids',
    (run) => {
      const at = run.events.findIndex(
        ({ type, subject }) => subject === 'WO-open' && type.includes('work-order.completed'),
      );
      const again = run.events[at];
      if (!again) throw new Error('the sample run has no such event');
      run.events.splice(at + 1, 0, { ...again, id: 'another' });
    },
  ],
  [
    'I9',
    'a callback comes again with other content',
    'other content',
    (run) => {
      run.callbacks.push({ ...the(run.callbacks, () => true), body: '{"status":"failed"}' });
    },
  ],
  [
    'I9',
    'an order is called back twice',
    'under 2 ids',
    (run) => {
      run.callbacks.push({ ...the(run.callbacks, () => true), id: 'callback-2' });
    },
  ],
  [
    'I10',
    'stored events have a gap',
    'are numbered',
    (run) => {
      for (const event of run.rows.events) if (event.orderId === 'WO-full' && event.sequence > 2) event.sequence += 1;
      for (const event of new Set(run.events))
        if (event.subject === 'WO-full' && event.sequence > 2) event.sequence += 1;
    },
  ],
  ['I10', 'events come in another order', 'events came as', (run) => run.events.reverse()],
  ['I10', 'an event has another key', 'has the key', (run) => (the(run.events, () => true).key = 'WO-other')],
  [
    'I11',
    'the last event of an order is not published',
    'was not published',
    (run) => {
      const last = the(
        run.events,
        ({ subject, type }) => subject === 'WO-open' && type.includes('work-order.completed'),
      );
      run.events = run.events.filter(({ id }) => id !== last.id);
    },
  ],
  [
    'I11',
    'an event is published that is not stored',
    'is not stored',
    (run) => {
      const event = the(run.events, ({ subject }) => subject === 'WO-held');
      run.events.push({ ...event, id: 'phantom', sequence: 3 });
    },
  ],
  ['I11', 'a rejected message is told to nobody', 'nobody was told', (run) => void run.rejected.pop()],
  [
    'I11',
    'a rejection is told of a message that is not kept',
    'kept as nothing',
    (run) => {
      run.rejected.push({ messageId: 'phantom', code: 'MSG_EMPTY', text: '' });
    },
  ],
  ['I11', 'an accepted callback was seen by nobody', 'no receiver did so', (run) => (run.callbacks = [])],
  [
    'I11',
    'an order is to be called back, and is not by the end',
    'is still due',
    (run) => {
      the(run.rows.callbacks, () => true).state = 'due';
      run.callbacks = [];
    },
  ],
  [
    'I11',
    'an event says something else than what is stored',
    'was told with other words',
    (run) => {
      const first = the(run.events, ({ type }) => type.includes('item.completed'));
      const changed = { ...first, data: { ...first.data, cloudResourceIds: ['other'] } };
      run.events = run.events.map((event) => (event.id === first.id ? changed : event));
    },
  ],
  [
    'I11',
    'one of several readers misses an event',
    'was not told to GET /v1/events',
    (run) => void run.evidence.readers?.[0]?.events.pop(),
  ],
  [
    'I11',
    'a reader sees an event that is not stored',
    'saw WO-held 99 work-order.held, which is not stored',
    (run) => {
      const reader = the(run.evidence.readers ?? [], () => true);
      reader.events.push({
        ...the(run.events, ({ subject, type }) => subject === 'WO-held' && type.includes('held')),
        sequence: 99,
      });
    },
  ],
  ['I11', 'a callback is sent that is not stored', 'none is stored', (run) => (run.rows.callbacks = [])],
  [
    'I12',
    'a poison message is kept without its code',
    'with the code',
    (run) => {
      const row = Object.assign(kept(run, 'set-aside'), { code: 'broken' });
      the(run.rejected, ({ messageId }) => messageId === row.messageId).code = 'broken';
    },
  ],
  [
    'I12',
    'a poison message is kept and nothing says why',
    'nothing says why',
    (run) => (kept(run, 'refused').problems = 0),
  ],
  [
    'I12',
    'a partition waits behind a record',
    'waits at',
    (run) => {
      run.evidence.intake?.partitions.forEach((one) => (one.end += 1));
    },
  ],
  [
    'I13',
    'an answer for one account names an order of another',
    'of another',
    (run) => {
      run.evidence.outputs?.push({ name: 'GET /v1/events of a2', text: '…"WO-part"…', accountId: 'a2' });
    },
  ],
  [
    'I13',
    'an answer for one account names a thing of another',
    'of another',
    (run) => {
      run.evidence.outputs?.push({ name: 'error', text: 'billing-WO-undone-0 is taken', accountId: 'a1' });
    },
  ],
  [
    'I19',
    'an operator gives no reason',
    'has no reason',
    (run) => {
      the(run.rows.audit, () => true).reason = ' ';
      run.evidence.levers = [];
    },
  ],
  ['I19', 'nobody knows who pulled a lever', 'nobody did', (run) => (the(run.rows.audit, () => true).actor = '')],
  ['I19', 'a lever is pulled and not written down', 'written down 0 times', (run) => (run.rows.audit = [])],
  [
    'I19',
    'a forecast is written down as an act',
    'written down 1 times',
    (run) => {
      run.evidence.levers = run.evidence.levers?.filter(({ dryRun }) => dryRun) ?? [];
    },
  ],
  [
    'I21',
    'an item is ordered twice and there once',
    'was ordered 2 times and is there 1 times',
    (run) => Object.assign(item(run, 'WO-full', 1), { ordered: { ...item(run, 'WO-full', 1).ordered, quantity: 2 } }),
  ],
  [
    'I21',
    'a disk is smaller than it was ordered',
    'the size in GiB of WO-full-1 is 5, not 10',
    (run) => (thing(run, 'WO-full-1').details['sizeGib'] = 5),
  ],
  [
    'I21',
    'a machine has less memory than it was ordered with',
    'the memory in MiB of WO-open-0 is 512, not 1024',
    (run) => (thing(run, 'WO-open-0').details['memoryMib'] = 512),
  ],
  [
    'I21',
    'an address has fewer Mbit/s than were sold with it',
    'the Mbit/s of WO-full-2 are 1, not 2',
    (run) => (thing(run, 'WO-full-2').details['bandwidthMbps'] = 1),
  ],
  [
    'I21',
    'a disk is at no machine',
    'which is no machine of its order',
    (run) => (thing(run, 'WO-full-1').attachedTo = null),
  ],
  [
    'I21',
    'an address is at the machine of another order',
    'which is no machine of its order',
    (run) => (thing(run, 'WO-full-2').attachedTo = 'WO-open-0'),
  ],
  [
    'I21',
    'billing is told of more Mbit/s than there are',
    'bandwidthMbps was told as 100, and is 2',
    (run) => {
      const told = the(run.rows.events, ({ orderId, itemIndex }) => orderId === 'WO-full' && itemIndex === 2);
      tellAnew(run, told, { ...told.data, facts: [{ bandwidthMbps: '100' }] });
    },
  ],
  [
    'I21',
    'a callback charges what was not delivered',
    'is completed and not to be charged',
    (run) => run.callbacks.forEach((one) => (one.body = one.body.replace('"chargeable":true', '"chargeable":false'))),
  ],
  [
    'I21',
    'a callback names something else than was delivered',
    'is told as WO-full-0, and WO-open-0 was delivered',
    (run) => run.callbacks.forEach((one) => (one.body = one.body.replace('["WO-open-0"]', '["WO-full-0"]'))),
  ],
];

describe('the invariant checkers', () => {
  it('find nothing wrong with a faultless run, and say what they could not look at', () => {
    const { violations, looked, figures } = judge();
    expect(violations).toEqual([]);
    const holding = invariantIds.filter((id) => looked[id] === 'holds');
    expect(holding).toEqual(invariantIds.filter((id) => !['I14', 'I16', 'I17', 'I18', 'I20'].includes(id)));
    expect(Object.values(figures)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('are one for each invariant', () => {
    expect(checkers.map(({ invariant }) => invariant).toSorted()).toEqual([...invariantIds].toSorted());
  });

  it.each(mutants)('%s is seen broken, and nothing else, when %s', (invariant, _, says, breakIt) => {
    const report = judge(breakIt);
    expect(violated(report)).toEqual([invariant]);
    expect(report.violations.map(({ text }) => text).join('\n')).toContain(says);
    expect(report.looked[invariant]).toBe('violated');
  });

  it.each(guises(secret).map((guise, i) => [i, guise] as const))(
    'I15 is seen broken when the log shows a secret in its guise %i',
    (_, guise) => {
      const report = judge((run) => run.evidence.outputs?.push({ name: 'log', text: `{"field":"${guise}"}` }));
      expect(violated(report)).toEqual(['I15']);
      // The report itself is an output too.
      expect(reportLines(report).join('\n')).not.toContain(secret);
    },
  );

  it('I15 is seen broken when an event or a callback shows a secret', () => {
    expect(violated(judge((run) => (the(run.events, () => true).text += secret)))).toContain('I15');
    expect(violated(judge((run) => run.callbacks.forEach((one) => (one.body = secret))))).toEqual(['I15']);
  });
});

describe('a run that still goes on', () => {
  const at = new Date('2026-11-21T09:00:00Z');
  it.each<[string, string, object]>([
    ['a call under way', 'requesting', {}],
    ['an alarm', 'backingOff', { dueAt: at }],
    ['a job that is asked about', 'inFlight', { jobId: 'job-1', submittedAt: at }],
  ])('is fine while %s moves its order on', (_, state, change) => {
    expect(judge((run) => reopen(run, state, change), { stillRunning: true }).violations).toEqual([]);
  });

  it('is fine while an order waits for what another one prepares', () => {
    const report = judge(
      (run) => {
        reopen(run, 'done', { finished: true });
        order(run, 'WO-open').preparations = ['dc-1 default-network/u1'];
        const change = { workOrderId: 'dc-1/default-network/u1#1', status: 'provisioning', finished: false };
        Object.assign(order(run, 'WO-network'), change);
        Object.assign(operation(run, 'WO-network'), { state: 'verifying', finished: false });
      },
      { stillRunning: true },
    );
    expect(report.violations).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['an alarm is missing', 'backingOff', { dueAt: null }],
    ['a job has no id', 'inFlight', { jobId: null }],
    ['a job has no start', 'inFlight', { submittedAt: null }],
    ['every operation is done', 'done', { finished: true }],
  ])('breaks I7 when %s: nothing would ever move the order on', (_, state, change) => {
    const report = judge((run) => reopen(run, state, change), { stillRunning: true });
    expect(violated(report)).toEqual(['I7']);
    expect(report.violations[0]?.text).toContain('nothing will ever wake it');
  });

  it('may have told less than it has stored, and committed less than there is', () => {
    const breakIt = (run: Sample): void => {
      run.events.splice(10);
      run.evidence.intake?.partitions.forEach((one) => (one.end += 1));
    };
    expect(judge(breakIt, { stillRunning: true }).violations).toEqual([]);
    expect(violated(judge(breakIt))).toEqual(['I11', 'I12']);
  });
});

describe('what others add under a marker of ours', () => {
  const added = '2026-11-21T12:00:00.000Z';
  const add = (workOrderId: string, lookedAt: string | null) => (run: Sample) => {
    run.cloud.resources.push({ ...thing(run, 'WO-full-0'), id: 'theirs', marker: markerOf(workOrderId, 0) });
    run.cloud.addedByOthers = { theirs: added };
    run.rows.looks.push({ orderId: workOrderId, lookedAt: lookedAt === null ? null : new Date(lookedAt) });
  };
  const before = [null, '2026-11-21T11:00:00Z', '2026-11-21T12:00:00.900Z'];

  it.each(['WO-undone', 'WO-full'].flatMap((id) => before.map((lookedAt) => ({ id, lookedAt }))))(
    'need not be listed when $id was last looked after at $lookedAt, before it could be seen',
    ({ id, lookedAt }) => expect(judge(add(id, lookedAt)).violations).toEqual([]),
  );

  it.each([
    ['WO-undone', 'I8', 'is left of item'],
    ['WO-full', 'I3', 'is carried by'],
  ])('has to be listed once a look after the end of %s could see it (%s)', (id, invariant, words) => {
    const report = judge(add(id, '2026-11-21T12:00:02Z'));
    expect(violated(report)).toContain(invariant);
    expect(report.violations.map(({ text }) => text).join()).toContain(words);
  });
});

describe('the headline figures', () => {
  it.each<[keyof Figures, (run: Sample) => void]>([
    ['duplicates', (run) => makeAgain(run, 'WO-full-0', {})],
    ['lost', (run) => remove(run.cloud.resources, ({ id }) => id === 'WO-full-0')],
    ['notTerminal', (run) => reopen(run, 'requesting', {})],
    ['secondTerminalEvents', (run) => say(run, 'WO-full', 'work-order.completed', null)],
    ['sequenceGaps', (run) => run.events.reverse()],
    ['unlistedOrphans', (run) => (run.rows.orphans = [])],
  ])('count %s', (name, breakIt) => {
    expect(judge(breakIt).figures[name]).toBeGreaterThan(0);
  });

  it('count a duplicate that is listed as an orphan, which is no violation', () => {
    const { violations, figures } = judge((run) => {
      makeAgain(run, 'WO-full-0', {});
      const orphan = { resourceId: 'twin', marker: markerOf('WO-full', 0), orderId: 'WO-full', state: 'found' };
      run.rows.orphans.push(orphan);
    });
    expect({ violations, duplicates: figures.duplicates }).toEqual({ violations: [], duplicates: 1 });
  });
});

describe('evidence', () => {
  it('that is not there is not looked at, rather than said to hold', () => {
    const run = sampleRun();
    const { rows } = run;
    const sql = { query: () => Promise.reject(new Error('unused')) };
    const facts = factsOfSample(run);
    const bare = { ...facts, evidence: { sql, clouds: [] }, things: [], thingById: new Map(), told: null };
    const { looked, violations } = checkFacts({ ...bare, rows: { ...rows, audit: [] } });
    expect(violations).toEqual([]);
    const unseen = invariantIds.filter((id) => looked[id] === 'not looked at');
    expect(unseen).toEqual([
      'I3',
      'I4',
      'I5',
      'I8',
      'I11',
      'I13',
      'I14',
      'I15',
      'I16',
      'I17',
      'I18',
      'I19',
      'I20',
      'I21',
    ]);
  });

  it('of a cloud that has forgotten the beginning is refused', () => {
    expect(() => judge((run) => (run.cloud.droppedEffects = 1))).toThrow('has lost its beginning');
  });

  it('counts orders that wait for a person only where nobody helps', () => {
    expect(violated(judge(() => undefined, { nobodyHelps: true }))).toEqual(['I7']);
  });

  it('knows the markers of stages as they are made', () => {
    expect(stageMarker(sharedMarker, 'acl-list')).toBe(aclListMarker);
  });

  it('is told in a few lines: what is wrong, at most five of each, the figures, and what was not looked at', () => {
    const lines = reportLines(judge((run) => (run.events = [])));
    expect(lines).toHaveLength(8);
    expect(lines[5]).toMatch(/^I11: \d+ more$/);
    expect(lines.at(-2)).toMatch(/^duplicates 0, lost 0, notTerminal 0/);
    expect(lines.at(-1)).toBe('not looked at: I14 I16 I17 I18 I20');
  });
});
