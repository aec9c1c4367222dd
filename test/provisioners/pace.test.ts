import { describe, expect, it } from '@jest/globals';
import { pace, TooManyWaitingError } from '../../src/provisioners/pace.js';

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
    await expect(budget.run(() => soon(1))).rejects.toThrow(TooManyWaitingError);
    await Promise.all([first, second]);
  });
});
