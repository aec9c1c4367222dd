import { againstPromises } from './promises.js';
import { ofReviews } from './reviews.js';

/**
 * Bugs to plant, each of which a named test must catch. `find` stands exactly once in its file; where the source moves on,
 * the mutant is stale and has to be written anew. `invariant` is the promise that the bug breaks (docs/reliability.md).
 */
export interface Mutant {
  name: string;
  invariant: string;
  /** The finding of the reviews of 2026-11-30 that it puts back, such as `E1`. */
  review?: string;
  /** The source it is planted in, and the text that is replaced. */
  file: string;
  find: string;
  replace: string;
  /** The test that must fail, by its file and its own name. */
  test: { file: string; name: string };
  /** Why no simulated world can come to it, so that only its test can find it. */
  beyondSimulation?: string;
}

export const mutants: Mutant[] = [...ofReviews, ...againstPromises];
