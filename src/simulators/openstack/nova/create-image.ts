import { z } from 'zod';
import { textsOf } from '../glance/images.js';
import type { Call, Reply } from '../call.js';
import type { Server } from '../state/model.js';
import type { Image } from '../state/storage-model.js';
import { Metadata } from './create-server.js';
import { checkState } from './servers-find.js';
import { beginServerWork } from './server-work.js';

const Body = z.strictObject({
  createImage: z.strictObject({ name: z.string().min(1).max(255), metadata: Metadata.optional() }),
});

/** The image is there at once as `queued`; its id is in the body from 2.45 on, before in `Location`. */
export function createImage(call: Call, server: Server): Reply {
  const { name, metadata } = call.read(Body).createImage;
  checkState(server, 'createImage', ['active', 'stopped', 'paused', 'suspended']);
  const now = Date.now();
  const image: Image = {
    id: call.cloud.newId(),
    name,
    owner: server.projectId,
    status: 'queued',
    visibility: 'private',
    sizeBytes: server.flavor.diskGib * 1024 ** 3,
    minDiskGib: server.flavor.diskGib,
    minMemoryMib: 0,
    tags: [],
    properties: { ...metadata, image_type: 'snapshot', instance_uuid: server.id },
    isProtected: false,
    createdMs: now,
    updatedMs: now,
    seeded: false,
  };
  call.cloud.images.set(image.id, image);
  call.effect('created', 'image', image.id, textsOf(image));
  const end = (status: string) => {
    image.status = status;
    image.updatedMs = Date.now();
  };
  beginServerWork(call, server, {
    action: 'createImage',
    event: 'compute_snapshot_instance',
    taskStates: ['image_snapshot_pending', 'image_snapshot', 'image_pending_upload', 'image_uploading'],
    partWay: { at: 0.75, run: () => end('saving') },
    finish: () => end('active'),
    fail: () => end('killed'),
  });
  if (call.version >= 45) return { status: 202, body: { image_id: image.id } };
  return { status: 202, headers: { location: `${call.origin}/image/v2/images/${image.id}` } };
}
