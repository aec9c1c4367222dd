import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.js';
import { startApi } from '../http/support.js';
import { fakeIo } from './support.js';

let api: Awaited<ReturnType<typeof startApi>>;
let url: string;
beforeAll(async () => {
  api = await startApi();
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  await api.registrar.becomes('ann', 'dc-1', { state: 'registered' });
  await api.registrar.becomes('bob', 'dc-1', { state: 'waiting', wanted: 'unregistered', detail: 'a disk is there' });
  await api.registrar.becomes('eve\u001b[31m', 'dc-1', { state: 'failed', detail: 'said \u001b[2Jthe cloud' });
});
afterAll(() => api.stop());

async function run(...args: string[]) {
  const io = fakeIo({ env: { ORDERWRIGHT_URL: url } });
  const exitCode = await runCommand(['registrations', ...args], io);
  return { exitCode, lines: io.written, err: io.complained.join('\n') };
}

describe('registrations', () => {
  test('list shows how each stands, where it goes and why it waits', async () => {
    const { exitCode, lines } = await run('list');
    expect(exitCode).toBe(0);
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['USER', 'PLATFORM', 'STATE'],
      ['ann', 'Beijing-1', 'registered'],
      ['bob', 'Beijing-1', 'waiting'],
      [expect.stringContaining('eve'), 'Beijing-1', 'failed'],
    ]);
    expect(lines[2]).toMatch(/waiting +unregistered .* a disk is there$/);
    expect(lines.join()).not.toContain('\u001b');
  });

  test('list takes a user, a platform by its name, a state, and a page', async () => {
    const usersOf = async (...args: string[]) => {
      const { registrations, nextCursor } = JSON.parse((await run('list', '--json', ...args)).lines.join('\n')) as {
        registrations: { userId: string }[];
        nextCursor: string | null;
      };
      return { users: registrations.map(({ userId }) => userId), nextCursor };
    };
    expect((await usersOf('--user', 'bob')).users).toEqual(['bob']);
    expect((await usersOf('--state', 'registered', '--platform', 'Beijing-1')).users).toEqual(['ann']);
    const first = await usersOf('--limit', '1');
    expect(first.users).toEqual(['ann']);
    expect((await run('list', '--limit', '1')).lines.join()).toContain(`--cursor ${first.nextCursor}`);
    expect((await usersOf('--limit', '1', '--cursor', first.nextCursor ?? '')).users).toEqual(['bob']);
    expect((await run('list', '--state', 'lost')).exitCode).toBe(1);
    expect((await run('list', '--user', 'nobody')).lines).toEqual(['No registrations.']);
  });

  test('register and unregister say what is wanted now, and want a reason', async () => {
    await api.pool.query(`insert into tenant (user_id, account_id, username) values ('joe', 'a', 'joe')`);
    const there = ['joe', '--platform', 'Beijing-1', '--reason', 'ticket 17'];
    const made = await run('register', ...there, '--with-network');
    expect([made.exitCode, made.lines[0]]).toEqual([0, 'joe in Beijing-1: to be registered, asked']);
    expect(made.lines[1]).toContain('registrations list --user joe');
    expect((await run('unregister', ...there)).lines[0]).toBe('joe in Beijing-1: to be unregistered, asked');
    expect(api.registrar.calls).toEqual([
      {
        act: 'register',
        who: { userIds: ['joe'], platformIds: ['dc-1'] },
        by: { actor: 'local', reason: 'ticket 17' },
        options: { withNetwork: true },
      },
      {
        act: 'unregister',
        who: { userIds: ['joe'], platformIds: ['dc-1'] },
        by: { actor: 'local', reason: 'ticket 17' },
      },
    ]);
    expect((await run('register', 'joe', '--platform', 'Beijing-1')).exitCode).toBe(64);
    const nobody = await run('register', 'mistyped', '--platform', 'dc-1', '--reason', 'x');
    expect([nobody.exitCode, nobody.err]).toEqual([1, expect.stringContaining('No user was created with this id')]);
    expect((await run('register', 'joe', '--platform', 'nowhere', '--reason', 'x')).exitCode).toBe(1);
  });
});
