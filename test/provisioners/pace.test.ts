import { describe, expect, it } from '@jest/globals';
import { NoAnswerError } from '../../src/provisioners/http.js';
import { NotSentError, pace, type Sign } from '../../src/provisioners/pace.js';

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a cloud account's budget", () => {
  it('lets a burst through and then so many a second', async () => {
    const budget = pace({ perSecond: 50, burst: 10, atOnce: 100, maxWaiting: 100 });
    const begun = performance.now();
    const times = await Promise.all(
      Array.from({ length: 20 }, () => budget.run(async () => performance.now() - begun)),
    );
    expect(times[9]).toBeLessThan(100);
    // Ten more at 50 a second: 200 ms; less a little for the clock.
    expect(times[19]).toBeGreaterThan(170);
  });

  it('keeps to so many calls at once, in the order they came, also when they fail', async () => {
    const budget = pace({ perSecond: 10_000, burst: 10_000, atOnce: 2, maxWaiting: 100 });
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const calls = Array.from({ length: 8 }, (_, n) =>
      budget.run(async () => {
        order.push(n);
        most = Math.max(most, (running += 1));
        await soon(5);
        running -= 1;
        if (n % 2 === 0) throw new Error('refused');
      }),
    );
    await Promise.allSettled(calls);
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('has an end to its queue', async () => {
    const budget = pace({ perSecond: 100, burst: 100, atOnce: 1, maxWaiting: 1 });
    const first = budget.run(() => soon(20));
    const second = budget.run(() => soon(1));
    await expect(budget.run(() => soon(1))).rejects.toThrow(NotSentError);
    await Promise.all([first, second]);
  });

  it('tells what it hears of the cloud: a call without an answer is trouble, a refusal is not', async () => {
    const heard: (Sign | null)[] = [];
    const budget = pace({ perSecond: 100, burst: 100, atOnce: 9, maxWaiting: 9, heard: (sign) => heard.push(sign) });
    const busy: Sign = { kind: 'throttled', reason: 'answered 429', retryAfterMs: 10 };
    await budget.run(async () => 200);
    await budget.run(
      async () => 429,
      (status) => (status === 429 ? busy : null),
    );
    await expect(budget.run(() => Promise.reject(new NoAnswerError(true, 'ECONNRESET')))).rejects.toThrow();
    await expect(budget.run(() => Promise.reject(new TypeError('a bug of ours')))).rejects.toThrow();
    expect(heard).toEqual([null, busy, { kind: 'trouble', reason: 'ECONNRESET', retryAfterMs: null }]);
  });

  it('begins nothing while it rests, and has saved nothing up afterwards', async () => {
    const budget = pace({ perSecond: 1_000, burst: 100, atOnce: 100, maxWaiting: 100 });
    budget.rest(60);
    const asked = performance.now();
    await budget.run(async () => {});
    expect(performance.now() - asked).toBeGreaterThan(50);
  });

  it('keeps to a new rate from when it is told', async () => {
    const budget = pace({ perSecond: 1_000_000, burst: 1_000_000, atOnce: 100, maxWaiting: 100 });
    budget.setRate(50, 1);
    const asked = performance.now();
    await Promise.all(Array.from({ length: 6 }, () => budget.run(async () => {})));
    // One from the burst, five more at 50 a second; less a little for the clock.
    expect(performance.now() - asked).toBeGreaterThan(85);
  });
});
