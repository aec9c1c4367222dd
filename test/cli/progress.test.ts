import { describe, expect, test } from '@jest/globals';
import { isSettled, orderBlock, progressLines } from '../../src/cli/progress.js';
import { item, order, plain } from './support.js';

const job = 'CloudStack job 1bd7f2a1-0851-5efc-81ea-db30b415926e for vm.create on dc-1';

/** An item was refused for good, and its policy is all or nothing. */
const failing = order({
  status: 'held',
  updatedAt: '2026-03-01T12:00:05.000Z',
  reason: { code: 'CLD_QUOTA', message: 'no quota left' },
  items: [
    item({
      waitingFor: {
        what: 'an operator, or else it is undone: no quota left',
        since: '2026-03-01T12:00:05.000Z',
        until: '2026-03-01T12:01:00.000Z',
      },
    }),
  ],
});

describe('the block of an order', () => {
  test('tells what each item does, which job it has and for how long', () => {
    const creating = item({
      status: 'provisioning',
      state: 'creating',
      waitingFor: { what: job, since: '2026-03-01T12:00:08.000Z', until: null },
    });
    expect(orderBlock(order({ items: [creating] }), plain, 'order 60')).toEqual([
      '  ⠋ order 60  WO1  provisioning  10 s',
      '      ⠋ 83  VM       web: 1 core, 1 GiB, 40 GiB SATA  creating  vm.create on dc-1  job 1bd7f2a1  2.0 s',
    ]);
  });

  test('tells what an item waits for that is made already', () => {
    const waiting = item({
      resourceType: 'EBS',
      summary: '10 GiB SSD',
      status: 'provisioning',
      state: 'waitingForVm',
      waitingFor: { what: 'its VM (item 83)', since: null, until: null },
    });
    expect(orderBlock(order({ items: [waiting] }), plain)[1]).toBe(
      '      ◔ 83  disk     10 GiB SSD  made  waits for its VM (item 83)',
    );
  });

  test('shows what was delivered by its address first', () => {
    const done = item({
      status: 'completed',
      state: 'bound',
      resourceType: 'NETWORK',
      summary: '2 Mbit/s',
      facts: [{ ipAddress: '203.0.113.4' }],
      cloudResourceIds: ['15bc3178-dd74-4278-8055-dc8bd7baae64'],
    });
    const block = orderBlock(
      order({ status: 'completed', finishedAt: '2026-03-01T12:00:07.500Z', items: [done] }),
      plain,
    );
    expect(block).toEqual([
      '  ✔ WO1  completed  7.5 s',
      '      ✔ 83  address  2 Mbit/s  delivered  203.0.113.4  15bc3178',
    ]);
  });

  test('says why an order is held, and why an item failed', () => {
    const held = order({ status: 'held', reason: { code: 'ITM_ID_REPEATED', message: '106 stands twice' } });
    expect(orderBlock(held, plain)).toContain('      106 stands twice');
    const failed = item({
      status: 'failed',
      state: 'failed',
      failure: { class: 'reject', code: 'CLD_QUOTA', message: 'no quota left' },
    });
    expect(orderBlock(order({ status: 'failed', items: [failed] }), plain)[1]).toMatch(/✖ 83 .* no quota left$/);
  });

  test('says of an order that has failed when it is undone', () => {
    const block = orderBlock(failing, plain);
    expect(block.slice(1, 3)).toEqual(['      no quota left', '      undone in 50 s when nobody comes']);
    const held = order({
      ...failing,
      items: [item({ waitingFor: { what: 'an operator: x', since: null, until: null } })],
    });
    expect(orderBlock(held, plain).join()).not.toContain('undone');
  });

  test('keeps to the width of the terminal', () => {
    const long = item({ waitingFor: { what: `an operator: ${'x'.repeat(300)}`, since: null, until: null } });
    for (const line of orderBlock(order({ items: [long] }), { ...plain, columns: 80 }))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  test('shows nothing that a name could do to a terminal', () => {
    const evil = item({ summary: '\u001b[2Jweb', workOrderItemId: '8\u202e3' });
    expect(orderBlock(order({ items: [evil] }), plain).join('')).not.toMatch(/\p{Cc}|\u202e/u);
  });
});

describe('plain lines', () => {
  const waiting = (what: string) => item({ waitingFor: { what, since: '2026-03-01T12:00:08.000Z', until: null } });

  test('tell only what has changed', () => {
    const before = order({ items: [waiting('its VM (item 83)')] });
    expect(progressLines(before, before)).toEqual([]);
    const creating = item({
      status: 'provisioning',
      state: 'creating',
      waitingFor: { what: job, since: null, until: null },
    });
    expect(progressLines(before, order({ items: [creating] }))).toEqual([
      'WO1 item 83 VM: creating, vm.create on dc-1, job 1bd7f2a1',
    ]);
  });

  test("do not tell each job of somebody else's", () => {
    const network = (id: string) =>
      order({ items: [waiting(`the default network of user u on dc-1 (CloudStack job ${id})`)] });
    expect(progressLines(network('a'), network('b'))).toEqual([]);
  });

  test('say when an order that has failed is undone', () => {
    expect(progressLines(order({ items: failing.items }), failing)[0]).toBe(
      'WO1 held: no quota left (undone in 55 s when nobody comes)',
    );
  });

  test('end with how it ended', () => {
    const done = order({ status: 'completed', finishedAt: '2026-03-01T12:00:08.200Z', items: [] });
    expect(progressLines(order({ items: [] }), done)).toEqual(['WO1 completed after 8.2 s']);
  });
});

describe('an order moves no more by itself', () => {
  test('when it is over, or held with nothing under way', () => {
    expect(isSettled(order({ finishedAt: '2026-03-01T12:00:08.200Z' }))).toBe(true);
    expect(isSettled(order({ status: 'held' }))).toBe(true);
    expect(isSettled(order({ status: 'held', items: [item({ status: 'held' }), item({ status: 'pending' })] }))).toBe(
      true,
    );
  });

  test('but not while an item of a held order still goes on', () => {
    expect(
      isSettled(order({ status: 'held', items: [item({ status: 'held' }), item({ status: 'provisioning' })] })),
    ).toBe(false);
    expect(isSettled(order())).toBe(false);
  });
});
