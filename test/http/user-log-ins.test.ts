import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { PasswordGate } from '../../src/tenants/password-gate.js';
import { Passwords } from '../../src/tenants/passwords.js';
import { guises } from '../invariants/guises.js';
import { startApi } from './support.js';
import {
  act,
  type Answer,
  api,
  auditOf,
  created,
  newUser,
  pathsOf,
  post,
  resultsOf,
  rowOf,
  serveUsers,
  waited,
} from './user-support.js';

serveUsers();

describe('logging in', () => {
  const logIn = (username: string, password = 'a pass phrase of mine') => act('login_user', { username, password });

  test('works by name or by address, whatever the case of their letters, and shows nothing personal', async () => {
    const { id, user, given } = await created();
    for (const name of [given.username, given.email, ` ${given.username.toUpperCase()} `]) {
      const answer = await logIn(name);
      expect(answer.json).toMatchObject({ msg: 'login_user', errcode: 0, results: { id, ct_user_id: user } });
      expect(resultsOf(answer)).not.toHaveProperty('email');
    }
    expect((await rowOf(user))['logged_in_at']).toEqual(expect.any(String));
    expect((await auditOf(user)).at(-1)).toMatchObject({ action: 'users.log-in', detail: {} });
  });

  test('gives one and the same answer to a wrong password, an unknown name, and a user who may not', async () => {
    const [known, off, gone] = [await created(), await created(), await created()];
    await act('deactivate_user', { user_id: off.user });
    await post('delete', { id: gone.id });
    const answers = [
      await logIn(known.given.username, 'a wrong pass phrase'),
      await logIn('nobody of that name'),
      await logIn(off.given.username),
      await logIn(gone.given.username),
      await logIn(known.given.username, ''.padEnd(100_000, 'x')),
    ];
    const [first] = answers;
    expect(first).toMatchObject({ status: 401, json: { errcode: 401, results: { code: 'AUT_LOG_IN' } } });
    for (const answer of answers) expect([answer.status, answer.text]).toEqual([401, first?.text]);
    expect((await auditOf(known.user)).map(({ action }) => action)).toEqual(['users.create', 'users.register']);
    expect((await rowOf(off.user))['logged_in_at']).toBeNull();
  });

  test('is refused after five misses in a row until a growing wait is over, the right password too', async () => {
    const { user, given } = await created();
    for (let miss = 0; miss < 5; miss++) expect((await logIn(given.username, 'a wrong one')).status).toBe(401);
    const refused = await logIn(given.username);
    expect(refused).toMatchObject({ status: 429, json: { errcode: 429, results: { code: 'API_RATE_LIMIT' } } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(25);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(30);
    // By its address it is the same user.
    expect((await logIn(given.email)).status).toBe(429);
    await waited(user);
    expect((await logIn(given.email, 'a wrong one')).status).toBe(401);
    expect(Number((await logIn(given.email)).headers['retry-after'])).toBeGreaterThan(55);
    await waited(user);
    expect((await logIn(given.email)).status).toBe(200);
    expect(await rowOf(user)).toMatchObject({ failed_log_ins: 0, log_in_after: null });
  });

  test('lets a name that nobody has wait just as long, so that the wait tells nothing', async () => {
    for (let miss = 0; miss < 5; miss++) expect((await logIn('some stranger', 'a wrong one')).status).toBe(401);
    const refused = await logIn('SOME stranger');
    expect([refused.status, Number(refused.headers['retry-after'])]).toEqual([429, 30]);
  });

  test('is counted for all workers together', async () => {
    const other = await startApi({ databaseUrl: api.databaseUrl });
    try {
      const { given } = await created();
      const tried = (one: typeof api) =>
        one.ask('POST', '/api/users/action/', {
          action: 'login_user',
          username: given.username,
          password: 'a wrong one',
        });
      for (let miss = 0; miss < 3; miss++) expect((await tried(api)).status).toBe(401);
      for (let miss = 0; miss < 2; miss++) expect((await tried(other)).status).toBe(401);
      expect([(await tried(api)).status, (await tried(other)).status]).toEqual([429, 429]);
    } finally {
      await other.stop();
    }
  });

  test('is not even looked at when it comes as a flood', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => logIn('flooded name', 'a wrong one')));
    // Ten at once, of which the last five wait for the misses of the first; the others are not counted at all.
    const floods = answers.filter(({ headers }) => headers['retry-after'] === '1');
    expect(floods.length).toBeGreaterThanOrEqual(15);
    for (const { status, text } of floods) expect([status, text.includes('slow down')]).toEqual([429, true]);
  });

  test('costs one look at a hash, whoever is asked for', async () => {
    const looks: (string | null)[] = [];
    class Counted extends Passwords {
      override verify(password: string, stored: string | null): Promise<boolean> {
        looks.push(stored && 'a hash');
        return super.verify(password, stored);
      }
    }
    const passwords = new Counted({ ln: 4, r: 8, p: 1 });
    const gate = new PasswordGate({ sql: api.pool, passwords, log: pino({ level: 'silent' }) });
    const [{ given }, { given: hashless, user }] = [await created(), await created()];
    await api.pool.query('update tenant set password_hash = null where user_id = $1', [user]);
    for (const name of [given.username, hashless.username, 'a name of nobody']) {
      expect(await gate.tryName(name, 'a wrong one')).toEqual({ outcome: 'wrong' });
    }
    expect(looks).toEqual(['a hash', null, null]);
  });

  test('makes an old hash anew', async () => {
    const { user, given } = await created();
    const old = await new Passwords({ ln: 4, r: 8, p: 1 }).hash(given.password);
    await api.pool.query('update tenant set password_hash = $2 where user_id = $1', [user, old]);
    expect((await logIn(given.username)).status).toBe(200);
    expect((await rowOf(user))['password_hash']).toMatch(/^\$scrypt\$ln=8,/);
    expect((await logIn(given.username)).status).toBe(200);
  });

  test('needs a name and a password, the latter in the body', async () => {
    expect(pathsOf(await act('login_user'))).toEqual(['username', 'password']);
    const inAddress = await act('login_user', { username: 'x' }, '?password=a-pass-phrase-of-mine');
    expect([inAddress.status, pathsOf(inAddress)]).toEqual([400, ['password']]);
  });
});

