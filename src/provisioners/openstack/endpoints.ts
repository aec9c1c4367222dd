import { ProvisioningError } from '../../errors.js';
import type { Service } from './refusals.js';
import type { OpenStackSettings } from './settings.js';
import type { CatalogEntry, Token } from './tokens.js';

export type CatalogService = Exclude<Service, 'identity'>;

/** The names a service goes by in catalogues, the usual one first. `volumev2` lacks microversions and is not taken. */
const types: Readonly<Record<CatalogService, readonly string[]>> = {
  compute: ['compute'],
  network: ['network'],
  volume: ['volumev3', 'block-storage'],
  image: ['image'],
};

type Where = Pick<OpenStackSettings, 'region' | 'interface'>;

/**
 * Base address of a service for a token, its version included and no slash at the end.
 *
 * @throws ProvisioningError 'ask-human' `CLD_UNSUPPORTED` naming service, interface and region that are missing
 */
export function endpointOf({ catalog, projectId }: Token, service: CatalogService, where: Where): string {
  const entries = types[service].flatMap((type) => catalog.filter((entry) => entry.type === type));
  const endpoints = entries.flatMap((entry) => entry.endpoints.filter((one) => one.interface === where.interface));
  const here = endpoints.filter((one) => where.region === undefined || regionOf(one) === where.region);
  const regions = [...new Set(here.map(regionOf))];
  const [first] = here;
  if (!first || regions.length > 1) throw missing(catalog, service, where, regions);
  return versioned(first.url.replace(/\/+$/, ''), service, projectId);
}

/** Every region the catalogue names, for people who have to choose one. */
export function regionsOf(catalog: CatalogEntry[]): string[] {
  return [...new Set(catalog.flatMap(({ endpoints }) => endpoints.map(regionOf)))].filter((name) => name !== '');
}

const regionOf = ({ region_id, region }: CatalogEntry['endpoints'][number]): string => region_id ?? region ?? '';

function missing(catalog: CatalogEntry[], service: CatalogService, where: Where, regions: string[]): Error {
  const named = `${where.interface} endpoint of ${types[service].join(' or ')}`;
  const problem =
    regions.length > 1
      ? `the catalogue has the ${named} in ${regions.join(', ')}: set "region"`
      : `the catalogue has no ${named}${where.region === undefined ? '' : ` in the region "${where.region}"`}; regions: ${regionsOf(catalog).join(', ') || 'none'}`;
  return new ProvisioningError('ask-human', 'CLD_UNSUPPORTED', problem);
}

/** Some clouds' catalogues carry the version and some do not: looked at before it is put on. */
function versioned(url: string, service: CatalogService, projectId: string): string {
  if (/\/v\d+(\.\d+)?(\/|$)/.test(new URL(url).pathname)) return url;
  switch (service) {
    case 'compute':
      return `${url}/v2.1`;
    case 'network':
      return `${url}/v2.0`;
    case 'volume':
      return `${url}/v3/${projectId}`;
    case 'image':
      return `${url}/v2`;
  }
}

/** Where a service lists its versions: its address without version and project. */
export function rootOf(endpoint: string): string {
  const url = new URL(endpoint);
  url.pathname = url.pathname.replace(/\/v\d+(\.\d+)?(\/.*)?$/, '/');
  return url.href;
}
