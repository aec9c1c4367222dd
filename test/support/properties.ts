import fc from 'fast-check';

/**
 * How long one property may look for a failure, and then for a smaller one, ms. Shrinking is without end of its own: where one run takes
 * a tenth of a second it went on for more than an hour, and the run of all tests was cut off before anybody had seen what failed.
 */
const patienceMs = 120_000;

fc.installGlobalPlugin(fc.interruptAfterTimeLimit(patienceMs));

/** fast-check as every test here uses it: a failure is told, with its seed, within bounded time, as small as it is by then. */
export { fc };
