import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { removePort } from '../neutron/ports-state.js';
import { accepted, ok, type Call, type Reply } from '../call.js';
import { badRequest, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { Port } from '../state/network-model.js';
import { beginRecord } from './instance-actions.js';
import { bind, findGroups, freePort, makeServerPort, unbind, usableNetwork } from './networking.js';
import { checkState, findServer, refuseLocked } from './servers-find.js';
import { serverTexts } from './server-work.js';

const path = '/servers/{id}/os-interface';

export const interfaceRoutes = routesOf('nova', [
  ['POST', path, 'interfaces.create', create],
  ['GET', path, 'interfaces.list', list],
  ['GET', `${path}/{portId}`, 'interfaces.show', (call) => ok({ interfaceAttachment: view(find(call)) })],
  ['DELETE', `${path}/{portId}`, 'interfaces.delete', remove],
]);

const Create = z.strictObject({
  interfaceAttachment: z.strictObject({
    port_id: z.string().optional(),
    net_id: z.string().optional(),
    fixed_ips: z.array(z.object({ ip_address: z.string() })).optional(),
    tag: z.string().optional(),
  }),
});
const attachable = ['active', 'paused', 'stopped'];

/** Synchronous: the answer has the port. */
function create(call: Call): Reply {
  const { interfaceAttachment: fields } = call.read(Create);
  const server = findServer(call);
  refuseLocked(call, server);
  checkState(server, 'attach_interface', attachable);
  if (fields.port_id !== undefined && fields.net_id !== undefined) {
    throw badRequest('Must not input both network_id and port_id');
  }
  let port: Port;
  if (fields.port_id !== undefined) {
    port = freePort(call, fields.port_id);
    bind(call, port, server);
  } else {
    if (fields.net_id === undefined) throw badRequest('Bad network format: net_id or port_id is needed');
    const network = usableNetwork(call, fields.net_id);
    const groups = findGroups(call, server.projectId, undefined);
    port = makeServerPort(call, server, network, fields.fixed_ips?.[0]?.ip_address, groups);
  }
  port.status = 'ACTIVE';
  beginRecord(call, server, 'attach_interface', 'compute_attach_interface').end('Success');
  server.updatedMs = Date.now();
  call.effect('changed', 'vm', server.id, serverTexts(server));
  return ok({ interfaceAttachment: view(port) });
}

function find(call: Call): Port {
  const server = findServer(call);
  const id = call.param('portId');
  const port = call.cloud.ports.get(id);
  if (port === undefined || port.deviceId !== server.id) throw notFound(`Port id ${id} could not be found.`);
  return port;
}

function list(call: Call): Reply {
  const server = findServer(call);
  return ok({ interfaceAttachments: call.cloud.portsOfDevice(server.id).map(view) });
}

function remove(call: Call): Reply {
  const server = findServer(call);
  refuseLocked(call, server);
  const port = find(call);
  checkState(server, 'detach_interface', attachable);
  const { record, end } = beginRecord(call, server, 'detach_interface', 'compute_detach_interface');
  call.cloud.works.begin({
    operation: call.operation,
    row: { underway: null },
    phases: [null],
    failureText: 'the host could not detach the interface',
    finish: () => {
      if (port.madeByNova) removePort(call.cloud, port);
      else unbind(call, port);
      server.updatedMs = Date.now();
      call.effect('changed', 'vm', server.id, serverTexts(server));
    },
    fail: () => undefined,
    ended: end,
    vanished: () => (record.vanished = true),
  });
  return accepted();
}

function view(port: Port): JsonObject {
  return {
    port_id: port.id,
    net_id: port.networkId,
    mac_addr: port.mac,
    port_state: port.status,
    fixed_ips: port.fixedIps.map(({ subnetId, ip }) => ({ subnet_id: subnetId, ip_address: ip })),
  };
}
