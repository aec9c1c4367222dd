import { z } from 'zod';
import { accepted, noContent, type Call, type Reply } from '../call.js';
import { badRequest } from '../errors.js';
import type { Server } from '../state/model.js';
import { WorkFailure } from '../work.js';
import { flavorFor } from './flavors.js';
import { checkQuota } from './quota.js';
import { checkState } from './servers-find.js';
import { beginServerWork, serverTexts } from './server-work.js';

/** Ends in VERIFY_RESIZE. One that no host can take falls back to ACTIVE with the old flavor and no fault: only the record tells. */
export function resize(call: Call, server: Server): Reply {
  const Body = z.strictObject({ resize: z.strictObject({ flavorRef: z.union([z.string(), z.number()]) }) });
  const flavor = flavorFor(call, String(call.read(Body).resize.flavorRef));
  if (flavor.id === server.flavor.id) throw badRequest('When resizing, instances must change flavor!');
  checkState(server, 'resize', ['active', 'stopped']);
  const old = server.flavor;
  if (server.rootVolumeId === null && flavor.diskGib < old.diskGib) {
    throw badRequest("Resizing to a smaller disk is not allowed: the flavor's disk is too small for the instance.");
  }
  checkQuota(call.cloud, server.projectId, { cores: flavor.vcpus - old.vcpus, ram: flavor.memoryMib - old.memoryMib });
  const before = server.vmState;
  beginServerWork(call, server, {
    action: 'resize',
    event: 'conductor_migrate_server',
    taskStates: ['resize_prep', 'resize_migrating', 'resize_migrated', 'resize_finish'],
    partWay: {
      at: 0.25,
      run: () => {
        if (Object.keys(flavor.extraSpecs).some((name) => name.startsWith('resources:CUSTOM_'))) {
          throw new WorkFailure('No valid host was found. ');
        }
      },
    },
    finish: () => {
      server.oldFlavor = old;
      server.flavor = flavor;
      server.vmStateBefore = before;
      server.vmState = 'resized';
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: () => undefined,
  });
  return accepted();
}

/** 204, and still asynchronous: meanwhile the server looks finished (VERIFY_RESIZE, no task). */
export function confirmResize(call: Call, server: Server): Reply {
  checkState(server, 'confirmResize', ['resized']);
  beginServerWork(call, server, {
    action: 'confirmResize',
    event: 'compute_confirm_resize',
    taskStates: [null],
    finish: () => {
      server.vmState = server.vmStateBefore ?? 'active';
      server.vmStateBefore = null;
      server.oldFlavor = null;
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: () => {
      server.vmState = 'error';
    },
  });
  return noContent();
}

export function revertResize(call: Call, server: Server): Reply {
  checkState(server, 'revertResize', ['resized']);
  beginServerWork(call, server, {
    action: 'revertResize',
    event: 'compute_revert_resize',
    taskStates: ['resize_reverting'],
    finish: () => {
      server.flavor = server.oldFlavor ?? server.flavor;
      server.vmState = server.vmStateBefore ?? 'active';
      server.vmStateBefore = null;
      server.oldFlavor = null;
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: () => {
      server.vmState = 'error';
    },
  });
  return accepted();
}
