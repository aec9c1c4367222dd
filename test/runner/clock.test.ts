import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import os from 'node:os';
import { Clock } from '../../src/runner/clock.js';

const hour = 3_600_000;

describe('the clock of a worker', () => {
  /** What the clocks show, and what of it is really time gone by. */
  let wall: number;
  let steady: number;
  let database: number;
  /** How long the machine has been on, asleep or awake. */
  let up: number;
  let clock: Clock;
  beforeEach(() => {
    [wall, steady, database, up] = [5 * hour, 1_000, 100 * hour, 30 * hour];
    jest.spyOn(os, 'uptime').mockImplementation(() => up / 1_000);
    jest.spyOn(Date, 'now').mockImplementation(() => wall);
    jest.spyOn(performance, 'now').mockImplementation(() => steady);
    clock = new Clock();
    clock.hear(database, steady);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const pass = (ms: number) => ([wall, steady, database, up] = [wall + ms, steady + ms, database + ms, up + ms]);
  const beat = () => clock.hear(database, steady);

  it('goes by the database’s time, carried on by itself', () => {
    expect(clock.now()).toBe(100 * hour);
    pass(1_500);
    expect(clock.now()).toBe(100 * hour + 1_500);
  });

  it('does not step when this machine’s clock is set, forward or back', () => {
    for (const step of [hour, -2 * hour]) {
      wall += step;
      beat();
      expect(clock.now()).toBe(database);
    }
  });

  it('does not step when the database’s clock is set, but follows it, slowly and never back in time', () => {
    for (const step of [hour, -2 * hour]) {
      database += step;
      let before = clock.now();
      for (let i = 0; i < 100; i++) {
        pass(1_000);
        beat();
        const wentOn = clock.now() - before;
        expect(wentOn).toBeGreaterThanOrEqual(950);
        expect(wentOn).toBeLessThanOrEqual(1_050);
        before = clock.now();
      }
    }
  });

  it('does not step when the clock is set of the one machine that the database is on, too', () => {
    const before = clock.now();
    [wall, database] = [wall + hour, database + hour];
    beat();
    expect(clock.now() - before).toBeLessThanOrEqual(50);
  });

  it('has gone on when the machine slept: it has been on for longer than a steady clock shows', () => {
    [wall, database, up] = [wall + hour, database + hour, up + hour];
    beat();
    expect(clock.now()).toBe(101 * hour);
  });

  it('has gone on by no more than was slept, whatever the clocks were set to meanwhile', () => {
    [wall, database, up] = [wall + 3 * hour, database + 3 * hour, up + hour];
    beat();
    expect(clock.now()).toBe(101 * hour);
  });
});
