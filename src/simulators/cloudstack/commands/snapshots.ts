import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { listAnswer, listRows } from '../call.js';
import { invalidParameter } from '../errors.js';
import { checkLimit } from '../state/limits.js';
import type { Snapshot } from '../state/model.js';
import { snapshotView } from '../views/storage.js';

export const snapshotCommands: CommandFamily = {
  createSnapshot: { kind: 'AC', cmd: 'user.snapshot.CreateSnapshot', required: ['volumeid'], run: create },
  deleteSnapshot: {
    kind: 'A',
    cmd: 'user.snapshot.DeleteSnapshot',
    required: ['id'],
    run(call) {
      const snapshot = call.row(call.cloud.snapshots, 'id');
      return {
        instanceType: 'Snapshot',
        instanceId: snapshot.id,
        finish() {
          remove(call, snapshot);
          return { success: true };
        },
        pretend: () => ({ success: true }),
      };
    },
  },
  revertSnapshot: { kind: 'A', cmd: 'user.snapshot.RevertSnapshot', required: ['id'], run: revert },
  listSnapshots: {
    kind: 'S',
    run(call) {
      const volumeId = call.params.text('volumeid');
      const name = call.params.text('name');
      const rows = listRows(call, call.cloud.snapshots, {
        keyword: (snapshot) => [snapshot.name],
        accept: (snapshot) =>
          (volumeId === undefined || snapshot.volumeId === volumeId) && (name === undefined || snapshot.name === name),
      });
      return listAnswer(call, 'snapshot', rows, (snapshot) => snapshotView(call, snapshot));
    },
  },
};

function create(call: Call): CreatePlan {
  const { cloud, params } = call;
  const volume = call.row(cloud.volumes, 'volumeid');
  const owner = cloud.accounts.get(volume.accountId) ?? call.caller.account;
  if (volume.state !== 'Ready') {
    throw invalidParameter(`VolumeId: ${volume.id} is not in Ready state but ${volume.state}. Cannot take snapshot.`);
  }
  checkLimit(cloud, owner, 'snapshot', 1);
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const snapshot = cloud.snapshots.add({
    id: cloud.newId(),
    accountId: owner.id,
    created: Date.now(),
    name: params.text('name') ?? `${volume.name}_${stamp}`,
    volumeId: volume.id,
    volumeName: volume.name,
    zoneId: volume.zoneId,
    sizeBytes: volume.sizeBytes,
    state: 'Allocated',
  });
  call.effect('created', 'snapshot', snapshot.id, [snapshot.name]);
  return {
    instanceType: 'Snapshot',
    instanceId: snapshot.id,
    queue: `volume:${volume.id}`,
    begin() {
      snapshot.state = 'Creating';
    },
    finish() {
      if (cloud.snapshots.get(snapshot.id) !== snapshot)
        throw invalidParameter(`Unable to find snapshot ${snapshot.id}`);
      snapshot.state = 'BackedUp';
      return { snapshot: snapshotView(call, snapshot) };
    },
    undo() {
      snapshot.state = 'Error';
    },
  };
}

function remove(call: Call, snapshot: Snapshot): void {
  if (call.cloud.snapshots.get(snapshot.id) !== snapshot)
    throw invalidParameter(`unable to find a snapshot with id ${snapshot.id}`);
  call.cloud.snapshots.remove(snapshot);
  call.cloud.tags.delete(snapshot.id);
  call.effect('deleted', 'snapshot', snapshot.id, [snapshot.name]);
}

function revert(call: Call): JobPlan {
  const { cloud } = call;
  const snapshot = call.row(cloud.snapshots, 'id');
  return {
    instanceType: 'Snapshot',
    instanceId: snapshot.id,
    finish() {
      const volume = cloud.volumes.get(snapshot.volumeId);
      if (volume === undefined)
        throw invalidParameter(`Volume ${snapshot.volumeId} of snapshot ${snapshot.id} is gone`);
      const vm = cloud.vms.get(volume.vmId);
      if (vm !== undefined && vm.state !== 'Stopped') {
        throw invalidParameter('The VM the specified disk is attached to is not in the shutdown state.');
      }
      call.effect('changed', 'volume', volume.id, [volume.name]);
      return { snapshot: snapshotView(call, snapshot) };
    },
    pretend: () => ({ snapshot: snapshotView(call, snapshot) }),
  };
}
