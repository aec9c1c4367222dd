import { describe, expect, it } from '@jest/globals';
import type { ReceivedEvent } from '../../support/scenario-kafka.js';
import { freshOrder, type GoodOrder } from '../../support/scenario-orders.js';
import { seededRandom } from '../../support/scenario-random.js';
import type { CloudResource } from '../../invariants/evidence.js';
import { type Seen, type Tally, tally } from './tally.js';

const random = seededRandom(11);
const { facts: order } = freshOrder(random, 'order-86.json');
const ids = { vm: random.uuid(), volume: random.uuid(), address: random.uuid(), other: random.uuid() };

const thing = (kind: string, id: string, change: Partial<CloudResource> = {}): CloudResource => ({
  kind,
  id,
  name: kind === 'address' ? '203.0.113.3' : `${kind}-${order.workOrderId}`,
  marker: null,
  state: kind === 'vm' ? 'Running' : 'Ready',
  attachedTo: kind === 'vm' ? null : ids.vm,
  details: {},
  ...change,
});
const vm = thing('vm', ids.vm);
const volume = thing('volume', ids.volume);
const address = thing('address', ids.address);

function event(type: string, data: Record<string, unknown> = {}): ReceivedEvent {
  const one = {
    id: random.uuid(),
    type: `orderwright.${type}.v1`,
    subject: order.workOrderId,
    key: null,
    sequence: 1,
    data,
  };
  return { ...one, text: JSON.stringify(one) };
}
const told = (...cloudResourceIds: string[]) => event('item.completed', { cloudResourceIds });
const completed = [told(ids.vm), told(ids.volume), told(ids.address), event('work-order.completed')];

const seen = (change: Omit<Partial<Seen>, 'events'> & { events?: ReceivedEvent[] } = {}): Seen => ({
  orders: [order] as GoodOrder[],
  things: [vm, volume, address],
  orphans: [],
  ...change,
  events: new Map([[order.workOrderId, change.events ?? completed]]),
});
const perfect: Tally = {
  orders: 1,
  completed: 1,
  failed: 0,
  withoutEnd: 0,
  doubled: 0,
  lost: 0,
  secondEnds: 0,
  notAsTold: 0,
};

describe('the count of a run', () => {
  it('is all zeros when everything was built once and told once', () => {
    expect(tally(seen())).toEqual(perfect);
  });

  it('takes an event that comes again for the same', () => {
    expect(tally(seen({ events: [...completed, ...completed] }))).toEqual(perfect);
  });

  it.each<[string, Parameters<typeof seen>[0], Partial<Tally>]>([
    ['a second VM of one name', { things: [vm, volume, address, thing('vm', ids.other)] }, { doubled: 1 }],
    [
      'a second volume under one marker',
      {
        things: [
          vm,
          address,
          { ...volume, marker: 'ow-0000000000000000' },
          thing('volume', ids.other, { marker: 'ow-0000000000000000', name: 'another' }),
        ],
      },
      { doubled: 1 },
    ],
    [
      'an address more than was ordered',
      { things: [vm, volume, address, thing('address', ids.other)] },
      { doubled: 1 },
    ],
    [
      'a volume that nobody ordered',
      { things: [vm, volume, address, thing('volume', ids.other, { name: 'x' })] },
      { lost: 1 },
    ],
    ['an order without an end', { events: completed.slice(0, 3) }, { completed: 0, withoutEnd: 1 }],
    [
      'a failed order whose VM nobody was told of, and whose address may be its first',
      { events: [event('work-order.failed', { ids: [ids.volume] })] },
      { completed: 0, failed: 1, lost: 2 },
    ],
    ['an end told twice', { events: [...completed, event('work-order.completed')] }, { secondEnds: 1 }],
    ['two ends that contradict each other', { events: [...completed, event('work-order.failed')] }, { secondEnds: 1 }],
    ['a disk on no machine', { things: [vm, { ...volume, attachedTo: null }, address] }, { notAsTold: 1 }],
    ['a VM that does not run', { things: [{ ...vm, state: 'Error' }, volume, address] }, { notAsTold: 1 }],
    ['a disk that is not there', { things: [vm, address] }, { notAsTold: 1 }],
  ])('shows %s', (_, change, difference) => {
    expect(tally(seen(change))).toEqual({ ...perfect, ...difference });
  });

  it('does not count as lost what the worker itself lists as an orphan', () => {
    const stray = thing('volume', ids.other, { name: 'x' });
    expect(tally(seen({ things: [vm, volume, address, stray], orphans: [stray.id] }))).toEqual(perfect);
  });
});
