import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { OperationState } from '../../src/machines/order-state.js';
import type { JobRef, JobReport } from '../../src/provisioners/provisioner.js';
import type { Happening } from '../../src/runner/engine.js';
import { Poller } from '../../src/runner/poll-jobs.js';
import { bundlePlan, Story, vm } from '../machines/story.js';
import { cloudWith, openOrder, operationOf, platformsWith, silent } from './support.js';

const { state } = new Story()
  .planned(bundlePlan())
  .prepared()
  .on(vm, 'vm.create', { type: 'ACCEPTED', jobId: 'j', resourceId: null });
const seconds = 1_000;
const pace = { pollMinMs: seconds, pollMaxMs: 15 * seconds, jobDeadlineMs: 100 * seconds };

/** `vm.create` of one of many orders, its job taken now. */
function job(jobId: string): OperationState {
  const operation = operationOf(state, 'vm.create');
  const { value, context } = operation.machine;
  return { ...operation, submittedAt: Date.now(), machine: { value, context: { ...context, jobId } } };
}

describe('jobs under way', () => {
  let asked: { at: number; jobs: JobRef[] }[];
  let heard: { at: number; orderId: string; happening: Happening }[];
  let answer: (job: JobRef) => JobReport | undefined;
  let poller: Poller;

  async function pollerOf(cloud: 'answers' | 'missing'): Promise<Poller> {
    const provisioner = cloudWith(
      {},
      {
        pollJobs: (jobs) => {
          asked.push({ at: Date.now(), jobs });
          const reports = jobs.map((one): [string, JobReport | undefined] => [one.jobId, answer(one)]);
          return Promise.resolve(new Map(reports.filter((one): one is [string, JobReport] => one[1] !== undefined)));
        },
      },
    );
    return new Poller({
      platforms: await platformsWith(cloud === 'answers' ? provisioner : null, pace),
      log: silent,
      now: Date.now,
      report: (orderId, happening) => heard.push({ at: Date.now(), orderId, happening }),
      isOurs: () => true,
      seal: (_order, _item, field, value) => Buffer.from(`${field}=${value}`),
    });
  }

  beforeEach(async () => {
    jest.useFakeTimers({ now: 1_000_000 });
    [asked, heard] = [[], []];
    answer = () => ({ state: 'pending' });
    poller = await pollerOf('answers');
  });
  afterEach(() => {
    poller.stop();
    jest.useRealTimers();
  });

  /** A job of an order of its own. */
  const track = (operation: OperationState) => {
    const operations = state.operations.map((one) => (one.name === operation.name ? operation : one));
    poller.track(openOrder({ ...state, operations }), operation);
  };
  const events = () => heard.map(({ happening: { event } }) => (event.about === 'operation' ? event.event : event));
  const finishAfter = (ms: number) => {
    answer = ({ submittedAt }) =>
      Date.now() - Date.parse(submittedAt) >= ms ? { state: 'succeeded', resourceId: 'i-1' } : { state: 'pending' };
  };

  it('are asked about many at a time', async () => {
    for (let i = 0; i < 500; i++) track(job(`j${i}`));
    expect(poller.inFlight).toBe(500);
    await jest.advanceTimersByTimeAsync(1.5 * seconds);
    expect(asked.map(({ jobs }) => jobs.length)).toEqual([500]);
    finishAfter(0);
    await jest.advanceTimersByTimeAsync(5 * seconds);
    expect(heard).toHaveLength(500);
    expect(poller.inFlight).toBe(0);
    expect(asked.length).toBeLessThanOrEqual(3);
  });

  it('cost nothing while there are none', async () => {
    await jest.advanceTimersByTimeAsync(3_600 * seconds);
    expect(asked).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each<[string, JobReport | undefined, object]>([
    ['done', { state: 'succeeded', resourceId: 'i-1' }, { type: 'JOB_SUCCEEDED', resourceId: 'i-1' }],
    [
      'failed',
      { state: 'failed', disposition: 'retry', code: 'C', message: 'm', cloudCode: '533' },
      { type: 'JOB_FAILED', disposition: 'retry', code: 'C', message: 'm' },
    ],
    ['unknown to the cloud', { state: 'lost' }, { type: 'JOB_LOST' }],
    ['left out of the answer', undefined, { type: 'JOB_LOST' }],
  ])('end once: %s', async (_, report, event) => {
    answer = () => report;
    track(job('j'));
    await jest.advanceTimersByTimeAsync(60 * seconds);
    expect(events()).toEqual([event]);
    expect(asked).toHaveLength(1);
  });

  it('bring what the cloud shows once back sealed', async () => {
    answer = () => ({ state: 'succeeded', resourceId: 'i-1', secrets: { rootPassword: 'made-by-cloud' } });
    track(job('j'));
    await jest.advanceTimersByTimeAsync(2 * seconds);
    const [secret] = heard[0]?.happening.secrets ?? [];
    expect(secret).toMatchObject({ itemIndex: 1, field: 'rootPassword#1' });
    expect(String(secret?.sealed)).toBe('rootPassword#1=made-by-cloud');
  });

  it('that never end are given up at the deadline, for the resource to tell', async () => {
    track(job('j'));
    await jest.advanceTimersByTimeAsync(200 * seconds);
    expect(events()).toEqual([{ type: 'OVERDUE' }]);
    expect(poller.inFlight).toBe(0);
  });

  it('are asked about more rarely the longer they take', async () => {
    track(job('j'));
    await jest.advanceTimersByTimeAsync(95 * seconds);
    const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(gaps).toEqual(gaps.toSorted((a, b) => a - b));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(pace.pollMaxMs);
    expect(asked.length).toBeLessThan(25);
  });

  it('teach how long such a job takes: the next ones are first asked about when they are nearly done', async () => {
    finishAfter(40 * seconds);
    for (let i = 0; i < 8; i++) {
      track(job(`j${i}`));
      await jest.advanceTimersByTimeAsync(60 * seconds);
    }
    const before = asked.length;
    const begun = Date.now();
    track(job('last'));
    await jest.advanceTimersByTimeAsync(60 * seconds);
    expect((asked[before]?.at ?? 0) - begun).toBeGreaterThan(25 * seconds);
    expect(asked.length - before).toBeLessThanOrEqual(3);
  });

  it('that became quick are not waited for as long as the slow ones were', async () => {
    finishAfter(40 * seconds);
    for (let i = 0; i < 8; i++) {
      track(job(`slow ${i}`));
      await jest.advanceTimersByTimeAsync(60 * seconds);
    }
    finishAfter(seconds);
    for (let i = 0; i < 25; i++) {
      track(job(`quick ${i}`));
      await jest.advanceTimersByTimeAsync(60 * seconds);
    }
    const begun = Date.now();
    track(job('last'));
    await jest.advanceTimersByTimeAsync(60 * seconds);
    expect((heard.at(-1)?.at ?? 0) - begun).toBeLessThan(5 * seconds);
  });

  it('are asked about soon all the same when one of them seemed to take an hour, or was taken in the future', async () => {
    answer = () => ({ state: 'pending' });
    track(job('slow'));
    await jest.advanceTimersByTimeAsync(2 * seconds);
    // A clock that is set ahead.
    jest.setSystemTime(Date.now() + 90 * seconds);
    answer = () => ({ state: 'succeeded', resourceId: 'r' });
    await jest.advanceTimersByTimeAsync(20 * seconds);
    expect(heard).toHaveLength(1);
    track(job('next'));
    track({ ...job('of tomorrow'), submittedAt: Date.now() + 3_600 * seconds });
    await jest.advanceTimersByTimeAsync(4 * pace.pollMaxMs);
    expect(heard).toHaveLength(3);
  });

  it('are asked about again when the cloud could not be asked', async () => {
    let away = true;
    answer = () => {
      if (away) throw new Error('connection refused');
      return { state: 'succeeded', resourceId: 'i-1' };
    };
    track(job('j'));
    await jest.advanceTimersByTimeAsync(30 * seconds);
    expect(heard).toEqual([]);
    expect(asked.length).toBeLessThan(12);
    away = false;
    await jest.advanceTimersByTimeAsync(15 * seconds);
    expect(events()).toMatchObject([{ type: 'JOB_SUCCEEDED' }]);
  });

  it('of a platform that cannot be used at the moment wait without keeping the worker busy', async () => {
    poller = await pollerOf('missing');
    track(job('j'));
    let turns = 0;
    while (jest.getTimerCount() > 0 && Date.now() < 1_000_000 + 60 * seconds && turns < 1_000) {
      turns += 1;
      await jest.advanceTimersToNextTimerAsync();
    }
    expect(turns).toBeLessThan(20);
    expect(poller.inFlight).toBe(1);
  });

  it('are not asked about after the worker has stopped', async () => {
    track(job('j'));
    poller.stop();
    track(job('k'));
    await jest.advanceTimersByTimeAsync(60 * seconds);
    expect(asked).toEqual([]);
  });

  it('that are taken up twice are asked about once', async () => {
    finishAfter(0);
    track(job('j'));
    track(job('j'));
    await jest.advanceTimersByTimeAsync(10 * seconds);
    expect(heard).toHaveLength(1);
  });
});
