import { describe, expect, it } from '@jest/globals';
import { type Goal, type Job, jobIdOf, pollJobs, readJobId } from '../../../src/provisioners/openstack/jobs.js';
import type { JobRef } from '../../../src/provisioners/provisioner.js';
import { accountAt, type Answer, json } from './small-cloud.js';

const server = (id: string, status: string, task: string | null = null, fields: object = {}) => ({
  id,
  name: id,
  status,
  'OS-EXT-STS:task_state': task,
  ...fields,
});
const job = (kind: Job['kind'], id: string, goal: Goal, requestId: string | null = null): string =>
  jobIdOf({ kind, scope: 't1', id, goal, requestId });
const ref = (jobId: string): JobRef => ({ jobId, operation: 'vm.create', submittedAt: new Date().toISOString() });
const refusedAsUnknown = { itemNotFound: { code: 404, message: 'could not be found' } };

async function poll(jobIds: string[], answer: Answer) {
  const { client, cloud } = await accountAt(answer);
  const reports = await pollJobs(client, jobIds.map(ref));
  return { reports, paths: cloud.requests.map(({ path }) => path), requests: cloud.requests };
}
/** Answers single reads by the last part of the path. */
const things =
  (rows: Record<string, object>): Answer =>
  ({ path }, response) => {
    const [, collection, id] = /\/(servers|volumes|backups|snapshots)\/([^/]+)$/.exec(path) ?? [];
    if (collection === undefined || id === undefined || id === 'detail') return;
    const found = rows[id];
    if (found) json(response, { [collection.slice(0, -1)]: found });
    else json(response, refusedAsUnknown, 404);
  };
const one = async (jobId: string, answer: Answer) => (await poll([jobId], answer)).reports.get(jobId);

describe('a job id', () => {
  it('says all that is needed to ask, and comes back as it went', () => {
    const full: Job = { kind: 'server', scope: 'p1', id: 's1', goal: 'shutoff', requestId: 'req-1' };
    expect(readJobId(jobIdOf(full))).toEqual(full);
    const bare: Job = { kind: 'volume', scope: null, id: 'v1', goal: 'gone', requestId: null };
    expect(readJobId(jobIdOf(bare))).toEqual(bare);
    expect(readJobId('4711')).toBeNull();
  });
});

describe('a server that is being worked on', () => {
  it.each([
    ['active', 'BUILD', null, 'pending'],
    ['active', 'ACTIVE', 'spawning', 'pending'],
    ['active', 'ACTIVE', null, 'succeeded'],
    ['shutoff', 'ACTIVE', 'powering-off', 'pending'],
    ['shutoff', 'SHUTOFF', null, 'succeeded'],
    ['shutoff', 'ACTIVE', null, 'failed'],
    ['gone', 'ACTIVE', 'deleting', 'pending'],
    ['gone', 'DELETED', null, 'succeeded'],
    ['gone', 'SOFT_DELETED', null, 'succeeded'],
    ['gone', 'ACTIVE', null, 'failed'],
    ['active', 'UNKNOWN', null, 'pending'],
    ['active', 'DELETED', null, 'lost'],
  ] as const)('and shall be %s is, at %s with the task %s, %s', async (goal, status, task, state) => {
    expect(await one(job('server', 's1', goal), things({ s1: server('s1', status, task) }))).toMatchObject({ state });
  });

  it.each([
    ['No valid host was found. ', 'retry', 'CLD_CAPACITY'],
    ['Build of instance s1 aborted: Failed to allocate the network(s), not rescheduling.', 'retry', 'CLD_JOB_FAILED'],
    ['Build of instance s1 aborted: VolumeLimitExceeded: Maximum number of volumes allowed', 'reject', 'CLD_QUOTA'],
  ])('and ended in ERROR is sorted by its fault (%s)', async (message, disposition, code) => {
    const broken = server('s1', 'ERROR', null, { fault: { code: 500, message, details: 'Traceback …' } });
    expect(await one(job('server', 's1', 'active'), things({ s1: broken }))).toEqual({
      state: 'failed',
      disposition,
      code,
      message: `the server s1 is in the state ERROR: ${message.trim()}`,
    });
  });

  const record =
    (message: string | null, events: object[], status = 'ACTIVE'): Answer =>
    (request, response) => {
      const isRecord = request.path.endsWith('/os-instance-actions/req-1');
      if (isRecord) json(response, { instanceAction: { action: 'reboot', message, events } });
      else things({ s1: server('s1', status) })(request, response);
    };
  const event = (result: string | null) => ({
    event: 'e',
    finish_time: result && '2026-11-21T06:35:48.000000',
    result,
  });
  it.each([
    ['not picked up yet', null, [], 'pending'],
    ['under way', null, [event(null)], 'pending'],
    ['done', null, [event('Success')], 'succeeded'],
    ['failed, with an event left open by a host that restarted', 'Error', [event('Success'), event(null)], 'failed'],
  ] as const)('by an action whose record says %s is that', async (_words, message, events, state) => {
    const jobId = job('server', 's1', 'done', 'req-1');
    expect(await one(jobId, record(message, [...events]))).toMatchObject({ state });
  });

  it('that was told to stop and runs all the same has failed when its record says so, and waits when it does not', async () => {
    const jobId = job('server', 's1', 'shutoff', 'req-1');
    expect(await one(jobId, record('Error', [event('Error')]))).toMatchObject({ state: 'failed' });
    expect(await one(jobId, record(null, []))).toEqual({ state: 'pending' });
  });
});

