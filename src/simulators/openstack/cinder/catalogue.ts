import type { JsonObject } from '../../../json.js';
import { ok, type Call, type Reply } from '../call.js';
import { routesOf } from '../route.js';
import type { VolumeType } from '../state/storage-model.js';
import { findType, volumeZone } from './volume-state.js';

export const catalogueRoutes = routesOf('cinder', [
  ['GET', '/types', 'types.list', listTypes],
  ['GET', '/types/default', 'types.default', (call) => ok({ volume_type: typeView(findType(call.cloud, null)) })],
  ['GET', '/types/{id}', 'types.show', (call) => ok({ volume_type: typeView(findType(call.cloud, call.param('id'))) })],
  [
    'GET',
    '/os-availability-zone',
    'availability_zone.list',
    () => ok({ availabilityZoneInfo: [{ zoneName: volumeZone, zoneState: { available: true } }] }),
  ],
]);

function listTypes(call: Call): Reply {
  const types = [...call.cloud.volumeTypes.values()].filter((type) => type.isPublic || call.isAdmin);
  return ok({ volume_types: types.map(typeView) });
}

function typeView(type: VolumeType): JsonObject {
  return {
    id: type.id,
    name: type.name,
    description: type.description,
    is_public: type.isPublic,
    'os-volume-type-access:is_public': type.isPublic,
    qos_specs_id: null,
    extra_specs: {},
  };
}
