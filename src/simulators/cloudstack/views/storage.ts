import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import type { Snapshot, Volume } from '../state/model.js';

/** Sizes go in as GB and come out as bytes. */
export function volumeView(call: Call, volume: Volume): JsonObject {
  const { cloud } = call;
  const vm = cloud.vms.get(volume.vmId);
  const offering = volume.diskOfferingId === null ? undefined : cloud.diskOfferings.get(volume.diskOfferingId);
  const service = volume.type === 'ROOT' && vm !== undefined ? cloud.offeringOf(vm) : undefined;
  const pendingJob = call.services.pendingJobOf(volume.id);
  return withoutNulls({
    id: volume.id,
    name: volume.name,
    zoneid: volume.zoneId,
    zonename: cloud.zones.get(volume.zoneId)?.name,
    type: volume.type,
    deviceid: volume.deviceId,
    virtualmachineid: volume.vmId,
    vmname: vm?.name,
    vmdisplayname: vm?.displayname,
    vmstate: vm?.state,
    size: volume.sizeBytes,
    created: cloudDate(volume.created),
    state: volume.state,
    ...call.ownerFields(volume),
    storagetype: volume.storageType,
    diskofferingid: volume.diskOfferingId,
    diskofferingname: offering?.name,
    diskofferingdisplaytext: offering?.displaytext,
    serviceofferingid: service?.id,
    serviceofferingname: service?.name,
    attached: volume.attachedAt === null ? null : cloudDate(volume.attachedAt),
    destroyed: volume.state === 'Destroy',
    isextractable: true,
    snapshotid: volume.snapshotId,
    storage: call.caller.isRootAdmin && volume.state === 'Ready' ? 'sim-primary' : null,
    tags: call.tagFields(volume.id),
    jobid: pendingJob,
    jobstatus: pendingJob === null ? null : 0,
  });
}

export function snapshotView(call: Call, snapshot: Snapshot): JsonObject {
  const volume = call.cloud.volumes.get(snapshot.volumeId);
  return withoutNulls({
    id: snapshot.id,
    ...call.ownerFields(snapshot),
    snapshottype: 'MANUAL',
    volumeid: snapshot.volumeId,
    volumename: snapshot.volumeName,
    volumetype: volume?.type,
    created: cloudDate(snapshot.created),
    name: snapshot.name,
    intervaltype: 'MANUAL',
    state: snapshot.state,
    physicalsize: snapshot.sizeBytes,
    zoneid: snapshot.zoneId,
    revertable: true,
    tags: call.tagFields(snapshot.id),
  });
}
