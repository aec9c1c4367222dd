import { describe, expect, test } from '@jest/globals';
import { type CloudResource, judge, type Observed } from '../../src/cli/demo/expectation.js';
import { readSamples, workOrderIds } from '../../src/cli/demo/samples.js';
import { item, order } from './support.js';

const samples = readSamples(new URL('../../examples/work-orders/', import.meta.url));

const thing = (kind: string, id: string, attachedTo: string | null, details = {}): CloudResource => ({
  kind,
  id,
  marker: null,
  state: 'Running',
  attachedTo,
  details,
});

function asItShouldBe(): Observed {
  const built = (type: string, id: string) => item({ resourceType: type, cloudResourceIds: [id], status: 'completed' });
  return {
    messages: samples.map((sample) => ({ sample, verdict: sample.expected })),
    orders: new Map([
      [23, order({ workOrderId: 'WO23', status: 'completed', items: [built('VM', 'v23')] })],
      [
        60,
        order({
          workOrderId: 'WO60',
          status: 'completed',
          items: [built('EBS', 'd1'), built('VM', 'v60'), built('EBS', 'd2'), built('NETWORK', 'n60')],
        }),
      ],
      [
        86,
        order({
          workOrderId: 'WO86',
          status: 'completed',
          items: [built('VM', 'v86'), built('EBS', 'd3'), built('NETWORK', 'n86')],
        }),
      ],
      [84, order({ workOrderId: 'WO84', status: 'held', items: [item()] })],
    ]),
    resources: [
      thing('vm', 'v23', null),
      thing('vm', 'v60', null),
      thing('vm', 'v86', null),
      thing('volume', 'd1', 'v60', { sizeGib: 80 }),
      thing('volume', 'd2', 'v60', { sizeGib: 40 }),
      thing('volume', 'd3', 'v86', { sizeGib: 10 }),
      thing('address', 'n60', 'v60', { bandwidthMbps: 2 }),
      thing('address', 'n86', 'v86', { bandwidthMbps: 2 }),
      thing('network', 'net', null),
    ],
    events: null,
  };
}

const wrong = (observed: Observed) => judge(observed).filter((finding) => !finding.ok);

test('the samples are the real messages, each order with its id', () => {
  expect(samples).toHaveLength(9);
  expect([...workOrderIds(samples).values()].every((id) => /^WO\d{20}/.test(id))).toBe(true);
});

describe('the demo is as it should be', () => {
  test('when every order, message and resource is', () => {
    expect(wrong(asItShouldBe())).toEqual([]);
  });

  test('and not when a disk hangs on another VM, or a bandwidth is another', () => {
    const observed = asItShouldBe();
    observed.resources[3] = thing('volume', 'd1', 'v23', { sizeGib: 80 });
    observed.resources[7] = thing('address', 'n86', 'v86', { bandwidthMbps: 10 });
    expect(wrong(observed).map((finding) => finding.found)).toEqual([
      expect.stringContaining('disk 80 GiB NOT on its VM'),
      expect.stringContaining('address 10 Mbit/s on its VM'),
    ]);
  });

  test('and not when something exists twice, or an order is missing', () => {
    const observed = asItShouldBe();
    observed.resources.push(thing('vm', 'v60-again', null));
    observed.orders.delete(23);
    expect(wrong(observed).map((finding) => finding.what)).toEqual([
      'order 23 is completed',
      'order 23 has one VM',
      'nothing was built twice',
    ]);
  });

  test('and not when a damaged message was taken', () => {
    const observed = asItShouldBe();
    const last = observed.messages.at(-1);
    if (last) last.verdict = 'accepted';
    expect(wrong(observed)).toEqual([
      { ok: false, what: '2 damaged messages set aside', found: 'order-60-unescaped.txt: accepted' },
    ]);
  });

  test('with Kafka only when the events of each order came whole and in order', () => {
    const type = (name: string) => `orderwright.work-order.${name}.v1`;
    const observed = asItShouldBe();
    observed.events = new Map([
      [
        'WO23',
        [
          { type: type('received'), sequence: 1 },
          { type: type('completed'), sequence: 2 },
        ],
      ],
      [
        'WO60',
        [
          { type: type('received'), sequence: 1 },
          { type: type('completed'), sequence: 3 },
        ],
      ],
      ['WO86', [{ type: type('completed'), sequence: 1 }]],
    ]);
    expect(wrong(observed).map((finding) => finding.found)).toEqual([
      'order 60: 2 events with gaps, the last is orderwright.work-order.completed.v1; order 84: 0 events, the last is none',
    ]);
  });
});
