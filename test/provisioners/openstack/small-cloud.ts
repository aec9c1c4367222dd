import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import { openAccount } from '../../../src/provisioners/openstack/index.js';
import type { PlatformConfig } from '../../../src/provisioners/provisioner.js';

export interface Recorded {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: IncomingMessage['headers'];
}

export type Answer = (request: Recorded, response: ServerResponse) => void;

export const ownProject = 'own-project';
const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

/** What a token says; `lifeMs` counts from now. */
export function tokenBody(origin: string, projectId = ownProject, lifeMs = 3_600_000, catalog = catalogOf(origin)) {
  const domain = { id: 'default', name: 'Default' };
  return {
    token: {
      expires_at: new Date(Date.now() + lifeMs).toISOString(),
      user: { id: 'own-user', name: 'admin', domain, password_expires_at: null },
      project: { id: projectId, name: 'admin', domain },
      catalog,
    },
  };
}

/** A catalogue as clouds have it: some addresses with their version, some without. */
export function catalogOf(origin: string, region = 'RegionOne') {
  const endpoint = (type: string, path: string) => ({
    type,
    endpoints: [{ interface: 'public', region_id: region, region, url: `${origin}${path}` }],
  });
  return [
    endpoint('compute', '/compute/v2.1'),
    endpoint('network', '/network'),
    endpoint('volumev3', `/volume/v3/${ownProject}`),
    endpoint('image', '/image'),
  ];
}

/**
 * A server that answers what the test says, for answers no well-meaning simulator gives. Logins, the services' versions and
 * empty lists it answers by itself, unless the test has answered already.
 */
export async function smallCloud(answer: Answer = () => {}) {
  const requests: Recorded[] = [];
  const logins: unknown[] = [];
  let origin = '';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://small.invalid');
      const text = Buffer.concat(chunks).toString();
      const recorded: Recorded = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        body: text === '' ? null : JSON.parse(text),
        headers: request.headers,
      };
      if (recorded.path === '/identity/v3/auth/tokens') logins.push(recorded.body);
      else if (!/^\/(compute|volume)\/$/.test(recorded.path)) requests.push(recorded);
      answer(recorded, response);
      if (!response.writableEnded && !response.destroyed && !(response as { held?: boolean }).held)
        fallBack(recorded, response);
    });
  });
  function fallBack({ path, body }: Recorded, response: ServerResponse): void {
    if (path === '/identity/v3/auth/tokens') {
      const scope = (body as { auth: { scope?: { project: { id?: string } } } }).auth.scope;
      const projectId = scope?.project.id ?? ownProject;
      return json(response, tokenBody(origin, projectId), 201, {
        'x-subject-token': `token-${projectId}-${logins.length}`,
      });
    }
    if (path === '/compute/') return json(response, versions('v2.1', '2.1', '2.93'));
    if (path === '/volume/') return json(response, versions('v3.0', '3.0', '3.70'), 300);
    json(response, {});
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  toClose.push({
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
  return { origin, requests, logins };
}

/** Keeps the answer back: silence. */
export function silence(response: ServerResponse): void {
  Object.assign(response, { held: true });
}

export const versions = (id: string, least: string, most: string) => ({
  versions: [{ id, status: 'CURRENT', min_version: least, version: most }],
});

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function configFor(origin: string, fields: Partial<PlatformConfig> = {}): PlatformConfig {
  return {
    id: 'p1',
    name: 'small',
    kind: 'openstack',
    serviceUrl: `${origin}/identity/v3`,
    credentials: { username: 'admin', password: 'open-sesame' },
    ...fields,
    settings: { requestTimeoutMs: 20_000, callsPerSecond: 5000, ...fields.settings },
  };
}

/** The adapter's account at such a server; closed after the test. */
export async function accountAt(answer: Answer = () => {}, fields: Partial<PlatformConfig> = {}) {
  const cloud = await smallCloud(answer);
  const account = openAccount(configFor(cloud.origin, fields));
  toClose.push(account.client);
  return { cloud, account, client: account.client };
}
