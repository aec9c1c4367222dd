import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { apiUrl } from '../../src/cli/api.js';
import { contentTypeOf } from '../../src/cli/commands/submit.js';
import { runCommand } from '../../src/cli/program.js';
import { fixture, startApi, token } from '../http/support.js';
import { fakeIo } from './support.js';

const file = (name: string) => fileURLToPath(new URL(`../fixtures/work-orders/${name}`, import.meta.url));

let api: Awaited<ReturnType<typeof startApi>>;
let url: string;
beforeAll(async () => {
  api = await startApi({ requireToken: true });
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => api.stop());

/** Runs a command against the API of this test. */
async function run(...args: string[]) {
  const io = fakeIo({ env: { ORDERWRIGHT_URL: url, ORDERWRIGHT_API_TOKEN: token } });
  const exitCode = await runCommand(args, io);
  return { exitCode, out: io.written.join('\n'), err: io.complained.join('\n') };
}

describe('submit', () => {
  test('hands a file in and says what became of it', async () => {
    expect(await run('submit', file('order-86.json'))).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^✔ WO\w+ accepted/),
    });
    expect(await run('submit', file('order-86.form.txt'))).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('is the same order again'),
    });
    const held = await run('submit', file('order-84-hand-edited.json'));
    expect(held).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^⏸ WO\w+ accepted and held\n.*106/) });
  });

  test('ends with 1 when it was refused, and says what to look at', async () => {
    const { exitCode, out, err } = await run('submit', file('order-23-broken-quotes.txt'));
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toMatch(/MSG_JSON_SYNTAX[^]*kept as message [0-9a-f-]{36}/);
    const list = await run('rejected', 'list');
    expect(list.out).toMatch(/set-aside +MSG_JSON_SYNTAX .*cli order-23-broken-quotes\.txt/);
    const id = /kept as message (\S+);/.exec(err)?.[1] ?? '';
    expect((await run('rejected', 'show', id)).out).toContain('a mended text is kept');
  });

  test('reads standard input, and prints JSON when asked', async () => {
    const io = fakeIo({
      env: { ORDERWRIGHT_URL: url, ORDERWRIGHT_API_TOKEN: token },
      stdin: (async function* () {
        yield fixture('order-60.json');
      })(),
    });
    expect(await runCommand(['submit', '-', '--json'], io)).toBe(0);
    expect(JSON.parse(io.written.join('\n'))).toMatchObject({ verdict: 'accepted', duplicate: false });
  });

  test('says when a file cannot be read', async () => {
    expect(await run('submit', '/nowhere')).toMatchObject({ exitCode: 1, err: '/nowhere cannot be read (ENOENT).' });
  });

  test('knows a form from text', () => {
    expect(contentTypeOf(Buffer.from('msg=%7B'))).toBe('application/x-www-form-urlencoded');
    expect(contentTypeOf(Buffer.from(' {"msg": "a=b"}'))).toBe('application/json');
    expect(contentTypeOf(Buffer.from("{u'msg': 1}"))).toBe('application/json');
  });
});