describe('changing a password', () => {
  const change = (user: string, fields: object = {}) =>
    act('change_password', {
      user_id: user,
      old_password: 'a pass phrase of mine',
      new_password: '  another with blanks  ',
      firm_password: '  another with blanks  ',
      ...fields,
    });

  test('takes the old one, and the new one twice, exactly as they are sent', async () => {
    const { user, given } = await created();
    const before = await rowOf(user);
    const answer = await change(user);
    expect(answer.json).toMatchObject({ msg: 'change_password', results: { ct_user_id: user, email: given.email } });
    const { password_hash: now, ...rest } = await rowOf(user);
    expect({ ...rest, password_hash: before['password_hash'] }).toEqual(before);
    expect(now).not.toBe(before['password_hash']);
    expect((await auditOf(user)).at(-1)).toMatchObject({ action: 'users.change-password', detail: {} });
    const logIn = (password: string) => act('login_user', { username: given.username, password });
    expect((await logIn('  another with blanks  ')).status).toBe(200);
    expect((await logIn('another with blanks')).status).toBe(401);
    expect((await logIn(given.password)).status).toBe(401);
  });

  test('is refused when something is missing, short, or not the same twice', async () => {
    const { user } = await created();
    expect(pathsOf(await change(user, { firm_password: 'something else' }))).toEqual(['firm_password']);
    expect(pathsOf(await change(user, { new_password: 'short', firm_password: 'short' }))).toEqual(['new_password']);
    expect(pathsOf(await act('change_password', { user_id: user }))).toEqual(['old_password', 'new_password']);
    expect((await change('nobody')).status).toBe(404);
  });

  test('is no way around the waits of the log-in', async () => {
    const { user, given } = await created();
    for (let miss = 0; miss < 5; miss++) {
      expect(await change(user, { old_password: 'a wrong one' })).toMatchObject({
        status: 401,
        json: { results: { code: 'AUT_LOG_IN' } },
      });
    }
    expect((await change(user)).status).toBe(429);
    expect((await act('login_user', { username: given.username, password: given.password })).status).toBe(429);
    // Nor is asking for the same user again.
    expect((await post('create', given)).status).toBe(429);
  });
});

describe('a password', () => {
  test('stands in no table but as a hash, and in no answer', async () => {
    const [first, second, wrong] = ['canary one "quoted" 密码', 'canary-two-of-the-birds', 'canary-three-is-wrong'];
    const answers: Answer[] = [];
    const { given, user } = await created({ password: first });
    const { username } = given;
    answers.push(
      await post('create', given),
      await post('create', { ...given, password: wrong }),
      await act('login_user', { username, password: first }),
      await act('login_user', { username, password: wrong }),
      await act('login_user', { username: wrong, password: first }),
      await act('change_password', {
        user_id: user,
        old_password: first,
        new_password: second,
        firm_password: second,
      }),
      await act('change_password', { user_id: user, old_password: wrong, new_password: second, firm_password: wrong }),
      await post('update', { user_id: user, password: first }),
      await post('update', { user_id: user, username: wrong, password: 'short' }),
      await post('query', { user_id: user }),
      await post('list', { username }),
      await post('create', newUser({ password: `${wrong}${'x'.repeat(128)}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 200, 401, 401, 200, 400, 200, 400, 200, 200, 400]);
    const hash = String((await rowOf(user))['password_hash']);
    const texts = [...answers.map(({ text }) => text), ...(await everyTable())];
    for (const secret of [first, second, wrong]) {
      for (const text of texts) expect(guises(secret).filter((guise) => text.includes(guise))).toEqual([]);
    }
    for (const { text } of answers) expect(text).not.toContain('scrypt');
    expect(texts.filter((text) => text.includes(JSON.stringify(hash)))).toHaveLength(1);
  });

  test('is all that differs between two users of the same content', async () => {
    const content = newUser();
    const rows: Record<string, unknown>[] = [];
    for (const password of ['one pass phrase', 'quite another one']) {
      await post('create', { ...content, password });
      rows.push(await rowOf(content.ct_user_id));
      await post('delete', { del_ct_user_id: content.ct_user_id });
    }
    const [one = {}, two = {}] = rows;
    const differing = Object.keys(one).filter((name) => JSON.stringify(one[name]) !== JSON.stringify(two[name]));
    expect(differing.toSorted()).toEqual(['created_at', 'password_hash', 'updated_at']);
  });

  async function everyTable(): Promise<string[]> {
    const { rows: tables } = await api.pool.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await api.pool.query<{ text: string }>(`select to_jsonb(t)::text as text from ${name} t`);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts;
  }
});
