import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { parseCidr } from '../../src/simulators/ipv4.js';
import { AddressPool, guestPool } from '../../src/simulators/cloudstack/state/addressing.js';
import { randomId, seededRandom } from '../../src/simulators/random.js';
import { Scheduler } from '../../src/simulators/scheduler.js';

afterEach(() => void jest.useRealTimers());

describe('the parts of a simulated cloud', () => {
  test('planned work runs in the order of its time, and equal times in the order of planning', () => {
    jest.useFakeTimers();
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const delays = Array.from({ length: 200 }, (_, index) => ((index * 37) % 20) + index / 1_000);
    for (const delay of delays) scheduler.after(Math.floor(delay) * 2, () => seen.push(delay));
    expect(scheduler.size).toBe(200);
    jest.advanceTimersByTime(120);
    expect(seen).toEqual([...delays].sort((a, b) => a - b));
    scheduler.after(0, () => seen.push(-1));
    scheduler.clear();
    jest.advanceTimersByTime(10);
    expect(seen).not.toContain(-1);
  });

  test('an address pool gives out all of a range, nothing twice, and what came back last', () => {
    const cidr = parseCidr('10.0.0.0/29');
    if (cidr === null) throw new Error('cidr');
    const pool = guestPool(cidr, '10.0.0.1');
    const taken = Array.from({ length: 6 }, () => pool.take());
    expect(taken).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', null]);
    pool.release('10.0.0.4');
    pool.release('10.0.0.2');
    expect([pool.take('10.0.0.2'), pool.take(), pool.take()]).toEqual(['10.0.0.2', '10.0.0.4', null]);
    expect(new AddressPool([{ first: 1, last: 1 }]).take('9.9.9.9')).toBeNull();
  });

  test('ids of one seed are the same, and are uuids', () => {
    expect(randomId(seededRandom(7))).toBe(randomId(seededRandom(7)));
    expect(randomId(seededRandom(7))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
