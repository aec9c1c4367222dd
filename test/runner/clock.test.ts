import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../../src/runner/clock.js';

const hour = 3_600_000;

describe('the clock of a worker', () => {
  /** What the clocks show, and what of it is really time gone by. */
  let wall: number;
  let steady: number;
  let database: number;
  let clock: Clock;
  beforeEach(() => {
    [wall, steady, database] = [5 * hour, 1_000, 100 * hour];
    jest.spyOn(Date, 'now').mockImplementation(() => wall);
    jest.spyOn(performance, 'now').mockImplementation(() => steady);
    clock = new Clock();
    clock.hear(database, steady);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const pass = (ms: number) => ([wall, steady, database] = [wall + ms, steady + ms, database + ms]);
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

  it('has gone on when the machine slept: both other clocks say so', () => {
    [wall, database] = [wall + hour, database + hour];
    beat();
    expect(clock.now()).toBe(101 * hour);
  });
});
