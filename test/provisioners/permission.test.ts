import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Http, openHttp } from '../../src/provisioners/http.js';
import { type Permission, withoutPermission, withPermission } from '../../src/provisioners/permission.js';
import { until } from '../store/support.js';

describe('a request of work that needs a permission', () => {
  let server: Server;
  let url: string;
  let http: Http;
  let arrived: string[];
  let release: () => void;
  beforeEach(async () => {
    arrived = [];
    // The first answer waits for `release`, so that what is asked meanwhile waits for the only connection.
    const held = new Promise<void>((resolve) => (release = resolve));
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        arrived.push(`${request.headers['content-length']} ${body}`);
        void (arrived.length === 1 ? held : Promise.resolve()).then(() => response.end('{}'));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    http = openHttp({ connections: 1, timeoutMs: 5_000 });
  });
  afterEach(async () => {
    await http.close();
    server.close();
  });
  const always: Permission = { now: () => true, later: () => Promise.reject(new Error('nobody asks')) };

  it('leaves as it is while there is one', async () => {
    release();
    expect(await withPermission(always, () => http.post(url, 'née=1'))).toMatchObject({ status: 200 });
    expect(arrived).toEqual(['6 née=1']);
  });

  it('is asked again when its connection is ready, and does not leave when the permission is gone by then', async () => {
    const first = http.post(url, 'first=1');
    let mine = true;
    const gone = new Error('the order belongs to another worker');
    const permission = { now: () => mine, later: () => Promise.reject(gone) };
    const second = withPermission(permission, () => http.post(url, 'second=2'));
    const refused = expect(second).rejects.toBe(gone);
    mine = false;
    release();
    await Promise.all([first, refused]);
    // The connection is closed with the request; the next one is as good as new.
    expect(await http.post(url, 'third=3')).toMatchObject({ status: 200 });
    expect(arrived).toEqual(['7 first=1', '7 third=3']);
  });

  it('waits for a permission that is in doubt, and leaves once it is certain', async () => {
    release();
    let [asking, certain] = [false, () => {}];
    const later = (): Promise<void> => {
      asking = true;
      return new Promise((resolve) => (certain = resolve));
    };
    const asked = withPermission({ now: () => false, later }, () => http.post(url, 'a=1'));
    await until('it asks', () => asking);
    expect(arrived).toEqual([]);
    certain();
    expect(await asked).toMatchObject({ status: 200 });
    expect(arrived).toEqual(['3 a=1']);
  });

  it('needs none of its own when it is none of that work', async () => {
    release();
    await withPermission({ now: () => false, later: () => Promise.reject(new Error('no')) }, () => Promise.resolve());
    expect(await http.post(url, 'a=1')).toMatchObject({ status: 200 });
  });

  it('is not asked for what the work sets off for others', async () => {
    release();
    const gone: Permission = { now: () => false, later: () => Promise.reject(new Error('gone')) };
    const other = () => http.post(url, 'other=1');
    await withPermission(gone, async () => {
      await expect(other()).rejects.toThrow('gone');
      expect(await withoutPermission(other)).toMatchObject({ status: 200 });
    });
  });
});
