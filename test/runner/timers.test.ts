import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { fc } from '../support/properties.js';
import { type Alarm, Timers } from '../../src/runner/timers.js';

const alarm = (dueAt: number, orderId = `order ${dueAt}`): Alarm => ({ dueAt, orderId, operation: null });

describe('the alarms of waiting orders', () => {
  let rung: { alarm: Alarm; at: number }[] = [];
  let timers: Timers;
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    rung = [];
    timers = new Timers(Date.now, (one) => rung.push({ alarm: one, at: Date.now() }));
  });
  afterEach(() => {
    timers.stop();
    jest.useRealTimers();
  });

  it('ring each once, in the order they are due, and none before its time', () => {
    const moments = fc.array(fc.record({ dueAt: fc.nat(500), addAt: fc.nat(300) }), { maxLength: 60 });
    fc.assert(
      fc.property(moments, (given) => {
        jest.setSystemTime(0);
        rung = [];
        for (const [index, { dueAt, addAt }] of given.toSorted((a, b) => a.addAt - b.addAt).entries()) {
          jest.advanceTimersByTime(Math.max(addAt - Date.now(), 0));
          timers.add(alarm(dueAt, `order ${index}`));
        }
        jest.advanceTimersByTime(1_000);
        expect(rung).toHaveLength(given.length);
        expect(new Set(rung.map((one) => one.alarm.orderId)).size).toBe(given.length);
        expect(rung.every((one) => one.at >= one.alarm.dueAt)).toBe(true);
        expect(timers.size).toBe(0);
      }),
    );
  });

  it('ring in order when they become due together', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 100 }), (dues) => {
        jest.setSystemTime(0);
        rung = [];
        for (const dueAt of dues) timers.add(alarm(dueAt));
        // The process was busy all the while: everything is due at once.
        jest.setSystemTime(10_000);
        jest.advanceTimersByTime(200);
        expect(rung.map((one) => one.alarm.dueAt)).toEqual(dues.toSorted((a, b) => a - b));
      }),
    );
  });

  it('need one timer however many there are', () => {
    for (let i = 0; i < 1_000; i++) timers.add(alarm(1_000 + ((i * 7) % 1_000)));
    expect(timers.size).toBe(1_000);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('may be months away: a due time beyond what a timer holds does not ring at once', () => {
    const months = 90 * 24 * 3_600_000;
    timers.add(alarm(months));
    jest.advanceTimersByTime(months - 1);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(rung).toHaveLength(1);
  });

  it('may set new ones while they ring, due at once or later', () => {
    timers = new Timers(Date.now, (one) => {
      rung.push({ alarm: one, at: Date.now() });
      if (rung.length < 5) timers.add(alarm(Date.now() + (rung.length % 2) * 10));
    });
    timers.add(alarm(5));
    jest.advanceTimersByTime(100);
    expect(rung).toHaveLength(5);
  });

  it('do not ring after the worker has stopped', () => {
    timers.add(alarm(5));
    timers.stop();
    jest.advanceTimersByTime(100);
    expect(rung).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('measure a length of time: nobody who sets the clock shortens a wait, or draws it out', () => {
    const steady = performance.now();
    timers.add(alarm(Date.now() + 10_000));
    const shown = jest.spyOn(performance, 'now').mockImplementation(() => steady);
    jest.setSystemTime(Date.now() + 3_600_000);
    jest.advanceTimersByTime(9_999);
    expect(rung).toEqual([]);
    shown.mockImplementation(() => steady + 10_000);
    jest.setSystemTime(0);
    jest.advanceTimersByTime(60_000);
    expect(rung).toHaveLength(1);
    shown.mockRestore();
  });
});
