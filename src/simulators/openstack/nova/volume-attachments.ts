import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { cannotReserve, setStatus, volumeTexts } from '../cinder/volume-state.js';
import { accepted, compact, ok, type Call, type Reply } from '../call.js';
import { badRequest, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { AttachedVolume, Server } from '../state/model.js';
import type { Volume } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { alreadyAttached, attach, notAttached } from './block-devices.js';
import { beginRecord } from './instance-actions.js';
import { checkState, findServer, refuseLocked } from './servers-find.js';

const path = '/servers/{id}/os-volume_attachments';

export const volumeAttachmentRoutes = routesOf('nova', [
  ['POST', path, 'volume_attachments.create', create],
  ['GET', path, 'volume_attachments.list', list],
  ['GET', `${path}/{volumeId}`, 'volume_attachments.show', show],
  ['DELETE', `${path}/{volumeId}`, 'volume_attachments.delete', remove],
]);

const Create = z.strictObject({
  volumeAttachment: z.strictObject({
    volumeId: z.string(),
    device: z.string().nullable().optional(),
    tag: z.string().optional(),
    delete_on_termination: z.boolean().optional(),
  }),
});
const attachable = ['active', 'paused', 'stopped', 'resized', 'suspended', 'shelved_offloaded'];

/** 200 at once; the truth is the status of the volume: reserved, attaching, in-use. */
function create(call: Call): Reply {
  const { volumeAttachment: fields } = call.read(Create);
  const { cloud } = call;
  const server = findServer(call);
  refuseLocked(call, server);
  if (fields.delete_on_termination !== undefined && call.version < 79) {
    throw badRequest("Additional properties are not allowed ('delete_on_termination' was unexpected)");
  }
  const volume = cloud.volumes.get(fields.volumeId);
  if (volume === undefined || !call.mayAccess(volume)) throw notFound(`Volume ${fields.volumeId} could not be found.`);
  if (volume.attachment !== null) throw alreadyAttached(volume);
  checkState(server, 'attach_volume', attachable);
  if (statusOf(volume) !== 'available') throw cannotReserve(volume);
  attach(call, server, volume, {
    deleteOnTermination: fields.delete_on_termination ?? false,
    tag: fields.tag ?? null,
    isRoot: false,
  });
  const detach = () => forget(server, volume);
  carryOut(call, server, volume, 'attach_volume', ['reserved', 'attaching'], {
    finish: () => setStatus(volume, 'in-use'),
    fail: () => {
      detach();
      setStatus(volume, 'available');
    },
  });
  const attachment = server.volumes.find((one) => one.volumeId === volume.id);
  if (attachment === undefined) throw new Error(`the attachment of ${volume.id} was not written down`);
  return ok({
    volumeAttachment: compact({
      id: volume.id,
      volumeId: volume.id,
      serverId: server.id,
      device: attachment.device,
      tag: call.version >= 70 ? attachment.tag : undefined,
      delete_on_termination: call.version >= 79 ? attachment.deleteOnTermination : undefined,
    }),
  });
}

/** Work that the volume shows and the server records. */
function carryOut(
  call: Call,
  server: Server,
  volume: Volume,
  action: string,
  phases: string[],
  ends: { finish: () => void; fail: () => void },
): void {
  const { record, end } = beginRecord(call, server, action, `compute_${action}`);
  const touched = (run: () => void) => () => {
    run();
    server.updatedMs = Date.now();
    call.effect('changed', 'volume', volume.id, volumeTexts(volume));
  };
  call.cloud.works.begin({
    operation: call.operation,
    row: volume,
    phases,
    finish: touched(ends.finish),
    fail: touched(ends.fail),
    ended: end,
    failureText: `the host could not carry out ${action}`,
    vanished: () => (record.vanished = true),
  });
}

function forget(server: Server, volume: Volume): void {
  server.volumes = server.volumes.filter((one) => one.volumeId !== volume.id);
  volume.attachment = null;
}

/** 202, then detaching and available; again 404. */
function remove(call: Call): Reply {
  const server = findServer(call);
  refuseLocked(call, server);
  const volumeId = call.param('volumeId');
  const volume = call.cloud.volumes.get(volumeId);
  if (volume === undefined || !call.mayAccess(volume)) throw notFound(`Volume ${volumeId} could not be found.`);
  if (volume.attachment?.serverId !== server.id) throw notAttached(server, volumeId);
  if (server.rootVolumeId === volumeId) throw badRequest('Cannot detach a root device volume');
  checkState(server, 'detach_volume', attachable);
  const status = statusOf(volume);
  if (status !== 'in-use') {
    throw badRequest(
      `Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach. Currently: status: '${status}'.`,
    );
  }
  carryOut(call, server, volume, 'detach_volume', ['detaching'], {
    finish: () => {
      forget(server, volume);
      setStatus(volume, 'available');
    },
    fail: () => setStatus(volume, 'in-use'),
  });
  return accepted();
}

function list(call: Call): Reply {
  const server = findServer(call);
  return ok({ volumeAttachments: server.volumes.map((one) => view(call, server, one)) });
}

function show(call: Call): Reply {
  const server = findServer(call);
  const attachment = server.volumes.find((one) => one.volumeId === call.param('volumeId'));
  if (attachment === undefined) throw notAttached(server, call.param('volumeId'));
  return ok({ volumeAttachment: view(call, server, attachment) });
}

function view(call: Call, server: Server, one: AttachedVolume): JsonObject {
  return compact({
    id: call.version >= 89 ? undefined : one.volumeId,
    volumeId: one.volumeId,
    serverId: server.id,
    device: one.device,
    tag: call.version >= 70 ? one.tag : undefined,
    delete_on_termination: call.version >= 79 ? one.deleteOnTermination : undefined,
    attachment_id: call.version >= 89 ? one.attachmentId : undefined,
    bdm_uuid: call.version >= 89 ? one.bdmId : undefined,
  });
}
