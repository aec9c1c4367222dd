import { RefusedError } from '../errors.js';
import type { TenantContent, TenantProfile } from '../store/tenants.js';

/** Our names of what a user is made of, and the source platform's. */
const names = {
  accountId: 'ct_account_id',
  username: 'username',
  email: 'email',
  mobile: 'mobile',
} as const;

/** What a user would be after a change; what is left out stays, and so do the names of the profile that it does not have. */
export function withChange(before: TenantContent, change: Partial<TenantContent>): TenantContent {
  return {
    accountId: change.accountId ?? before.accountId,
    username: change.username ?? before.username,
    email: change.email ?? before.email,
    mobile: change.mobile ?? before.mobile,
    profile: { ...before.profile, ...change.profile },
  };
}

/**
 * A user name with an @ could be somebody else's e-mail address, and a log-in by either would not know whom it means. So it has to
 * be the user's own.
 *
 * @throws RefusedError API_PARAMETER
 */
export function checkNameIsTheirs({ username, email }: Pick<TenantContent, 'username' | 'email'>): void {
  // To the letter: what the database calls the same letter in another case is for its collation to say.
  if (!username.includes('@') || username === email) return;
  throw wrong('username', "may hold an @ only when it is the user's own e-mail address");
}

/** guess: orders carry the account themselves, and projects and accounts in the data centres are called by it. @throws RefusedError */
export function checkAccountStays(before: TenantContent, after: TenantContent): void {
  if (before.accountId === after.accountId) return;
  throw wrong('ct_account_id', 'stays as it is: what was built for this user is called by it');
}

function wrong(path: string, message: string): RefusedError {
  return new RefusedError('API_PARAMETER', `${path} ${message}.`, [{ path, code: 'API_PARAMETER', message }]);
}

/** In what two users differ, in the source platform's names; never the values, for they are personal. */
export function contentDifferences(one: TenantContent, other: TenantContent): string[] {
  const plain = (['accountId', 'username', 'email', 'mobile'] as const).filter((name) => one[name] !== other[name]);
  return [...plain.map((name): string => names[name]), ...profileDifferences(one.profile, other.profile)];
}

function profileDifferences(one: TenantProfile, other: TenantProfile): string[] {
  const all = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...all].filter((name) => one[name] !== other[name]).toSorted();
}
