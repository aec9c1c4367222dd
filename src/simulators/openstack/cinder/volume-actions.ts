import { z } from 'zod';
import { accepted, ok, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import { routesOf } from '../route.js';
import type { Volume } from '../state/storage-model.js';
import { statusOf } from '../state/underway.js';
import { checkGrowth } from './quota.js';
import { writeMessage } from './messages.js';
import { findType, setStatus, volumeTexts } from './volume-state.js';
import { findVolume } from './volumes.js';

/** The name of an action is the one key of its body. */
export const actionName = (body: unknown): string =>
  typeof body === 'object' && body !== null ? (Object.keys(body)[0] ?? '(none)') : '(none)';

const actions: Record<string, (call: Call, volume: Volume) => Reply> = {
  'os-extend': extend,
  'os-retype': retype,
  'os-reset_status': resetStatus,
  'os-set_bootable': setBootable,
  'os-update_readonly_flag': () => accepted(),
};

export const volumeActionRoutes = routesOf('cinder', [
  [
    'POST',
    '/volumes/{id}/action',
    (body) => `volumes.action.${actionName(body)}`,
    (call) => {
      const volume = findVolume(call, call.param('id'));
      const name = actionName(call.body);
      const run = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (run === undefined) throw badRequest(`There is no such action: ${name}`);
      return run(call, volume);
    },
  ],
]);

/** Also while attached, from 3.42 on. */
function extend(call: Call, volume: Volume): Reply {
  const { 'os-extend': fields } = call.read(z.object({ 'os-extend': z.strictObject({ new_size: z.number().int() }) }));
  const status = statusOf(volume);
  if (status !== 'available' && !(status === 'in-use' && call.version >= 42)) {
    throw badRequest(`Invalid volume: Volume ${volume.id} status must be 'available' to extend, currently ${status}.`);
  }
  const newSizeGib = fields.new_size;
  if (newSizeGib <= volume.sizeGib) {
    throw badRequest(
      `Invalid input received: New size for extend must be greater than current size. (current: ${volume.sizeGib}, extended: ${newSizeGib}).`,
    );
  }
  checkGrowth(call.cloud, volume.projectId, newSizeGib - volume.sizeGib, volume.typeName);
  begin(call, volume, 'extending', 'error_extending', 'extend volume', () => {
    volume.sizeGib = newSizeGib;
  });
  return accepted();
}

function retype(call: Call, volume: Volume): Reply {
  const Body = z.object({
    'os-retype': z.strictObject({ new_type: z.string(), migration_policy: z.enum(['never', 'on-demand']).optional() }),
  });
  const type = findType(call.cloud, call.read(Body)['os-retype'].new_type);
  const status = statusOf(volume);
  if (status !== 'available' && status !== 'in-use') {
    throw badRequest(
      `Invalid volume: Unable to update type due to incorrect status: ${status} on volume: ${volume.id}. Volume status must be available or in-use.`,
    );
  }
  // A retype that fails leaves the volume as it was.
  begin(call, volume, 'retyping', status, 'retype volume', () => {
    volume.typeName = type.name;
  });
  return accepted();
}

function begin(call: Call, volume: Volume, phase: string, failed: string, doing: string, effect: () => void): void {
  const before = statusOf(volume);
  call.cloud.works.begin({
    operation: call.operation,
    row: volume,
    phases: [phase],
    failureText: `Failed to ${doing}.`,
    finish: () => {
      effect();
      setStatus(volume, before);
      call.effect('changed', 'volume', volume.id, volumeTexts(volume));
    },
    fail: () => setStatus(volume, failed),
    ended: (result, reason) => {
      if (result === 'Error') writeMessage(call, { ...volume, type: 'VOLUME', doing }, reason);
    },
  });
}

/** Frees a stuck volume; what was under way is over. */
function resetStatus(call: Call, volume: Volume): Reply {
  call.requireAdmin('volume_extension:volume_admin_actions:reset_status');
  const Body = z.object({
    'os-reset_status': z.object({ status: z.string().optional(), attach_status: z.string().optional() }),
  });
  const fields = call.read(Body)['os-reset_status'];
  volume.underway = null;
  if (fields.status !== undefined) setStatus(volume, fields.status);
  if (fields.attach_status === 'detached') volume.attachment = null;
  call.effect('changed', 'volume', volume.id, volumeTexts(volume));
  return accepted();
}

function setBootable(call: Call, volume: Volume): Reply {
  const Body = z.object({ 'os-set_bootable': z.object({ bootable: z.boolean() }) });
  volume.bootable = call.read(Body)['os-set_bootable'].bootable;
  volume.updatedMs = Date.now();
  call.effect('changed', 'volume', volume.id, volumeTexts(volume));
  return ok();
}
