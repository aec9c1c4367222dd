import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { defaultPace, delayMs } from '../../src/machines/pace.js';

const markers = Array.from({ length: 200 }, (_, i) => `ow-${i.toString(32).padStart(16, '0')}`);
const minutes = 60_000;

describe('how long an order waits', () => {
  it('is the settle window between look-ups and the watch between looks', () => {
    expect(delayMs(defaultPace, 'settle', 2, 'ow-1', null)).toBe(defaultPace.settleMs);
    expect(delayMs(defaultPace, 'watch', 90, 'ow-1', null)).toBe(defaultPace.watchMs);
    expect(delayMs(defaultPace, 'discard', 90, 'ow-1', null)).toBe(defaultPace.watchMs);
  });

  it.each(['settle', 'watch', 'discard', 'retry'] as const)(
    'honours what the cloud asks for, up to ten minutes: %s',
    (kind) => {
      expect(delayMs(defaultPace, kind, 1, 'ow-1', 5 * minutes)).toBe(5 * minutes);
      expect(delayMs(defaultPace, kind, 1, 'ow-1', 1e12)).toBe(10 * minutes);
    },
  );

  it('is never shorter than our own patience because a cloud asks for less', () => {
    expect(delayMs(defaultPace, 'settle', 1, 'ow-1', 1)).toBe(defaultPace.settleMs);
    expect(delayMs(defaultPace, 'retry', 1, 'ow-1', -5)).toBe(delayMs(defaultPace, 'retry', 1, 'ow-1', null));
  });

  it('is the same for the same order, whoever works it out', () => {
    for (const marker of markers) {
      expect(delayMs(defaultPace, 'retry', 3, marker, null)).toBe(delayMs(defaultPace, 'retry', 3, marker, null));
    }
  });

  it('spreads orders that failed together, so that they do not come back together', () => {
    const delays = markers.map((marker) => delayMs(defaultPace, 'retry', 4, marker, null));
    const ceiling = defaultPace.retryMs * 2 ** 4;
    expect(new Set(delays).size).toBeGreaterThan(150);
    expect(delays.filter((delay) => delay < ceiling / 2).length).toBeGreaterThan(50);
    expect(delays.filter((delay) => delay > ceiling / 2).length).toBeGreaterThan(50);
  });

  it('grows with every retry up to a limit, and is always a whole number of milliseconds within it', () => {
    const retry = fc.record({ count: fc.nat(100_000), marker: fc.string() });
    fc.assert(
      fc.property(retry, ({ count, marker }) => {
        const delay = delayMs(defaultPace, 'retry', count, marker, null);
        const ceiling = Math.min(defaultPace.retryMaxMs, defaultPace.retryMs * 2 ** Math.min(count, 40));
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(ceiling * 0.1));
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });
});
