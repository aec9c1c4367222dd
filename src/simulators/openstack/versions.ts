import type { JsonObject } from '../../json.js';
import type { HttpAnswer } from '../http.js';
import type { VersionRange } from './microversion.js';

/** The version documents on the roots of the services, for everybody, without a token. Null for any other path. */
export function versionDocument(
  path: string,
  origin: string,
  ranges: { compute: VersionRange; volume: VersionRange },
): HttpAnswer | null {
  const links = (at: string): JsonObject[] => [{ rel: 'self', href: `${origin}${at}/` }];
  const versioned = (id: string, at: string, range: VersionRange | null): JsonObject => ({
    id,
    status: 'CURRENT',
    updated: '2022-10-05T00:00:00Z',
    links: links(at),
    ...(range !== null && {
      version: `${range.major}.${range.maximum}`,
      min_version: `${range.major}.${range.minimum}`,
    }),
  });
  const identity = { ...versioned('v3.14', '/identity/v3', null), status: 'stable' };
  const compute = versioned('v2.1', '/compute/v2.1', ranges.compute);
  const volume = versioned('v3.0', '/volume/v3', ranges.volume);
  const network = versioned('v2.0', '/network/v2.0', null);
  const image = versioned('v2.16', '/image/v2', null);
  switch (path) {
    case '/identity':
      return json(300, { versions: { values: [identity] } });
    case '/identity/v3':
      return json(200, { version: identity });
    case '/compute':
      return json(200, { versions: [compute] });
    case '/compute/v2.1':
      return json(200, { version: compute });
    case '/volume':
      return json(300, { versions: [volume] });
    case '/volume/v3':
      return json(200, { versions: [volume] });
    case '/network':
      return json(200, { versions: [network] });
    case '/image':
      return json(300, { versions: [image] });
    default:
      return null;
  }
}

function json(status: number, body: JsonObject): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