describe('a volume that is being worked on', () => {
  it.each([
    ['made', 'creating', 'pending'],
    ['made', 'downloading', 'pending'],
    ['made', 'available', 'succeeded'],
    ['made', 'in-use', 'succeeded'],
    ['made', 'error', 'failed'],
    ['attached', 'attaching', 'pending'],
    ['attached', 'in-use', 'succeeded'],
    ['attached', 'available', 'failed'],
    ['detached', 'detaching', 'pending'],
    ['detached', 'available', 'succeeded'],
    ['detached', 'in-use', 'failed'],
    ['gone', 'deleting', 'pending'],
    ['gone', 'error_deleting', 'failed'],
    ['settled', 'extending', 'pending'],
  ] as const)('and shall be %s is, at %s, %s', async (goal, status, state) => {
    const answer: Answer = (request, response) => {
      if (request.path.endsWith('/messages')) json(response, { messages: [] });
      else things({ v1: { id: 'v1', status } })(request, response);
    };
    expect(await one(job('volume', 'v1', goal), answer)).toMatchObject({ state });
  });

  it('and is gone has been deleted, and nothing else', async () => {
    expect(await one(job('volume', 'v1', 'gone'), things({}))).toMatchObject({ state: 'succeeded' });
    expect(await one(job('volume', 'v1', 'made'), things({}))).toEqual({ state: 'lost' });
  });

  it('fails in the words of Cinder’s message, also where messages are kept from us', async () => {
    const text = 'schedule allocate volume:Could not find any available weighted backend.';
    const failing =
      (status: number, body: object): Answer =>
      (request, response) => {
        if (request.path.endsWith('/messages')) json(response, body, status);
        else things({ v1: { id: 'v1', status: 'error' } })(request, response);
      };
    const messages = [{ event_id: 'VOLUME_VOLUME_001_003', user_message: text }];
    expect(await one(job('volume', 'v1', 'made'), failing(200, { messages }))).toMatchObject({
      code: 'CLD_CAPACITY',
      message: expect.stringContaining(text),
    });
    const forbidden = { forbidden: { code: 403, message: 'Policy' } };
    expect(await one(job('volume', 'v1', 'made'), failing(403, forbidden))).toMatchObject({ code: 'CLD_JOB_FAILED' });
  });
});

describe('asking for many jobs', () => {
  const listOf =
    (key: 'servers' | 'volumes', rows: object[], known: Record<string, object>): Answer =>
    (request, response) => {
      if (request.path.endsWith(`/${key}/detail`)) json(response, { [key]: rows });
      else things(known)(request, response);
    };
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`);

  it('asks one by one for up to three, in the project of each', async () => {
    const { reports, requests } = await poll(
      ids(3).map((id) => job('server', id, 'active')),
      things({ s0: server('s0', 'BUILD'), s1: server('s1', 'ACTIVE') }),
    );
    expect([...reports.values()].map(({ state }) => state)).toEqual(['pending', 'succeeded', 'lost']);
    expect(requests.every(({ headers }) => headers['x-auth-token']?.includes('-t1-'))).toBe(true);
  });

  it('reads one list of what has changed in all projects, and asks only for those it does not show', async () => {
    const rows = ids(100).map((id) => server(id, 'ACTIVE'));
    const { reports, requests } = await poll(
      ids(101).map((id) => job('server', id, 'active')),
      listOf('servers', [...rows, server('other', 'ERROR')], { s100: server('s100', 'BUILD') }),
    );
    expect([...reports.values()].filter(({ state }) => state === 'succeeded')).toHaveLength(100);
    expect(reports.get(job('server', 's100', 'active'))).toEqual({ state: 'pending' });
    expect(requests).toHaveLength(2);
    expect(requests[0]?.query.get('all_tenants')).toBe('1');
    expect(requests[0]?.query.get('changes-since')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('counts from the cloud’s own clock', async () => {
    const behindMs = 3 * 3_600_000;
    const rows = ids(4).map((id) => server(id, 'ACTIVE'));
    const { requests } = await poll(
      ids(4).map((id) => job('server', id, 'active')),
      (request, response) => {
        response.setHeader('date', new Date(Date.now() - behindMs).toUTCString());
        listOf('servers', rows, {})(request, response);
      },
    );
    const since = Date.parse(requests[0]?.query.get('changes-since') ?? '');
    expect(Math.abs(Date.now() - behindMs - since)).toBeLessThan(600_000);
  });

  it('answers unknown ids as lost without asking anybody', async () => {
    const { reports, requests } = await poll(['4711', 'server:x'], () => {});
    expect([...reports.values()]).toEqual([{ state: 'lost' }, { state: 'lost' }]);
    expect(requests).toEqual([]);
  });

  it('concludes nothing from a list it could not read', async () => {
    const failing: Answer = ({ path }, response) => {
      if (path.endsWith('/servers/detail')) json(response, { computeFault: { code: 500, message: 'x' } }, 500);
    };
    await expect(
      poll(
        ids(4).map((id) => job('server', id, 'gone')),
        failing,
      ),
    ).rejects.toMatchObject({ disposition: 'retry' });
  });
});
