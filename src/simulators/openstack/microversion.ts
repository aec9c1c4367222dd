import type { HttpRequest } from '../http.js';
import { badRequest, Refusal } from './errors.js';

/** One API's range of microversions: `2.1` to `2.93` as major 2, minimum 1, maximum 93. */
export interface VersionRange {
  name: 'compute' | 'volume';
  major: number;
  minimum: number;
  maximum: number;
}

export function rangeOf(name: VersionRange['name'], maximum: string): VersionRange {
  const [major = '', minor = ''] = maximum.split('.');
  if (!/^\d+$/.test(minor)) throw new Error(`no microversion: ${maximum}`);
  return { name, major: Number(major), minimum: name === 'compute' ? 1 : 0, maximum: Number(minor) };
}

/**
 * The minor number the request asks for; without a header the lowest.
 * @throws 406 out of range, 400 when it is no version (openstack.md, "Microversions").
 */
export function askedVersion(range: VersionRange, request: HttpRequest): number {
  const asked = headerFor(range, request);
  if (asked === null) return range.minimum;
  if (asked === 'latest') return range.maximum;
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(asked) ?? [];
  if (major === undefined) {
    throw badRequest(`API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`);
  }
  const isInRange = Number(major) === range.major && Number(minor) >= range.minimum && Number(minor) <= range.maximum;
  if (isInRange) return Number(minor);
  const { minimum, maximum } = range;
  throw new Refusal(
    406,
    `Version ${asked} is not supported by the API. Minimum is ${range.major}.${minimum} and maximum is ${range.major}.${maximum}.`,
  );
}

function headerFor(range: VersionRange, request: HttpRequest): string | null {
  const header = request.headers['openstack-api-version'];
  for (const part of String(header ?? '').split(',')) {
    const [service, version] = part.trim().split(/\s+/);
    if (service === range.name && version !== undefined) return version;
  }
  const older = request.headers['x-openstack-nova-api-version'];
  return range.name === 'compute' && typeof older === 'string' ? older : null;
}
