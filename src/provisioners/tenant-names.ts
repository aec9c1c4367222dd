import { createHash } from 'node:crypto';
import { z } from 'zod';

/** How a platform calls its tenants (Q26): text with `{accountId}` or `{userId}` in it. */
export const NamingRule = z
  .string()
  .min(1)
  .max(64)
  .refine(
    (rule) => /\{(accountId|userId)\}/.test(rule),
    'must contain {accountId} or {userId}: one name for all would put every customer into one account',
  );

/**
 * A tenant's name by the platform's rule. Letters, digits and `._@-`, which every cloud takes; the rest becomes `-`. What had to
 * be changed or cut ends in a hash of the whole, since two customers must not become one tenant.
 *
 * @param longest characters the cloud takes
 */
export function tenantName(rule: string, ids: { accountId: string; userId: string }, longest: number): string {
  const wanted = rule.replaceAll('{accountId}', ids.accountId).replaceAll('{userId}', ids.userId);
  const name = wanted.replaceAll(/[^A-Za-z0-9._@-]/g, '-');
  if (name === wanted && name.length <= longest) return name;
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return `${name.slice(0, longest - hash.length - 1)}-${hash}`;
}
