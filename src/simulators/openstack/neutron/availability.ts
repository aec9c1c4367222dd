import type { JsonObject } from '../../../json.js';
import { ok, type Call, type Reply } from '../call.js';
import { neutronError } from '../errors.js';
import { routesOf } from '../route.js';
import { sizeOfPools } from '../state/addresses.js';
import type { Network } from '../state/network-model.js';

/** How many addresses are free. Administrators only: a tenant is told that there is no such thing. */
export const availabilityRoutes = routesOf('neutron', [
  ['GET', '/network-ip-availabilities', 'network-ip-availabilities.list', list],
  ['GET', '/network-ip-availabilities/{id}', 'network-ip-availabilities.show', show],
  ['GET', '/availability_zones', 'availability_zones.list', listZones],
  ['GET', '/extensions', 'extensions.list', listExtensions],
]);

function list(call: Call): Reply {
  if (!call.isAdmin) return ok({ network_ip_availabilities: [] });
  const { query } = call;
  const networks = [...call.cloud.networks.values()].filter(
    (network) =>
      (query.get('network_id') ?? network.id) === network.id &&
      (query.get('network_name') ?? network.name) === network.name,
  );
  return ok({ network_ip_availabilities: networks.map((network) => view(call, network)) });
}

function show(call: Call): Reply {
  const network = call.cloud.networks.get(call.param('id'));
  if (network === undefined || !call.isAdmin) {
    throw neutronError(404, 'NetworkNotFound', `Network ${call.param('id')} could not be found.`);
  }
  return ok({ network_ip_availability: view(call, network) });
}

function view(call: Call, network: Network): JsonObject {
  const { cloud } = call;
  const subnets = cloud.subnetsOf(network).map((subnet) => ({
    subnet_id: subnet.id,
    subnet_name: subnet.name,
    cidr: subnet.cidr,
    ip_version: 4,
    total_ips: sizeOfPools(subnet),
    used_ips: cloud.addresses.countTaken(subnet.id),
  }));
  return {
    network_id: network.id,
    network_name: network.name,
    project_id: network.projectId,
    tenant_id: network.projectId,
    total_ips: subnets.reduce((sum, one) => sum + one.total_ips, 0),
    used_ips: subnets.reduce((sum, one) => sum + one.used_ips, 0),
    subnet_ip_availability: subnets,
  };
}

function listZones(): Reply {
  const zones = ['network', 'router'].map((resource) => ({ name: 'nova', resource, state: 'available' }));
  return ok({ availability_zones: zones });
}

function listExtensions({ cloud }: Call): Reply {
  return ok({
    extensions: [...cloud.extensions].map((alias) => ({
      alias,
      name: alias,
      description: '',
      links: [],
      updated: '2016-01-01T00:00:00-00:00',
    })),
  });
}
