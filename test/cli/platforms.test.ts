import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.js';
import { startSimulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { startApi } from '../http/support.js';
import { fakeIo } from './support.js';

const keys = { apiKey: 'api-key-of-the-command', secretKey: 'secret-key-of-the-command' };
const folder = mkdtempSync(join(tmpdir(), 'orderwright-platforms-'));

let api: Awaited<ReturnType<typeof startApi>>;
let cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>;
let url: string;
let count = 0;
beforeAll(async () => {
  cloud = await startSimulatedCloudStack(keys);
  api = await startApi();
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.stop();
  await cloud.close();
  rmSync(folder, { recursive: true });
});

async function runWith(change: Parameters<typeof fakeIo>[0], ...args: string[]) {
  const io = fakeIo({ ...change, env: { ORDERWRIGHT_URL: url, ...change?.env } });
  const exitCode = await runCommand(['platforms', ...args], io);
  return { exitCode, out: io.written.join('\n'), err: io.complained.join('\n') };
}
const run = (...args: string[]) => runWith({}, ...args);

function file(content: unknown): string {
  const path = join(folder, `${++count}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const inFile = () => ['--credentials-file', file(keys)];
/** @returns its id */
async function added(...more: string[]): Promise<string> {
  const id = `cli-${++count}`;
  const args = ['add', id, '--kind', 'cloudstack', '--name', `Hall ${count}`, '--service-url', cloud.serviceUrl];
  const { exitCode, err } = await run(...args, ...inFile(), ...more);
  if (exitCode !== 0) throw new Error(err);
  return id;
}

describe('platforms add', () => {
  const args = (id: string) => ['add', id, '--kind', 'cloudstack', '--name', id, '--service-url', cloud.serviceUrl];

  test('takes credentials from a file, from standard input or from the environment, and shows none', async () => {
    const stdin = (async function* () {
      yield Buffer.from(JSON.stringify(keys));
    })();
    const ways = [
      await run(...args('by-file'), ...inFile()),
      await runWith({ stdin }, ...args('by-stdin'), '--credentials-file', '-'),
      await runWith({ env: { ORDERWRIGHT_PLATFORM_CREDENTIALS: JSON.stringify(keys) } }, ...args('by-env')),
    ];
    for (const { exitCode, out, err } of ways) {
      expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
      expect(out).toMatch(/^Added: by-\w+/);
      expect(out).not.toMatch(/key-of-the-command/);
    }
    for (const id of ['by-file', 'by-stdin', 'by-env']) expect((await run('check', id)).exitCode).toBe(0);
  });

  test('has no option for credentials, and its help says why and how', async () => {
    const { out } = await run('add', '--help');
    expect(out).toContain('never given on the command line');
    expect(out).toContain('ORDERWRIGHT_PLATFORM_CREDENTIALS');
    expect(out).not.toMatch(/--(credentials|password|secret|api-key)[ =]/);
    expect((await run(...args('x'), '--credentials', JSON.stringify(keys))).exitCode).toBe(64);
  });

  test('says what is wrong with its place, and repeats no file that may hold a credential', async () => {
    const bad = await run(...args('bad'), ...inFile(), '--settings-file', file({ zoneID: 'z' }));
    expect(bad).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/CFG_PLATFORM_SETTINGS[^]*settings: .*zoneID/),
    });
    const cut = await run(...args('cut'), '--credentials-file', file('{"secretKey": "hunter2-in-the-file",'));
    expect(cut).toMatchObject({ exitCode: 1, err: expect.stringContaining('is not JSON') });
    expect(cut.err).not.toContain('hunter2');
    expect((await run(...args('none'))).err).toMatch(/credentials: /);
    expect((await run(...args('none'), '--credentials-file', '/nowhere')).err).toContain('ENOENT');
  });
});

describe('platforms show, edit, check', () => {
  test('show by id or name everything but the credentials', async () => {
    const id = await added(
      '--region',
      'north',
      '--settings-file',
      file({ createOfferings: true, maps: { diskTypes: { SATA: 'SATA' } } }),
    );
    const { out } = await run('show', id);
    expect(out).toMatch(/region +north[^]*maps\.diskTypes +\{"SATA":"SATA"\}[^]*settings\.createOfferings +true/);
    expect(out).toMatch(/not used +region/);
    const json = JSON.parse((await run('show', id, '--json')).out) as { name: string; id: string };
    expect(JSON.parse((await run('show', json.name, '--json')).out)).toEqual(json);
    expect((await run('list')).out).toContain(id);
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({ platforms: expect.any(Array) });
  });

  test('edit replaces what is given, on the version that was looked at', async () => {
    const id = await added();
    expect(await run('edit', id, '--name', 'x')).toMatchObject({
      exitCode: 64,
      err: expect.stringContaining('--reason'),
    });
    const edited = await run('edit', id, '--short-name', 'h1', '--reason', 'shorter', '--if-version', '1', '--json');
    expect(JSON.parse(edited.out)).toMatchObject({ shortName: 'h1', version: 2 });
    const stale = await run('edit', id, '--short-name', 'h2', '--reason', 'x', '--if-version', '1');
    expect(stale).toMatchObject({ exitCode: 1, err: expect.stringContaining('OPS_VERSION_STALE') });
  });

  test('check prints a line for each thing, and ends with 1 when one is missing', async () => {
    const id = await added();
    const good = await run('check', id);
    expect(good).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^✔ login +CloudStack 4\.22/) });
    await run('edit', id, '--settings-file', file({ zoneId: 'nowhere' }), '--reason', 'x');
    const bad = await run('check', id);
    expect(bad).toMatchObject({ exitCode: 1, out: expect.stringMatching(/✔ login[^]*✖ zone +"nowhere" is not there/) });
    await run('edit', id, '--credentials-file', file({ ...keys, secretKey: 'wrong-key' }), '--reason', 'x');
    const refused = await run('check', id, '--json');
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ ok: false, lines: [{ what: 'login', ok: false }] });
  });
});

describe('platforms maintenance, disable, enable, remove', () => {
  test('ask for a reason, and say what became of it', async () => {
    const id = await added();
    expect((await run('disable', id)).exitCode).toBe(64);
    expect((await run('maintenance', id, '--reason', 'new disks')).out).toMatch(/: maintenance$/);
    expect((await run('show', id)).out).toMatch(/state +maintenance, since .*, new disks/);
    expect((await run('disable', id, '--reason', 'closed')).out).toMatch(/: disabled$/);
    expect((await run('enable', id, '--reason', 'open')).out).toMatch(/: open$/);
    expect((await run('remove', id, '--reason', 'sold')).out).toMatch(/: removed$/);
    expect(await run('show', id)).toMatchObject({ exitCode: 1, err: expect.stringContaining('There is no platform') });
  });
});

describe('platforms import', () => {
  const platform = (platformId: string, change: object = {}) => ({
    platformId,
    name: platformId,
    kind: 'cloudstack',
    serviceUrl: cloud.serviceUrl,
    credentials: keys,
    ...change,
  });

  test('adds what is not there yet, leaves what is, and ends with 1 when one is refused', async () => {
    const good = file([platform('i-1'), platform('i-2')]);
    expect(await run('import', good, '--reason', 'the first two')).toMatchObject({
      exitCode: 0,
      out: 'i-1: added\ni-2: added',
    });
    const again = await run(
      'import',
      file([platform('i-2', { name: 'renamed' }), platform('i-3', { kind: 'stratus' })]),
    );
    expect(again).toMatchObject({
      exitCode: 1,
      out: 'i-2: is there already, left as it is\ni-3: refused',
      err: expect.stringContaining('CFG_PLATFORM_SETTINGS'),
    });
    expect(JSON.parse((await run('show', 'i-2', '--json')).out)).toMatchObject({ name: 'i-2', version: 1 });
    expect((await run('import', file({}))).err).toContain('is not a JSON array');
  });
});
