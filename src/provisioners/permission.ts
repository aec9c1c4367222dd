import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Whether requests of a piece of work may still leave. A process that was frozen wakes up in the middle of an adapter's
 * work, between a look and the creation that follows from it, say: by then another worker may have done that work. Asking
 * once before the work begins is not enough (seen: two service offerings under one marker), nor is asking before a request
 * is handed to the HTTP client (seen: it waited for its connection, and left 5 ms after the process woke up). So `http.ts`
 * asks for every single request, when its bytes are wanted. The permission is carried in the asynchronous context, because
 * no adapter should have to think of it.
 */
export interface Permission {
  /** Asked first; costs nothing. */
  now(): boolean;
  /** Resolves when it may leave after all. @throws when it never may */
  later(): Promise<void>;
}

const current = new AsyncLocalStorage<Permission | undefined>();

/** Runs `work`, each request of which needs the permission. */
export function withPermission<T>(permission: Permission, work: () => Promise<T>): Promise<T> {
  return current.run(permission, work);
}

/**
 * Runs work that is another's. What one piece of work sets off (the next turn, a timer, a probe) is begun in its context, and
 * would ask for its permission: one order that was given up stopped the polls of all for ever (seen).
 */
export function withoutPermission<T>(work: () => Promise<T>): Promise<T> {
  return current.run(undefined, work);
}

/** The permission that the current work needs; undefined for work that needs none. */
export function currentPermission(): Permission | undefined {
  return current.getStore();
}
