import { describe, expect, it } from '@jest/globals';
import { RetryBudget } from '../../src/runner/retry-budget.js';

describe("an account's budget for retries", () => {
  it('is a tenth of the first tries, beyond a few that were saved up', () => {
    const budget = new RetryBudget(() => 0);
    let retries = 0;
    for (let i = 0; i < 1_000; i++) {
      budget.earn();
      while (budget.spend()) retries += 1;
    }
    expect(retries).toBeGreaterThanOrEqual(105);
    expect(retries).toBeLessThanOrEqual(111);
  });

  it('is a trickle where there is nothing else, and says when the next one may go', () => {
    let now = 0;
    const budget = new RetryBudget(() => now);
    while (budget.spend());
    expect(budget.affordableInMs).toBe(1_000);
    now += 999;
    expect(budget.spend()).toBe(false);
    now += 1;
    expect(budget.spend()).toBe(true);
  });
});
