import type { JsonObject } from '../../../json.js';
import { compact, ok, type Call, type Reply } from '../call.js';
import { notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { InstanceAction, Server } from '../state/model.js';

/** The job records of servers, named by the id of the request that began the work (openstack.md 3.4). */
export const instanceActionRoutes = routesOf('nova', [
  ['GET', '/servers/{id}/os-instance-actions', 'instance_actions.list', list],
  ['GET', '/servers/{id}/os-instance-actions/{requestId}', 'instance_actions.show', show],
]);

/** Begins a record; `pickedUpMs` is when a compute service takes the work up. */
export function beginRecord(
  call: Call,
  server: Server,
  action: string,
  event: string,
): { record: InstanceAction; end: (result: 'Success' | 'Error') => void } {
  const now = Date.now();
  const record: InstanceAction = {
    requestId: call.requestId,
    serverId: server.id,
    projectId: server.projectId,
    userId: call.caller.user.id,
    action,
    event,
    startMs: now,
    updatedMs: now,
    pickedUpMs: now,
    finishMs: null,
    result: null,
    vanished: false,
  };
  const records = call.cloud.instanceActions.get(server.id);
  if (records === undefined) call.cloud.instanceActions.set(server.id, [record]);
  else records.push(record);
  const end = (result: 'Success' | 'Error') => {
    const at = Date.now();
    Object.assign(record, { result, finishMs: at, updatedMs: at });
  };
  return { record, end };
}

/** Stays readable after the server is gone, from 2.21 on. */
function recordsOf(call: Call): InstanceAction[] {
  const id = call.param('id');
  const server = call.cloud.servers.get(id) ?? (call.version >= 21 ? call.cloud.deletedServers.get(id) : undefined);
  if (server === undefined || !call.mayAccess(server)) throw notFound(`Instance ${id} could not be found.`);
  return (call.cloud.instanceActions.get(id) ?? []).filter((record) => !record.vanished);
}

function list(call: Call): Reply {
  return ok({
    instanceActions: recordsOf(call)
      .toReversed()
      .map((record) => view(call, record)),
  });
}

function show(call: Call): Reply {
  const requestId = call.param('requestId');
  const record = recordsOf(call).find((one) => one.requestId === requestId);
  if (record === undefined) {
    throw notFound(`Action for request_id ${requestId} on instance ${call.param('id')} not found`);
  }
  const isPickedUp = record.pickedUpMs <= Date.now();
  return ok({ instanceAction: { ...view(call, record), events: isPickedUp ? [eventView(call, record)] : [] } });
}

function view(call: Call, record: InstanceAction): JsonObject {
  return compact({
    action: record.action,
    instance_uuid: record.serverId,
    request_id: record.requestId,
    user_id: record.userId,
    project_id: record.projectId,
    start_time: timeText(record.startMs),
    message: record.result === 'Error' ? 'Error' : null,
    updated_at: call.version >= 58 ? timeText(record.updatedMs) : undefined,
  });
}

function eventView(call: Call, record: InstanceAction): JsonObject {
  return compact({
    event: record.event,
    start_time: timeText(record.pickedUpMs),
    finish_time: record.finishMs === null ? null : timeText(record.finishMs),
    result: record.result,
    hostId: call.version >= 62 ? 'a9f2c51e6d' : undefined,
    host: call.version >= 62 && call.isAdmin ? 'compute1' : undefined,
    details: call.version >= 84 ? null : undefined,
    traceback: call.isAdmin ? null : undefined,
  });
}

const timeText = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}.000000`;
