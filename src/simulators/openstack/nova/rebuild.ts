import { z } from 'zod';
import { accepted, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import type { Server } from '../state/model.js';
import { imageFor } from './block-devices.js';
import { Metadata } from './create-server.js';
import { checkState } from './servers-find.js';
import { serverView } from './server-view.js';
import { beginServerWork, failServer, serverTexts } from './server-work.js';

const Body = z.strictObject({
  rebuild: z.strictObject({
    imageRef: z.string(),
    name: z.string().min(1).max(255).optional(),
    adminPass: z.string().optional(),
    description: z.string().nullable().optional(),
    metadata: Metadata.optional(),
    key_name: z.string().nullable().optional(),
    user_data: z.string().nullable().optional(),
    hostname: z.string().optional(),
    preserve_ephemeral: z.boolean().optional(),
    'OS-DCF:diskConfig': z.enum(['AUTO', 'MANUAL']).optional(),
  }),
});

/** Writes the image anew; ids, addresses and volumes stay. A server in ERROR may be rebuilt, too. */
export function rebuild(call: Call, server: Server): Reply {
  const { rebuild: fields } = call.read(Body);
  const image = imageFor(call, fields.imageRef);
  if (image.minDiskGib > server.flavor.diskGib && server.rootVolumeId === null) {
    throw badRequest("Flavor's disk is smaller than the minimum size specified in image metadata.");
  }
  // Servers that booted from a volume: from 2.93 on.
  if (server.rootVolumeId !== null && call.version < 93) {
    throw badRequest('Unable to rebuild with a different image for a volume-backed server.');
  }
  checkState(server, 'rebuild', ['active', 'stopped', 'error']);
  const before = server.vmState === 'stopped' ? 'stopped' : 'active';
  server.name = fields.name ?? server.name;
  server.metadata = fields.metadata ?? server.metadata;
  server.adminPass = fields.adminPass ?? call.cloud.randomText(12, 'abcdefghijkmnopqrstuvwxyz23456789');
  // While it lasts the server is no longer in ERROR.
  if (server.vmState === 'error') server.vmState = 'active';
  beginServerWork(call, server, {
    action: 'rebuild',
    event: 'compute_rebuild_instance',
    taskStates: ['rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'],
    finish: () => {
      if (server.rootVolumeId === null) server.imageId = image.id;
      server.vmState = before;
      server.fault = null;
      server.launchedMs = Date.now();
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: (reason) => failServer(server, reason),
    failureText: `Rebuild of instance ${server.id} aborted: the hypervisor refused it`,
  });
  return accepted({ server: { ...serverView(call, server), adminPass: server.adminPass } });
}
