import { z } from 'zod';
import { actionName } from '../cinder/volume-actions.js';
import { accepted, ok, type Call, type Reply } from '../call.js';
import { badRequest, conflict } from '../errors.js';
import { routesOf } from '../route.js';
import type { Server } from '../state/model.js';
import { createImage } from './create-image.js';
import { findGroups } from './networking.js';
import { rebuild } from './rebuild.js';
import { confirmResize, resize, revertResize } from './resize.js';
import { checkState, findServer, refuseLocked } from './servers-find.js';
import { beginServerWork, serverTexts } from './server-work.js';

/** An action that takes a server from some states to one other. */
interface Move {
  /** As refusals and records call it. */
  verb: string;
  from: string[];
  taskStates: string[];
  to: string | ((server: Server) => string);
}

const moves: Record<string, Move> = {
  'os-start': { verb: 'start', from: ['stopped'], taskStates: ['powering-on'], to: 'active' },
  'os-stop': { verb: 'stop', from: ['active', 'rescued'], taskStates: ['powering-off'], to: 'stopped' },
  pause: { verb: 'pause', from: ['active'], taskStates: ['pausing'], to: 'paused' },
  unpause: { verb: 'unpause', from: ['paused'], taskStates: ['unpausing'], to: 'active' },
  suspend: { verb: 'suspend', from: ['active'], taskStates: ['suspending'], to: 'suspended' },
  resume: { verb: 'resume', from: ['suspended'], taskStates: ['resuming'], to: 'active' },
  shelve: {
    verb: 'shelve',
    from: ['active', 'stopped', 'paused', 'suspended'],
    taskStates: ['shelving', 'shelving_offloading'],
    to: 'shelved_offloaded',
  },
  unshelve: {
    verb: 'unshelve',
    from: ['shelved', 'shelved_offloaded'],
    taskStates: ['unshelving', 'spawning'],
    to: 'active',
  },
  unrescue: {
    verb: 'unrescue',
    from: ['rescued'],
    taskStates: ['unrescuing'],
    to: 'active',
  },
};

const actions: Record<string, (call: Call, server: Server) => Reply> = {
  ...Object.fromEntries(
    Object.entries(moves).map(([name, move]) => [name, (call: Call, server: Server) => carryOut(call, server, move)]),
  ),
  reboot,
  rebuild,
  resize,
  confirmResize,
  revertResize,
  changePassword,
  rescue,
  createImage,
  lock,
  unlock,
  'os-getConsoleOutput': consoleOutput,
  'os-resetState': resetState,
  addSecurityGroup: (call, server) => changeGroups(call, server, 'addSecurityGroup'),
  removeSecurityGroup: (call, server) => changeGroups(call, server, 'removeSecurityGroup'),
};
/** These do not mind a lock. */
const pastLock = new Set(['lock', 'unlock', 'os-getConsoleOutput', 'os-resetState']);

export const actionRoutes = routesOf('nova', [
  [
    'POST',
    '/servers/{id}/action',
    (body) => `servers.action.${actionName(body)}`,
    (call) => {
      const name = actionName(call.body);
      const server = findServer(call);
      const run = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (run === undefined) throw badRequest(`There is no such action: ${name}`);
      if (!pastLock.has(name)) refuseLocked(call, server);
      return run(call, server);
    },
  ],
]);

