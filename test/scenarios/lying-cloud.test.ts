import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bought as kinds, CloudSite } from '../support/cloud-site.js';

/** One order of a VM, a disk and an address, on a simulated CloudStack with bad manners. */
describe('an order on a cloud that', () => {
  let site: CloudSite;
  beforeEach(async () => {
    site = await CloudSite.start();
  });
  afterEach(() => site.stop());

  const misbehave = (...faults: object[]) => site.misbehave(...faults);

  /** Runs the order to its end, or until it needs a person. */
  async function outcome() {
    await site.submit();
    const ends = ['completed', 'partial', 'failed', 'held'];
    await site.until('ended', ({ status }) => ends.includes(status));
    return site.outcome();
  }

  const everything = { vm: 1, volume: 1, address: 1 };

  it.each<[string, object[]]>([
    ['has good manners', []],
    [
      'loses the answer to every kind of create',
      [
        'deployVirtualMachine',
        'createVolume',
        'associateIpAddress',
        'createVPC',
        'createNetwork',
        'createServiceOffering',
        'createTags',
        'attachVolume',
        'enableStaticNat',
      ].map((operation) => ({ operation, kind: 'lose-answer', times: 1 })),
    ],
    ['never receives the first request', [{ operation: 'deployVirtualMachine', kind: 'drop-request', times: 1 }]],
    [
      'says that a job is done though nothing was done',
      [{ operation: 'attachVolume', kind: 'job-lies-done', times: 1 }],
    ],
    [
      'says that a job failed though it was done',
      [{ operation: 'deployVirtualMachine', kind: 'job-lies-failed', times: 1 }],
    ],
    ['forgets a job', [{ operation: 'deployVirtualMachine', kind: 'job-vanishes', times: 1 }]],
    ['has no room at first', [{ operation: 'deployVirtualMachine', kind: 'job-fails', errorcode: 533, times: 1 }]],
    ['asks to slow down', [{ operation: '*', kind: 'throttle', times: 5 }]],
    ['answers with a page of HTML', [{ operation: 'createVolume', kind: 'html', times: 1, afterEffect: true }]],
    [
      'hides new things from its lists for a while',
      [
        { operation: 'deployVirtualMachine', kind: 'hide-from-lists', times: 1, hideMs: 60 },
        { operation: 'deployVirtualMachine', kind: 'lose-answer', times: 1 },
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

  it('refuses the tag of an address gives the address back, and billing is told not to charge it', async () => {
    await misbehave({
      operation: 'createTags',
      kind: 'error',
      status: 431,
      errorcode: 431,
      errortext: 'no',
      times: 50,
    });
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
      operation: 'deployVirtualMachine',
      kind: 'error',
      status: 535,
      errorcode: 535,
      errortext: 'quota',
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
    await misbehave({ operation: 'deployVirtualMachine', kind: 'job-never-ends', effect: false, times: 1 });
    await site.query(
      `update platform set settings = jsonb_set(settings, '{pace,jobDeadlineMs}', '300'), updated_at = now()`,
    );
    await site.worker.platforms.refresh();
    const { status, alive } = await outcome();
    expect(status).toBe('held');
    expect(kinds(alive)).toMatchObject({ vm: 1 });
  });
});
