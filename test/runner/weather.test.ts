import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Sign } from '../../src/provisioners/pace.js';
import { Circuit } from '../../src/runner/weather.js';

const seconds = 1_000;
const trouble: Sign = { kind: 'trouble', reason: 'ECONNREFUSED', retryAfterMs: null };

describe('the weather at a cloud', () => {
  let circuit: Circuit;
  let waiting: number;
  let probedAt: number[];
  /** What the next probe hears; null: it is answered. */
  let hears: Sign | null;

  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
    [waiting, probedAt, hears] = [100, [], trouble];
    circuit = new Circuit({
      now: Date.now,
      probe: () => {
        probedAt.push(Date.now());
        circuit.heard(hears);
        return hears ? Promise.reject(new Error('no answer')) : Promise.resolve();
      },
      waiting: () => waiting,
      changed: () => {},
      probeMs: () => ({ first: 1 * seconds, most: 60 * seconds }),
      random: () => 1,
      log: () => {},
    });
  });
  afterEach(() => {
    circuit.stop();
    jest.useRealTimers();
  });

  const breakIt = () => {
    for (let i = 0; i < 5; i++) circuit.heard(trouble);
  };

  it('is believed to be bad after five calls in a row without an answer, not before', () => {
    for (let i = 0; i < 4; i++) circuit.heard(trouble);
    expect(circuit.state).toBe('closed');
    circuit.heard(null);
    for (let i = 0; i < 4; i++) circuit.heard(trouble);
    expect(circuit.state).toBe('closed');
    circuit.heard(trouble);
    expect(circuit).toMatchObject({
      state: 'open',
      since: 1_000_000,
      reason: 'ECONNREFUSED',
      places: 0,
      passes: false,
    });
  });

  it('is believed to be bad after three when nothing has been answered for a while', () => {
    jest.setSystemTime(1_000_000 + 11 * seconds);
    for (let i = 0; i < 3; i++) circuit.heard(trouble);
    expect(circuit.state).toBe('open');
  });

  it('is not judged by being asked to slow down', () => {
    for (let i = 0; i < 50; i++) circuit.heard({ kind: 'throttled', reason: '429', retryAfterMs: 1 });
    expect(circuit.state).toBe('closed');
  });

  it('is looked at by one probe at a time, more and more rarely, and no more often than every minute in the end', async () => {
    breakIt();
    await jest.advanceTimersByTimeAsync(3_600 * seconds);
    expect(probedAt.length).toBeGreaterThan(50);
    expect(probedAt.length).toBeLessThan(70);
    expect(probedAt.slice(0, 4).map((at) => at - 1_000_000)).toEqual([1, 3, 7, 15].map((s) => s * seconds));
    expect(circuit).toMatchObject({ state: 'open', since: 1_000_000 });
    expect(circuit.nextProbeAt).toBeGreaterThan(Date.now());
  });

  it('is not looked at before the cloud asked for it', async () => {
    for (let i = 0; i < 5; i++) circuit.heard({ ...trouble, retryAfterMs: 30 * seconds });
    await jest.advanceTimersByTimeAsync(29 * seconds);
    expect(probedAt).toEqual([]);
    await jest.advanceTimersByTimeAsync(2 * seconds);
    expect(probedAt).toHaveLength(1);
  });

  it('that clears up lets work in one by one, then more and more, until the ramp is over', async () => {
    breakIt();
    hears = null;
    await jest.advanceTimersByTimeAsync(1 * seconds);
    const places: number[] = [];
    while (circuit.state === 'half-open') {
      places.push(circuit.places);
      circuit.heard(null);
    }
    expect(places.slice(0, 6)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(Math.max(...places)).toBeLessThan(16);
    expect(circuit).toMatchObject({ state: 'closed', since: null, reason: null, places: Number.POSITIVE_INFINITY });
  });

  it('that clears up for a moment only is bad again at the first call without an answer, since the first time', async () => {
    breakIt();
    hears = null;
    await jest.advanceTimersByTimeAsync(1 * seconds);
    circuit.heard(null);
    circuit.heard(trouble);
    expect(circuit).toMatchObject({ state: 'open', since: 1_000_000 });
    // Probes go on from where they were: a cloud that comes and goes is asked more and more rarely.
    await jest.advanceTimersByTimeAsync(1 * seconds);
    expect(probedAt).toHaveLength(1);
  });

  it('is good at once when nobody waits', async () => {
    breakIt();
    [hears, waiting] = [null, 0];
    await jest.advanceTimersByTimeAsync(1 * seconds);
    expect(circuit.state).toBe('closed');
  });

  it('is not cleared up by an answer to what was asked before it broke', () => {
    breakIt();
    circuit.heard(null);
    expect(circuit.state).toBe('open');
  });

  it('knows for how long it was bad in all', async () => {
    breakIt();
    await jest.advanceTimersByTimeAsync(2 * seconds);
    expect(circuit.darkMs).toBe(2 * seconds);
    hears = null;
    await jest.advanceTimersByTimeAsync(100 * seconds);
    expect(circuit.darkMs).toBe(3 * seconds);
  });
});
