import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AllowRule, guardedRequest, parseAllowList } from '../../src/publishers/url-guard.js';

const allow = (text: string): AllowRule[] => {
  const { rules, problems } = parseAllowList(text);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return rules;
};
const send = (url: string, rules: AllowRule[], more: Partial<Parameters<typeof guardedRequest>[0]> = {}) =>
  guardedRequest({ url, allow: rules, headers: {}, body: '{}', ...more });

/** Something that listens and must not be reached. */
let connections = 0;
const trap = createTcpServer((socket) => {
  connections += 1;
  socket.destroy();
});
let trapPort = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  trapPort = (trap.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => trap.close(resolve)));

describe('a guarded request', () => {
  const serve = async (listener: RequestListener, run: (port: number) => Promise<void>) => {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await run((server.address() as AddressInfo).port);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  it('posts to an allowed address', async () => {
    const received: unknown[] = [];
    const listener: RequestListener = (incoming, answer) => {
      received.push([incoming.method, incoming.url, incoming.headers.host]);
      answer.writeHead(202, { 'retry-after': '7' }).end('thanks');
    };
    await serve(listener, async (port) => {
      const answer = await send(`http://127.0.0.1:${port}/hook?a=b`, allow(`127.0.0.1:${port}`));
      expect(answer).toEqual({ state: 'answered', status: 202, retryAfter: '7', bytesRead: 6 });
      expect(received).toEqual([['POST', '/hook?a=b', `127.0.0.1:${port}`]]);
    });
  });

  it('goes to the address that was checked, even when the name leads elsewhere a moment later', async () => {
    const hosts: unknown[] = [];
    const listener: RequestListener = (incoming, answer) => {
      hosts.push(incoming.headers.host);
      answer.end();
    };
    await serve(listener, async (port) => {
      let asked = 0;
      const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']);
      const rules = allow(`billing.example.com,127.0.0.1:${port}`);
      expect(await send(`http://billing.example.com:${port}/`, rules, { resolve })).toMatchObject({
        state: 'answered',
      });
      expect([asked, hosts]).toEqual([1, [`billing.example.com:${port}`]]);
    });
  });

  it('does not connect when one of several addresses is not allowed', async () => {
    const before = connections;
    const rules = allow('billing.example.com,127.0.0.1');
    const resolve = async () => ['127.0.0.1', '127.0.0.2'];
    const answer = await send(`http://billing.example.com:${trapPort}/`, rules, { resolve });
    expect(answer).toMatchObject({
      state: 'refused',
      code: 'URL_DNS_FORBIDDEN',
      message: expect.stringContaining('127.0.0.2'),
    });
    expect(connections).toBe(before);
  });

  it('does not take an address with a zone, or something else, from a resolver', async () => {
    for (const address of ['fe80::1%eth0', '127.1', '']) {
      const answer = await send('http://billing.example.com/', allow('billing.example.com'), {
        resolve: async () => [address],
      });
      expect(answer).toMatchObject({ state: 'refused', code: 'URL_DNS_FORBIDDEN' });
    }
  });

  it('does not follow a redirect, not even to where it may go', async () => {
    let calls = 0;
    const listener: RequestListener = (_incoming, answer) => {
      calls += 1;
      answer.writeHead(307, { location: '/again' }).end();
    };
    await serve(listener, async (port) => {
      const answer = await send(`http://127.0.0.1:${port}/`, allow('127.0.0.1'));
      expect(answer).toMatchObject({ state: 'answered', status: 307 });
      expect(calls).toBe(1);
    });
  });

  it('does not ask a proxy of the environment', async () => {
    const before = connections;
    process.env['http_proxy'] = process.env['HTTP_PROXY'] = `http://127.0.0.1:${trapPort}`;
    try {
      await serve(
        (_incoming, answer) => answer.end(),
        async (port) => {
          expect(await send(`http://127.0.0.1:${port}/`, allow('127.0.0.1'))).toMatchObject({ state: 'answered' });
        },
      );
    } finally {
      delete process.env['http_proxy'];
      delete process.env['HTTP_PROXY'];
    }
    expect(connections).toBe(before);
  });

  it('takes no more than 64 KiB of an endless answer', async () => {
    const listener: RequestListener = (_incoming, answer) => {
      const write = () => {
        while (answer.write(Buffer.alloc(16_384)));
        answer.once('drain', write);
      };
      write();
    };
    await serve(listener, async (port) => {
      const answer = await send(`http://127.0.0.1:${port}/`, allow('127.0.0.1'));
      expect(answer).toMatchObject({ state: 'answered', status: 200, bytesRead: 65_536 });
    });
  });

  it('gives up when nothing comes in time: no answer, or no address', async () => {
    await serve(
      () => {},
      async (port) => {
        const answer = await send(`http://127.0.0.1:${port}/`, allow('127.0.0.1'), { timeoutMs: 100 });
        expect(answer).toEqual({ state: 'failed', message: 'no answer in time' });
      },
    );
    const resolve = () => new Promise<string[]>(() => {});
    const answer = await send('http://billing.example.com/', allow('billing.example.com'), { resolve, timeoutMs: 50 });
    expect(answer).toEqual({ state: 'failed', message: 'no answer in time' });
  });

  it('says with a short code why there was no answer', async () => {
    const before = connections;
    expect(await send(`http://127.0.0.1:${trapPort}/`, allow('127.0.0.1'))).toMatchObject({ state: 'failed' });
    expect(connections).toBe(before + 1);
    const resolve = async () => [];
    const answer = await send('http://billing.example.com/', allow('billing.example.com'), { resolve });
    expect(answer).toEqual({ state: 'failed', message: 'billing.example.com has no address' });
  });
});