function carryOut(call: Call, server: Server, { verb, from, taskStates, to }: Move): Reply {
  checkState(server, verb, from);
  beginServerWork(call, server, {
    action: verb,
    event: `compute_${verb}_instance`,
    taskStates,
    finish: () => {
      server.vmState = typeof to === 'string' ? to : to(server);
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    // A stop that failed on the host leaves the server as it was: only the record tells.
    fail: () => undefined,
  });
  return accepted();
}

function reboot(call: Call, server: Server): Reply {
  const Body = z.strictObject({
    reboot: z.strictObject({ type: z.string().regex(/^(soft|hard)$/i, 'is not one of HARD, SOFT') }),
  });
  const isSoft = call.read(Body).reboot.type.toUpperCase() === 'SOFT';
  if (isSoft && server.vmState === 'stopped') {
    throw conflict(`Cannot 'reboot' instance ${server.id} while it is in vm_state stopped`);
  }
  return carryOut(call, server, {
    verb: 'reboot',
    from: isSoft ? ['active', 'rescued'] : ['active', 'stopped', 'paused', 'suspended', 'rescued'],
    taskStates: isSoft ? ['rebooting', 'reboot_started'] : ['rebooting_hard', 'reboot_started_hard'],
    to: (one) => (one.vmState === 'rescued' ? 'rescued' : 'active'),
  });
}

function changePassword(call: Call, server: Server): Reply {
  const Body = z.strictObject({ changePassword: z.strictObject({ adminPass: z.string().min(1) }) });
  const { adminPass } = call.read(Body).changePassword;
  checkState(server, 'changePassword', ['active']);
  beginServerWork(call, server, {
    action: 'changePassword',
    event: 'compute_set_admin_password',
    taskStates: ['updating_password'],
    finish: () => {
      server.adminPass = adminPass;
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: () => undefined,
  });
  return accepted();
}

/** The one action that answers with a body at once: the password of the rescue system. */
function rescue(call: Call, server: Server): Reply {
  const fields = z
    .looseObject({ adminPass: z.string().optional() })
    .nullable()
    .safeParse((call.body as { rescue: unknown }).rescue);
  if (!fields.success) throw badRequest('Invalid input for field/attribute rescue.');
  const adminPass =
    fields.data?.adminPass ?? call.cloud.randomText(12, 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789');
  carryOut(call, server, { verb: 'rescue', from: ['active', 'stopped'], taskStates: ['rescuing'], to: 'rescued' });
  return ok({ adminPass });
}

function lock(call: Call, server: Server): Reply {
  const Reason = z.looseObject({ locked_reason: z.string().max(255).optional() }).nullable();
  const fields = Reason.safeParse((call.body as { lock: unknown }).lock);
  if (!fields.success) throw badRequest('Invalid input for field/attribute lock.');
  server.locked = true;
  server.lockedReason = fields.data?.locked_reason ?? null;
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
  return accepted();
}

function unlock(call: Call, server: Server): Reply {
  server.locked = false;
  server.lockedReason = null;
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
  return accepted();
}

function consoleOutput(call: Call, server: Server): Reply {
  const Body = z.strictObject({
    'os-getConsoleOutput': z.strictObject({ length: z.union([z.number().int(), z.string()]).nullable().optional() }),
  });
  const { length } = call.read(Body)['os-getConsoleOutput'];
  if (server.vmState === 'building') throw conflict(`Instance ${server.id} is not ready`);
  const lines = ['Booting', 'Starting services', `${server.hostname} login:`];
  const count = length === null || length === undefined ? lines.length : Number(length);
  return ok({ output: count < 0 ? lines.join('\n') : lines.slice(Math.max(0, lines.length - count)).join('\n') });
}

/** Ends whatever was under way, as an administrator does with a stuck server. */
function resetState(call: Call, server: Server): Reply {
  call.requireAdmin('os_compute_api:os-admin-actions:reset_state');
  const Body = z.strictObject({ 'os-resetState': z.strictObject({ state: z.enum(['active', 'error']) }) });
  server.cancelWork?.();
  server.vmState = call.read(Body)['os-resetState'].state;
  server.launchedMs ??= Date.now();
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
  return accepted();
}

function changeGroups(call: Call, server: Server, action: 'addSecurityGroup' | 'removeSecurityGroup'): Reply {
  const Body = z.object({ [action]: z.strictObject({ name: z.string() }) });
  const name = call.read(Body)[action]?.name ?? '';
  const [group] = findGroups(call, server.projectId, [{ name }]);
  if (group === undefined) return accepted();
  for (const port of call.cloud.portsOfDevice(server.id)) {
    const others = port.securityGroupIds.filter((id) => id !== group.id);
    port.securityGroupIds = action === 'addSecurityGroup' ? [...others, group.id] : others;
  }
  const others = server.securityGroupNames.filter((one) => one !== group.name);
  server.securityGroupNames = action === 'addSecurityGroup' ? [...others, group.name] : others;
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
  return accepted();
}
