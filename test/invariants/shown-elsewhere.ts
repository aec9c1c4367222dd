import type { Checker } from './facts.js';

const notInARun = (invariant: Checker['invariant']): Checker => ({ invariant, check: () => null });

/**
 * What the end of a single run cannot show, and where it is shown. A checker here says "not looked at", never "holds".
 *
 * - I14 tenant time: a figure over two runs, with and without the flood (fairness tests, test/runner).
 * - I16 clocks: the same run with clocks that jump: test/simulation draws such seeds, and all other checkers judge them.
 * - I17 upgrades: rows of an older release under this one: golden snapshots in test/machines, filled tables in test/store/migrate.test.ts.
 * - I18 bounded: limits are reached on purpose, one by one: test/http/intake-routes.test.ts, test/runner/turns.test.ts, memory in test/chaos.
 * - I20 usage: no usage is reported yet.
 */
export const shownElsewhere: readonly Checker[] = (['I14', 'I16', 'I17', 'I18', 'I20'] as const).map(notInARun);
