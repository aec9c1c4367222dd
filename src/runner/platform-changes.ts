import { isDeepStrictEqual } from 'node:util';
import type { NewPlatform, PlatformChange } from '../schemas/platform.js';
import type { PlatformRecord, StoredPlatform } from '../store/platforms.js';

/** Everything that people may read of what they wrote. */
export type PlainPlatform = Omit<NewPlatform, 'credentials'>;

/** A platform as people write it, without its credentials. */
export function plainOf({ platformId, name, kind, serviceUrl, settings, fields }: PlatformRecord): PlainPlatform {
  return { platformId, name, kind, serviceUrl, settings, ...fields };
}

/** What is given replaces what stood there; credentials are not looked at. */
export function edited(before: PlainPlatform, change: PlatformChange): PlainPlatform {
  const { credentials: _sealed, ...plain } = change;
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  return { ...before, ...given };
}

/** The row's columns. `loginName` is the one part of the credentials that is kept in the open. */
export function toStored(
  plain: PlainPlatform,
  state: StoredPlatform['state'],
  { sealedCredentials, loginName }: { sealedCredentials: Uint8Array; loginName: string | null },
): StoredPlatform {
  const { platformId, name, kind, serviceUrl, settings, ...fields } = plain;
  return { platformId, name, kind, serviceUrl, settings, fields, state, sealedCredentials, loginName };
}

/** Before and after of every field that differs, for the audit. Certificates are only said to differ: they are long. */
export function changesBetween(before: PlainPlatform, after: PlainPlatform): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const key of Object.keys(after) as (keyof PlainPlatform)[]) {
    if (isDeepStrictEqual(before[key], after[key])) continue;
    changes[key] =
      key === 'caCertificate' ? 'replaced' : { before: shown(key, before[key]), after: shown(key, after[key]) };
  }
  return changes;
}

function shown(key: keyof PlainPlatform, value: unknown): unknown {
  return key === 'serviceUrl' && typeof value === 'string' ? withoutUser(value) : value;
}

/** An address that somebody wrote a password into (by hand, or before that was refused) does not show it. */
export function withoutUser(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.username === '' && url.password === '') return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/** A text of a cloud without any of the credentials in it, should it repeat one. Shorter ones would cut up every text. */
export function withoutCredentials(credentials: Record<string, string>, text: string): string {
  const known = Object.values(credentials).filter((value) => value.length >= 6);
  return known.reduce((shorter, value) => shorter.replaceAll(value, '(secret)'), text);
}
