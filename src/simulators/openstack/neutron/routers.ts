import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { neutronError } from '../errors.js';
import type { Call } from '../call.js';
import type { Router } from '../state/network-model.js';
import { collectionRoutes, commonView, visibleRow, type Collection } from './collection.js';
import { networks } from './networks.js';
import { newRow, ownerOf } from './owner.js';
import { makePort, removePort } from './ports-state.js';
import { checkQuota } from './quota.js';

const Gateway = z.object({
  network_id: z.string().optional(),
  enable_snat: z.boolean().optional(),
  external_fixed_ips: z
    .array(z.object({ subnet_id: z.string().optional(), ip_address: z.string().optional() }))
    .optional(),
});
type Gateway = z.infer<typeof Gateway>;
const Fields = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  admin_state_up: z.boolean().optional(),
  external_gateway_info: Gateway.nullable().optional(),
  routes: z.array(z.object({ destination: z.string(), nexthop: z.string() })).optional(),
  distributed: z.boolean().optional(),
  ha: z.boolean().optional(),
  availability_zone_hints: z.array(z.string()).optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type Fields = z.infer<typeof Fields>;

export const routers: Collection<Router, Fields, Fields> = {
  path: '/routers',
  plural: 'routers',
  singular: 'router',
  kind: 'router',
  rows: (call) => call.cloud.routers.values(),
  get: (cloud, id) => cloud.routers.get(id),
  missing: (id) => neutronError(404, 'RouterNotFound', `Router ${id} could not be found`),
  filters: ['admin_state_up', 'distributed', 'ha'],
  createSchema: Fields,
  create(call, fields) {
    const projectId = ownerOf(call, fields);
    checkQuota(call.cloud, projectId, 'router');
    const router: Router = {
      ...newRow(call, fields, projectId),
      status: 'ACTIVE',
      adminStateUp: fields.admin_state_up ?? true,
      gatewayNetworkId: null,
      gatewayPortId: null,
      enableSnat: true,
      routes: [],
    };
    setGateway(call, router, fields.external_gateway_info);
    return call.cloud.routers.add(router);
  },
  updateSchema: Fields,
  update(call, router, fields) {
    if (fields.external_gateway_info !== undefined) setGateway(call, router, fields.external_gateway_info);
    router.name = fields.name ?? router.name;
    router.description = fields.description ?? router.description;
    router.adminStateUp = fields.admin_state_up ?? router.adminStateUp;
    router.routes = fields.routes ?? router.routes;
  },
  remove(call, router) {
    const { cloud } = call;
    if (cloud.portsOfDevice(router.id).some((port) => port.deviceOwner === 'network:router_interface')) {
      throw neutronError(409, 'RouterInUse', `Router ${router.id} still has ports`);
    }
    dropGateway(call, router);
    cloud.routers.remove(router);
  },
  view: (call, router) => ({
    ...commonView(router),
    status: router.status,
    admin_state_up: router.adminStateUp,
    external_gateway_info: gatewayView(call, router),
    routes: router.routes,
    availability_zone_hints: [],
    availability_zones: ['nova'],
    flavor_id: null,
    ...(call.isAdmin && { distributed: false, ha: false }),
  }),
};

export const routerRoutes = collectionRoutes(routers);

/** Null or `{}` takes the gateway away. */
function setGateway(call: Call, router: Router, wanted: Gateway | null | undefined): void {
  if (wanted === undefined) return;
  if (wanted === null || wanted.network_id === undefined) {
    dropGateway(call, router);
    return;
  }
  const network = visibleRow(call, networks, wanted.network_id);
  if (!network.external) {
    throw neutronError(400, 'BadRequest', `Bad router request: Network ${network.id} is not an external network.`);
  }
  if (router.gatewayNetworkId !== network.id || wanted.external_fixed_ips !== undefined) {
    dropGateway(call, router);
    const port = makePort(call.cloud, network, {
      // The port of a gateway belongs to nobody.
      projectId: '',
      networkId: network.id,
      fixedIps: wanted.external_fixed_ips?.map((one) => ({ subnetId: one.subnet_id, ip: one.ip_address })) ?? null,
      securityGroupIds: [],
      deviceId: router.id,
      deviceOwner: 'network:router_gateway',
      status: 'ACTIVE',
    });
    router.gatewayPortId = port.id;
    router.gatewayNetworkId = network.id;
  }
  router.enableSnat = wanted.enable_snat ?? true;
}

function dropGateway(call: Call, router: Router): void {
  const { cloud } = call;
  if (router.gatewayPortId === null) return;
  for (const address of cloud.floatingIps.values()) {
    if (address.routerId !== router.id) continue;
    throw neutronError(
      409,
      'RouterExternalGatewayInUseByFloatingIp',
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${router.gatewayNetworkId ?? ''} is required by one or more floating IPs.`,
    );
  }
  const port = cloud.ports.get(router.gatewayPortId);
  if (port !== undefined) removePort(cloud, port);
  router.gatewayPortId = null;
  router.gatewayNetworkId = null;
}

function gatewayView(call: Call, router: Router): JsonObject | null {
  const port = call.cloud.ports.get(router.gatewayPortId);
  if (router.gatewayNetworkId === null || port === undefined) return null;
  return {
    network_id: router.gatewayNetworkId,
    enable_snat: router.enableSnat,
    external_fixed_ips: port.fixedIps.map(({ subnetId, ip }) => ({ subnet_id: subnetId, ip_address: ip })),
  };
}
