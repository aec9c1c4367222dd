import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../json.js';
import type { Service } from '../errors.js';

/** Where each service lives below the one origin, as DevStack lays them out. */
export const basePaths: Record<Service, string> = {
  keystone: '/identity/v3',
  nova: '/compute/v2.1',
  cinder: '/volume/v3',
  neutron: '/network/v2.0',
  glance: '/image/v2',
};

const entries: { service: Service; type: string; url: (projectId: string) => string }[] = [
  { service: 'keystone', type: 'identity', url: () => '/identity/v3' },
  { service: 'nova', type: 'compute', url: () => '/compute/v2.1' },
  { service: 'cinder', type: 'volumev3', url: (projectId) => `/volume/v3/${projectId}` },
  { service: 'cinder', type: 'block-storage', url: (projectId) => `/volume/v3/${projectId}` },
  // Without their versions, as in the lab: the client appends them.
  { service: 'neutron', type: 'network', url: () => '/network' },
  { service: 'glance', type: 'image', url: () => '/image' },
];

/** The catalog of a token scoped to that project; ids stay the same from one token to the next. */
export function catalogOf(origin: string, region: string, projectId: string): JsonObject[] {
  return entries.map(({ service, type, url }) => ({
    id: hexId(`service ${type}`),
    type,
    name: service,
    endpoints: ['public', 'internal', 'admin'].map((kind) => ({
      id: hexId(`endpoint ${type} ${kind} ${region}`),
      interface: kind,
      region,
      region_id: region,
      url: origin + url(projectId),
    })),
  }));
}

const hexId = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);
