import type { Call } from '../call.js';
import { conflict } from '../errors.js';
import type { Server } from '../state/model.js';
import { taskStateOf } from './status.js';

/** A server the caller may see. @throws 404 */
export function findServer(call: Call, id = call.param('id')): Server {
  return call.row(call.cloud.servers, id, `Instance ${id} could not be found.`);
}

/** A locked server refuses its tenant, but not an administrator. @throws 409 */
export function refuseLocked(call: Call, server: Server): void {
  if (server.locked && !call.isAdmin) throw conflict(`Instance ${server.id} is locked`);
}

/**
 * @throws 409 `while it is in task_state X` (busy), `while it is in vm_state X` (does not apply), or the words for a server
 *   in ERROR (openstack.md 3.4)
 */
export function checkState(server: Server, action: string, vmStates: string[]): void {
  const { vmState } = server;
  if (vmState === 'error' && !vmStates.includes('error')) {
    throw server.launchedMs === null
      ? conflict(`Instance ${server.id} is not ready`)
      : conflict(`Instance ${server.id} is in an invalid state for '${action}'`);
  }
  if (!vmStates.includes(vmState)) throw wrongState(server, action, 'vm_state', vmState);
  if (server.underway === null) return;
  const task = taskStateOf(server);
  throw task === null
    ? wrongState(server, action, 'vm_state', vmState)
    : wrongState(server, action, 'task_state', task);
}

const wrongState = (server: Server, action: string, kind: string, value: string) =>
  conflict(`Cannot '${action}' instance ${server.id} while it is in ${kind} ${value}`);
