import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cloudKinds, type TestFault } from '../support/clouds.js';
import { bought as kinds, CloudSite } from '../support/cloud-site.js';

/** One order of a VM, a disk and an address, on a simulated cloud with bad manners. */
describe.each(cloudKinds)('on %s, an order on a cloud that', (cloud) => {
  let site: CloudSite;
  beforeEach(async () => {
    site = await CloudSite.start({ cloud });
  });
  afterEach(() => site.stop());

  const misbehave = (...faults: TestFault[]) => site.misbehave(...faults);

  /** Runs the order to its end, or until it needs a person. */
  async function outcome() {
    await site.submit();
    const ends = ['completed', 'partial', 'failed', 'held'];
    await site.until('ended', ({ status }) => ends.includes(status));
    return site.outcome();
  }

  const everything = { vm: 1, volume: 1, address: 1 };

  it.each<[string, TestFault[]]>([
    ['has good manners', []],
    [
      'loses the answer to every kind of create',
      (
        [
          'create a VM',
          'create a disk',
          'reserve an address',
          'mark an address',
          'attach a disk',
          'bind an address',
          'make a network',
          'make a part of a network',
          'make an offering',
        ] as const
      ).map((on) => ({ on, kind: 'lose-answer', times: 1 })),
    ],
    ['never receives the first request', [{ on: 'create a VM', kind: 'drop-request', times: 1 }]],
    ['says that a job is done though nothing was done', [{ on: 'attach a disk', kind: 'job-lies-done', times: 1 }]],
    ['says that a job failed though it was done', [{ on: 'create a VM', kind: 'job-lies-failed', times: 1 }]],
    ['forgets a job', [{ on: 'create a VM', kind: 'job-vanishes', times: 1 }]],
    ['has no room at first', [{ on: 'create a VM', says: 'no room', times: 1 }]],
    ['asks to slow down', [{ on: '*', kind: 'throttle', times: 5 }]],
    ['answers with a page of HTML', [{ on: 'create a disk', kind: 'html', times: 1, afterEffect: true }]],
    [
      'hides new things from its lists for a while',
      [
        { on: 'create a VM', kind: 'hide-from-lists', times: 1, hideMs: 60 },
        { on: 'create a VM', kind: 'lose-answer', times: 1 },
      ],
    ],
  ])('%s is completed, with one of each thing', async (_, faults) => {
    if (faults.length > 0) await misbehave(...faults);
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'completed',
      items: ['completed', 'completed', 'completed'],
      ...everything,
    });
    const markers = alive.map((one) => one.marker).filter((marker) => marker !== null);
    expect(markers.length).toBe(new Set(markers).size);
  });

  // On CloudStack the marker is a request of its own; on OpenStack the address is made with it.
  it.each<[string, TestFault]>([
    ...(cloud === 'cloudstack'
      ? [['mark', { on: 'mark an address', says: 'quota', times: 50 }] as [string, TestFault]]
      : []),
    ['bind', { on: 'bind an address', says: 'quota', times: 50 }],
  ])('refuses to %s an address gets it back, and billing is told not to charge it', async (_, fault) => {
    await misbehave(fault);
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'partial',
      items: ['completed', 'completed', 'failed'],
      ...everything,
      address: 0,
    });
  });

  it('has no quota for the VM keeps nothing of the order', async () => {
    await misbehave({
      on: 'create a VM',
      says: 'quota',
      times: 50,
    });
    const { status, items, alive } = await outcome();
    expect({ status, items, ...kinds(alive) }).toEqual({
      status: 'failed',
      items: ['failed', 'cancelled', 'cancelled'],
      vm: 0,
      volume: 0,
      address: 0,
    });
  });

  it('has a job that never ends holds the order for a person, and does not send the request again', async () => {
    await misbehave({ on: 'create a VM', kind: 'job-never-ends', effect: false, times: 1 });
    await site.query(
      `update platform set settings = jsonb_set(settings, '{pace,jobDeadlineMs}', '300'), updated_at = now()`,
    );
    await site.worker.platforms.refresh();
    const { status, alive } = await outcome();
    expect(status).toBe('held');
    expect(kinds(alive)).toMatchObject({ vm: 1 });
  });
});
