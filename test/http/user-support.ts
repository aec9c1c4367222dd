import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { RecordedClouds } from '../support/platforms.js';
import { listOf, type Loose, startApi } from './support.js';

/** Set before the first test of a file that calls {@link serveUsers}. */
export let api: Awaited<ReturnType<typeof startApi>>;
export let datacenter: { id: number; uuid: string };
let count = 0;

/** The API for the tests of a file, with two data centres and a registrar that is recorded anew for each test. */
export function serveUsers(): void {
  beforeAll(async () => {
    api = await startApi({ clouds: new RecordedClouds() });
    const uuid = 'hall-2';
    const added = await api.ask('POST', '/api/datacenters/create/', {
      name: 'hall two',
      uuid,
      service_url: 'http://127.0.0.1:9/v3',
      type: 2,
      user: 'admin',
      password: 'pass-of-the-hall',
    });
    datacenter = { id: Number(added.json['results']?.['id']), uuid };
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.registrar.calls.length = 0;
    api.registrar.failure = null;
  });
}

export const post = (verb: string, fields: object, query = '') =>
  api.ask('POST', `/api/users/${verb}/${query}`, fields);
export const act = (action: string, fields: object = {}, query = '') => post('action', { action, ...fields }, query);
export const link = (verb: string, fields: object) => api.ask('POST', `/api/user-datacenters/${verb}/`, fields);
export type Answer = Awaited<ReturnType<typeof post>>;
export const resultsOf = ({ json }: Answer): Loose => json['results'] ?? {};
export const pathsOf = (answer: Answer) => listOf(resultsOf(answer)['problems']).map(({ path }) => path);

export function newUser(change: object = {}) {
  count += 1;
  return {
    username: `somebody-${count}`,
    password: 'a pass phrase of mine',
    mobile: '13800000000',
    email: `somebody-${count}@example.org`,
    ct_user_id: `user${count}`,
    ct_account_id: `account${count}`,
    ...change,
  };
}
export async function created(change: object = {}) {
  const given = newUser(change);
  const answer = await post('create', given, '?ct_user_id=the-caller&os_id=x');
  if (answer.status !== 200) throw new Error(answer.text);
  const id = Number(resultsOf(answer)['id']);
  api.registrar.calls.length = 0;
  return { given, id, user: given.ct_user_id, answer };
}
export const auditOf = async (subject: string) => {
  const { rows } = await api.pool.query<{ action: string; reason: string; detail: object; actor: string }>(
    'select actor, action, reason, detail from audit where subject = $1 order by audit_id',
    [subject],
  );
  return rows;
};
export const rowOf = async (user: string) => {
  const { rows } = await api.pool.query<{ row: Record<string, unknown> }>(
    'select to_jsonb(t) as row from tenant t where user_id = $1',
    [user],
  );
  return rows[0]?.row ?? {};
};
/** The wait after misses is over. */
export const waited = (user: string) =>
  api.pool.query(`update tenant set log_in_after = now() - interval '1 second' where user_id = $1`, [user]);
