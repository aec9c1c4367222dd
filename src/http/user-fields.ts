import type { Problem } from '../errors.js';
import { idForm } from '../schemas/wire.js';
import type { TenantProfile, TenantState } from '../store/tenants.js';
import type { NewUser, UserChange } from '../tenants/user-changes.js';
import { noteUnused, parameter, readPage, refused, secretOf, textOf } from './source-fields.js';
import type { SourceRequest } from './source-request.js';

/** The long profile of E49, by the source platform's names. `createDate` is in ms since 1970. */
const profileNames = [
  'loginName',
  'loginEmail',
  'rootUserid',
  'createDate',
  'accountType',
  'status',
  'province',
  'city',
  'county',
  'mobilephone',
  'channel',
  'userLevel',
  'messageFlag',
  'emailFlag',
  'auditStatus',
  'postpaid',
  'fkRootUserid',
];
const contentNames = [
  'username',
  'password',
  'mobile',
  'email',
  'ct_user_id',
  'ct_account_id',
  'os_id',
  ...profileNames,
];

/** guess: the source says nothing of lengths. NIST SP 800-63B, 5.1.1.2: at least 8, at least up to 64, any characters. */
export const passwordLength = { least: 8, most: 128 };

/**
 * A user to be added (E49). guess: user name and password are needed, the rest is not: some portals know no mobile number.
 * `ct_user_id` counts in the body only; that of the query string is the caller's.
 *
 * @throws ApiError API_PARAMETER with everything that is missing or cannot be
 */
export function readNewUser(asked: SourceRequest): NewUser {
  const problems: Problem[] = [];
  const { username = null, email = null, mobile = null, accountId = null, profile = {} } = readContent(asked, problems);
  if (username === null) problems.push(parameter('username', 'is needed'));
  const userId = idOf(asked.body, 'ct_user_id', problems);
  const password = newPasswordOf(asked, 'password', problems);
  if (password === null) problems.push(parameter('password', 'is needed'));
  noteUnused(asked, contentNames);
  if (problems.length > 0) throw refused(problems);
  return { userId, accountId, username: username ?? '', email, mobile, profile, password: password ?? '' };
}

/**
 * What is to be changed of a user (E50). What is not given, or given empty, stays.
 *
 * @throws ApiError API_PARAMETER with everything that cannot be
 */
export function readUserChange(asked: SourceRequest): UserChange {
  const problems: Problem[] = [];
  const change = readContent(asked, problems);
  const password = newPasswordOf(asked, 'password', problems);
  noteUnused(asked, [...contentNames, 'user_id', 'id']);
  if (problems.length > 0) throw refused(problems);
  return { ...change, ...(password !== null && { password }) };
}

/** A password that is to be kept, exactly as sent; null when it is not given. */
export function newPasswordOf(asked: SourceRequest, name: string, problems: Problem[]): string | null {
  const password = secretOf(asked, name);
  if (password === null) return null;
  // Characters as people count them, not UTF-16 units.
  const { length } = Array.from(password);
  if (length < passwordLength.least || length > passwordLength.most) {
    problems.push(parameter(name, `must have ${passwordLength.least} to ${passwordLength.most} characters`));
  }
  return password;
}

/** The page of users that is asked for. @throws ApiError API_PAGE */
export function readUserPage(asked: SourceRequest, state: TenantState | null = null) {
  return { ...readPage(asked), username: nameOf(asked.fields, 'username'), state };
}

/** A user name or e-mail address as it is kept and compared: an é is one character, however it was typed. */
export function nameOf(fields: Record<string, unknown>, name: string): string | null {
  return textOf(fields, name)?.normalize('NFC') ?? null;
}

function readContent({ fields }: SourceRequest, problems: Problem[]): Omit<UserChange, 'password'> {
  const username = nameOf(fields, 'username');
  if (username !== null && username.length > 128) problems.push(parameter('username', 'has more than 128 characters'));
  const email = nameOf(fields, 'email');
  // RFC 5321, 4.5.3.1.3: 254 characters. Whether the address exists nobody can tell from looking at it.
  if (email !== null && (email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email))) {
    problems.push(parameter('email', 'is not an e-mail address'));
  }
  const mobile = textOf(fields, 'mobile');
  if (mobile !== null && !/^\+?[\d ()-]{3,32}$/.test(mobile)) {
    problems.push(parameter('mobile', 'must be a number of 3 to 32 digits, blanks, brackets and hyphens'));
  }
  const accountId = idOf(fields, 'ct_account_id', problems);
  const profile = readProfile(fields, problems);
  return {
    ...(username !== null && { username }),
    ...(email !== null && { email }),
    ...(mobile !== null && { mobile }),
    ...(accountId !== null && { accountId }),
    ...(Object.keys(profile).length > 0 && { profile }),
  };
}

function idOf(fields: Record<string, unknown>, name: string, problems: Problem[]): string | null {
  const id = textOf(fields, name);
  if (id !== null && !idForm.test(id)) {
    problems.push(parameter(name, 'must be 1 to 128 letters, digits, or one of . _ : @ -'));
  }
  return id;
}

function readProfile(fields: Record<string, unknown>, problems: Problem[]): TenantProfile {
  const profile: TenantProfile = {};
  for (const name of profileNames) {
    const value = fields[name];
    if (value === undefined) continue;
    // A JSON number or truth value stays one; a form has texts only.
    const kept = typeof value === 'boolean' || typeof value === 'number' ? value : textOf(fields, name);
    if (kept === null) continue;
    if (typeof kept === 'string' && kept.length > 500) problems.push(parameter(name, 'has more than 500 characters'));
    // 1e400 is Infinity here, which JSON has no way to keep.
    if (typeof kept === 'number' && !Number.isFinite(kept)) problems.push(parameter(name, 'is too large a number'));
    profile[name] = kept;
  }
  return profile;
}
