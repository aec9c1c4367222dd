import type { Verdict } from '../tenants/password-gate.js';
import type { UserChanges } from '../tenants/user-changes.js';
import { tooMany } from './auth.js';
import type { Context } from './context.js';
import { ApiError } from './problem.js';

/** What the routes about users work with. */
export interface UserContext extends Context {
  users: UserChanges;
}

/** What is said to whoever has the wrong password, or has to wait before the next try. */
export function refusalOf(verdict: Exclude<Verdict, { outcome: 'right' }>): ApiError {
  if (verdict.outcome === 'wrong') {
    return new ApiError(401, 'AUT_LOG_IN', 'User name and password do not belong together.');
  }
  const { waitMs } = verdict;
  return tooMany(waitMs, `Too many tries; the next one is looked at in ${Math.ceil(waitMs / 1000)} s.`);
}
