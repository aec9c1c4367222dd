import fc from 'fast-check';

/**
 * For how long a smaller failure is looked for once a property has failed, ms. Shrinking is without end of its own: where one run takes a
 * tenth of a second it went on for more than an hour, and the run of all tests was cut off before anybody had seen what failed.
 */
const patienceMs = 120_000;

/** By the real clock, which some tests replace. */
const now = performance.now.bind(performance);

/** Ends the shrinking of a failure after a while. What has not failed yet is run as often as was asked for, however long that takes. */
const shrinkForAWhile: fc.Plugin<unknown> = () => {
  let failedAt: number | null = null;
  const noted = <Outcome>(outcome: Outcome): Outcome => {
    if (outcome !== null && !fc.PreconditionFailure.isFailure(outcome)) failedAt ??= now();
    return outcome;
  };
  return {
    decorateRun: (run) => (value) => {
      if (failedAt !== null && now() - failedAt > patienceMs) return new fc.PreconditionFailure(true);
      const outcome = run(value);
      return outcome !== null && 'then' in outcome ? outcome.then(noted) : noted(outcome);
    },
  };
};

fc.installGlobalPlugin(shrinkForAWhile);

/** fast-check as every test here uses it: a failure is told, with its seed, within bounded time, as small as it is by then. */
export { fc };
