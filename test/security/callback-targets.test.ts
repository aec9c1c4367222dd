/** reliability.md 6.1 and 6.2: where callbacks never go, by real sockets. The forty addresses: test/publishers/url-guard.test.ts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sendCallback } from '../../src/publishers/send-callback.js';
import { parseAllowList } from '../../src/publishers/url-guard.js';

const servers: Server[] = [];
async function listen(answer: (path: string) => { status: number; headers?: Record<string, string> }) {
  const seen = { connections: 0, bodies: [] as string[] };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.bodies.push(body);
      const { status, headers = {} } = answer(request.url ?? '');
      response.writeHead(status, headers).end();
    });
  });
  server.on('connection', () => (seen.connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { seen, port: (server.address() as AddressInfo).port };
}
let inside: Awaited<ReturnType<typeof listen>>;
beforeEach(async () => {
  inside = await listen(() => ({ status: 200 }));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const secrets = [`whsec_${Buffer.alloc(32, 9).toString('base64')}`];
const send = (url: string, allow: string, resolve?: (name: string) => Promise<string[]>) =>
  sendCallback({
    url,
    eventId: 'e1',
    body: '{"password-free":true}',
    secrets,
    unsigned: false,
    allow: parseAllowList(allow).rules,
    now: new Date(),
    timeoutMs: 2_000,
    ...(resolve && { resolve }),
  });

describe('a callback to an allowed name', () => {
  it.each([
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.0.0.7',
    '169.254.169.254',
    '0.0.0.0',
    '64:ff9b::7f00:1',
    'fe80::1',
  ])('makes no connection when the name leads inward, to %s', async (address) => {
    const answer = await send(`http://billing.example.com:${inside.port}/`, 'billing.example.com', async () => [
      address,
    ]);
    expect(answer).toMatchObject({ result: 'refused', reason: expect.stringContaining('URL_DNS_FORBIDDEN') });
    expect(inside.seen.connections).toBe(0);
  });

  it('makes no connection when one good address hides an inward one', async () => {
    const answer = await send(`http://billing.example.com:${inside.port}/`, 'billing.example.com', async () => [
      '93.184.216.34',
      '127.0.0.1',
    ]);
    expect(answer.result).toBe('refused');
    expect(inside.seen.connections).toBe(0);
  });

  it('goes to what was checked when the name leads inward a moment later', async () => {
    const allowed = await listen(() => ({ status: 204 }));
    let asked = 0;
    const answer = await send(
      `http://billing.example.com:${allowed.port}/`,
      `billing.example.com,127.0.0.1:${allowed.port}`,
      async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']),
    );
    expect(answer).toMatchObject({ result: 'accepted' });
    expect([asked, allowed.seen.connections]).toEqual([1, 1]);
  });
});

describe('a callback that is redirected', () => {
  it.each([301, 302, 303, 307, 308])('inward by a %i is a failure: nothing follows, body and all', async (status) => {
    const billing = await listen(() => ({ status, headers: { location: `http://127.0.0.1:${inside.port}/admin` } }));
    const answer = await send(`http://127.0.0.1:${billing.port}/`, `127.0.0.1:${billing.port}`);
    expect(answer).toMatchObject({ result: 'retry', status });
    expect([billing.seen.connections, inside.seen.connections]).toEqual([1, 0]);
  });
});

describe('a port', () => {
  it('beside the allowed one is not reached', async () => {
    expect(await send(`http://127.0.0.1:${inside.port}/`, '127.0.0.1:1')).toMatchObject({ result: 'refused' });
    expect(inside.seen.connections).toBe(0);
  });

  it('that is allowed is', async () => {
    expect(await send(`http://127.0.0.1:${inside.port}/`, `127.0.0.1:${inside.port}`)).toMatchObject({
      result: 'accepted',
    });
    expect(inside.seen).toEqual({ connections: 1, bodies: ['{"password-free":true}'] });
  });
});
