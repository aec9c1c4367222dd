import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.js';
import { startApi } from '../http/support.js';
import { fakeIo } from './support.js';

const sample = fileURLToPath(new URL('../fixtures/work-orders/order-23.json', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'orderwright-levers-'));

let api: Awaited<ReturnType<typeof startApi>>;
let url: string;
let count = 0;
beforeAll(async () => {
  api = await startApi({ withEngine: true });
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.engine.stop();
  await api.stop();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]) {
  const io = fakeIo({ env: { ORDERWRIGHT_URL: url } });
  const exitCode = await runCommand(args, io);
  return { exitCode, out: io.written.join('\n'), err: io.complained.join('\n') };
}

/** A file with an order of its own. */
function orderFile(damage: (text: string) => string = (text) => text): { path: string; id: string } {
  const id = `WO-cli-${++count}`;
  const text = readFileSync(sample, 'utf8').replaceAll(/"resourceId": ?"/g, (found) => `${found}${count}-`);
  const order = JSON.parse(text) as { workOrderId: string };
  const path = join(folder, `${id}.json`);
  writeFileSync(path, damage(JSON.stringify({ ...order, workOrderId: id })));
  return { path, id };
}

async function submitted(): Promise<string> {
  const { path, id } = orderFile();
  expect((await run('submit', path)).exitCode).toBe(0);
  return id;
}

describe('orders cancel, hold, resume, replay', () => {
  test('say what they would do, then do it, and show up in the audit', async () => {
    const id = await submitted();
    const said = await run('orders', 'cancel', id, '--reason', 'changed their mind', '--dry-run');
    expect(said).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/cancel would do this:[^]*given-up[^]*The order would be cancelled/),
    });
    const done = await run('orders', 'cancel', id, '--reason', 'changed their mind');
    expect(done.out).toContain('cancel: done');
    expect((await run('orders', 'show', id)).out).toContain('cancelled');
    expect((await run('orders', 'audit', id)).out).toMatch(/local +orders\.cancel +changed their mind/);
  });

  test('ask for a reason, and say why they mean nothing', async () => {
    const id = await submitted();
    expect(await run('orders', 'hold', id)).toMatchObject({ exitCode: 64, err: expect.stringContaining('--reason') });
    const refused = await run('orders', 'replay', id, '--reason', 'x');
    expect(refused).toMatchObject({ exitCode: 1, err: expect.stringContaining('OPS_REPLAY_STATE') });
    expect(await run('orders', 'replay', '--reason', 'x')).toMatchObject({ exitCode: 64 });
  });

  test('print JSON when asked', async () => {
    const id = await submitted();
    const { out } = await run('orders', 'hold', id, '--reason', 'tonight', '--json');
    expect(JSON.parse(out)).toMatchObject({ workOrderId: id, act: 'hold', pulled: true, outcome: { status: 'held' } });
    expect((await run('orders', 'resume', id, '--reason', 'morning')).exitCode).toBe(0);
  });

  test('replay many after the totals were seen', async () => {
    const said = await run('orders', 'replay', '--all', '--status', 'held', '--reason', 'x', '--dry-run');
    expect(said.out).toMatch(/0 can be replayed[^]*--expected 0 instead of --dry-run/);
    expect((await run('orders', 'replay', '--all', '--reason', 'x', '--expected', '3')).err).toContain(
      'OPS_VERSION_STALE',
    );
  });

  test('know items', async () => {
    const id = await submitted();
    expect((await run('orders', 'skip', id, '77', '--reason', 'x')).err).toContain('no such item');
    const marked = await run('orders', 'mark-done', id, '19', '--resource-id', 'vm-1', '--reason', 'x');
    expect(marked).toMatchObject({ exitCode: 1, err: expect.stringContaining('OPS_LEVER_STATE') });
  });
});

describe('rejected resubmit', () => {
  test('sends an edited copy of what was set aside', async () => {
    const good = orderFile();
    const bad = orderFile((text) => text.replace('"workOrderItems":', '"workOrderItems"'));
    const { err } = await run('submit', bad.path);
    const messageId = /kept as message (\S+);/.exec(err)?.[1] ?? '';
    const said = await run('rejected', 'resubmit', messageId, '--file', good.path, '--reason', 'colon', '--dry-run');
    expect(said.out).toMatch(/^accepted {2}the edited copy[^]*a dry run/);
    const done = await run('rejected', 'resubmit', messageId, '--file', good.path, '--reason', 'colon');
    expect(done.out).toMatch(/Kept as message [0-9a-f-]{36}/);
    expect((await run('orders', 'show', good.id)).exitCode).toBe(0);
  });
});

describe('orphans adopt, destroy', () => {
  test('decide about what is left over', async () => {
    const id = await submitted();
    await api.pool.query(
      `insert into orphan (platform_id, resource_id, operation, marker, order_id)
       select 'dc-1', 'left-over', 'ebs.create', 'ow-0123456789abcdef', order_id from work_order where work_order_id = $1`,
      [id],
    );
    expect((await run('orphans', 'destroy', 'nobody', '--reason', 'x')).err).toContain('There is no orphan "nobody"');
    expect((await run('orphans', 'adopt', 'left-over', '--reason', 'ours', '--dry-run')).out).toContain(
      'would be adopted',
    );
    expect((await run('orphans', 'adopt', 'left-over', '--reason', 'ours')).out).toContain('is adopted');
    expect((await run('orphans', 'list')).out).toMatch(/left-over .*second of one marker +adopted/);
    expect((await run('orphans', 'adopt', 'left-over', '--reason', 'ours')).err).toContain('OPS_LEVER_STATE');
  });
});