describe('reading commands', () => {
  test('print what the API answers as JSON, or as a table', async () => {
    const { orders } = JSON.parse((await run('orders', 'list', '--json')).out) as { orders: { workOrderId: string }[] };
    expect(orders).toHaveLength(3);
    const { out } = await run('orders', 'list', '--status', 'held');
    expect(out.split('\n')).toHaveLength(2);
    expect(out).toMatch(/^ORDER +STATUS +ITEMS/);
    const id = orders[0]?.workOrderId ?? '';
    expect(JSON.parse((await run('orders', 'show', id, '--json')).out)).toMatchObject({
      workOrderId: id,
      items: expect.any(Array),
    });
    expect((await run('orders', 'show', id)).out).toContain('waits for');
    expect((await run('orders', 'timeline', id)).out).toContain('Accepted from cli');
    expect((await run('orders', 'plan', id)).out).toContain('There is no plan.');
    expect((await run('platforms', 'list')).out).toContain('Beijing-1');
    expect((await run('platforms', 'show', 'Beijing-1', '--json')).out).not.toContain('hunter2');
    expect((await run('jobs', 'list')).out).toBe('No job is under way.');
    expect((await run('orphans', 'list')).out).toMatch(
      /^Nothing is listed\.\nLooked at everything that 0 ended orders made/,
    );
  });

  test('end with 1 for what is not there', async () => {
    expect(await run('orders', 'show', 'WO0')).toMatchObject({
      exitCode: 1,
      out: '',
      err: expect.stringContaining('API_NOT_FOUND'),
    });
    expect(await run('platforms', 'show', 'x')).toMatchObject({ exitCode: 1 });
  });

  test('say that nothing answers, and what to do', async () => {
    const io = fakeIo();
    expect(await runCommand(['orders', 'list', '--url', 'http://127.0.0.1:9'], io)).toBe(1);
    expect(io.complained.join('')).toMatch(/Nothing answers at http:\/\/127\.0\.0\.1:9.*orderwright up/);
  });

  test('watch ends with 2 on an order that a person has to look at', async () => {
    const { orders } = JSON.parse((await run('orders', 'list', '--status', 'held', '--json')).out) as {
      orders: { workOrderId: string }[];
    };
    const { exitCode, out } = await run('orders', 'watch', orders[0]?.workOrderId ?? '');
    expect(exitCode).toBe(2);
    expect(out).toMatch(/ held: .*106/);
  });
});

describe('bad usage ends with 64', () => {
  test.each([
    [],
    ['nonsense'],
    ['orders'],
    ['orders', 'show'],
    ['submit'],
    ['orders', 'list', '--colour'],
    ['up', '--port', 'x'],
    ['simulate', 'azure'],
    ['simulate', 'cloudstack', '--latency', '9-1'],
  ])('%p %p %p', async (...args: string[]) => {
    expect((await run(...args.filter((one) => typeof one === 'string'))).exitCode).toBe(64);
  });

  test('and help does not', async () => {
    expect(await run('--help')).toMatchObject({ exitCode: 0, out: expect.stringContaining('Usage: orderwright') });
    expect(await run('orders', 'list', '--help')).toMatchObject({ exitCode: 0 });
    expect((await run('--version')).exitCode).toBe(0);
  });
});

describe('the address of the API', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orderwright-cli-'));

  test('is the one given, else the environment, else what "up" left here, else the default', () => {
    expect(apiUrl({ data: folder }, {})).toBe('http://127.0.0.1:8080');
    writeFileSync(join(folder, 'up.json'), JSON.stringify({ url: 'http://127.0.0.1:4711', pid: 1 }));
    expect(apiUrl({ data: folder }, {})).toBe('http://127.0.0.1:4711');
    expect(apiUrl({ data: folder }, { ORDERWRIGHT_URL: 'http://there:1/' })).toBe('http://there:1');
    expect(apiUrl({ data: folder, url: 'https://here' }, { ORDERWRIGHT_URL: 'http://there:1' })).toBe('https://here');
  });

  test('is not a file', () => {
    expect(() => apiUrl({ url: 'file:///etc/passwd' }, {})).toThrow(/not an address/);
  });
});

test('doctor looks at what is needed and keeps secrets to itself', async () => {
  const io = fakeIo({ env: { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/x', ORDERWRIGHT_SECRET_KEY: 'short' } });
  expect(await runCommand(['doctor', '--json'], io)).toBe(1);
  const text = io.written.join('\n');
  expect(text).not.toContain('hunter2');
  const { checks, variables } = JSON.parse(text) as {
    checks: { what: string; ok: boolean; advice?: string }[];
    variables: { variable: string; problem: string | null }[];
  };
  expect(checks.find((one) => one.what === 'database')).toMatchObject({
    ok: false,
    advice: expect.stringContaining('DATABASE_URL'),
  });
  expect(checks.find((one) => one.what === 'secret key')).toMatchObject({ ok: false });
  expect(checks.find((one) => one.what === 'Node.js')).toMatchObject({ ok: true });
  expect(variables.find((one) => one.variable === 'ORDERWRIGHT_API_TOKENS')?.problem).toMatch(/is not set/);
});
