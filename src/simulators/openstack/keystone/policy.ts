import type { Call } from '../call.js';
import { forbidden } from '../errors.js';

/** @throws 403 unless the caller is an administrator. */
export function requireAdmin(call: Call, action: string): void {
  if (call.isAdmin) return;
  throw forbidden(`You are not authorized to perform the requested action: identity:${action}.`);
}

/** A user may look at itself and work on its own things. */
export function requireAdminOrSelf(call: Call, userId: string, action: string): void {
  if (call.caller.user.id !== userId) requireAdmin(call, action);
}

export const selfLink = (call: Call, path: string) => `${call.origin}/identity/v3${path}`;

/** Lists are never cut: `next` is always null. */
export const listLinks = (call: Call, path: string) => ({ next: null, self: selfLink(call, path), previous: null });
