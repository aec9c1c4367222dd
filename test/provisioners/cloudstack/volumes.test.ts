import { describe, expect, it } from '@jest/globals';
import { listDiskOfferings } from '../../../src/provisioners/cloudstack/offering-list.js';
import { stopVm } from '../../../src/provisioners/cloudstack/vm-actions.js';
import {
  attachVolume,
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  detachVolume,
  listSnapshots,
  listVolumes,
  resizeVolume,
  revertSnapshot,
} from '../../../src/provisioners/cloudstack/volumes.js';
import { anOperator, aVm, newId } from './operator.js';
import { zoneId } from '../an-order.js';

const gib = 2 ** 30;

async function aDisk() {
  const operator = await anOperator();
  const { client, done } = operator;
  const [offering] = await listDiskOfferings(client, { name: 'SSD' });
  const source = { diskOfferingId: offering?.id ?? '', sizeGib: 10 };
  const id = await done(createVolume(client, { name: 'data', zoneId, source }, newId()));
  const disk = async () => (await listVolumes(client, { name: 'data' })).find((one) => one.id === id);
  return { ...operator, id, disk };
}

describe('a volume', () => {
  it('is made without storage, and gets it when it is attached', async () => {
    const { id, disk, ...operator } = await aDisk();
    const { client, done } = operator;
    expect(await disk()).toMatchObject({ state: 'Allocated', size: 10 * gib, type: 'DATADISK' });
    await expect(createSnapshot(client, { volumeId: id }, newId())).rejects.toMatchObject({ disposition: 'reject' });
    const vmId = await aVm(operator);
    await done(attachVolume(client, { id, vmId }, newId()));
    expect(await disk()).toMatchObject({ state: 'Ready', virtualmachineid: vmId });
    expect((await listVolumes(client, { vmId })).map(({ type }) => type).toSorted()).toEqual(['DATADISK', 'ROOT']);
  });

  it('is deleted in the answer, once it is detached', async () => {
    const { id, disk, ...operator } = await aDisk();
    const { client, done } = operator;
    const vmId = await aVm(operator);
    await done(attachVolume(client, { id, vmId }, newId()));
    await expect(deleteVolume(client, id)).rejects.toMatchObject({ details: { cloudCode: '431/4350' } });
    await done(detachVolume(client, id, newId()));
    await deleteVolume(client, id);
    expect(await disk()).toBeUndefined();
  });

  it('grows, and does not shrink', async () => {
    const { id, disk, client, done, outcome } = await aDisk();
    await done(resizeVolume(client, { id, sizeGib: 20 }, newId()));
    expect((await disk())?.size).toBe(20 * gib);
    expect(await outcome(resizeVolume(client, { id, sizeGib: 5 }, newId()))).toMatchObject({
      state: 'failed',
      cloudCode: '431',
    });
  });

  it('is snapshotted, put back, and made anew from its snapshot', async () => {
    const { id, disk: _disk, ...operator } = await aDisk();
    const { client, done, outcome } = operator;
    const vmId = await aVm(operator);
    await done(attachVolume(client, { id, vmId }, newId()));
    const snapshotId = await done(createSnapshot(client, { volumeId: id, name: 'before' }, newId()));
    expect(await listSnapshots(client, { volumeId: id })).toMatchObject([
      { id: snapshotId, name: 'before', state: 'BackedUp' },
    ]);
    expect(await listSnapshots(client, { id: snapshotId })).toHaveLength(1);
    expect(await listSnapshots(client, { id: newId() })).toEqual([]);
    expect(await outcome(revertSnapshot(client, snapshotId, newId()))).toMatchObject({ state: 'failed' });
    await done(stopVm(client, { id: vmId }, newId()));
    await done(revertSnapshot(client, snapshotId, newId()));
    await done(createVolume(client, { name: 'copy', zoneId, source: { snapshotId } }, newId()));
    expect(await listVolumes(client, { name: 'copy' })).toMatchObject([{ state: 'Ready', size: 10 * gib }]);
    await done(deleteSnapshot(client, snapshotId, newId()));
    expect(await listSnapshots(client)).toEqual([]);
  });
});
