import type { Io } from './io.js';

/**
 * Waits for Ctrl-C, for a service manager's SIGTERM, or for `end`. A second Ctrl-C does not wait for a graceful stop:
 * nothing is lost by it, that is what the rest of this program is for.
 *
 * @returns a promise of null when it was asked, of the reason when it had to end
 */
export function untilAsked(io: Pick<Io, 'err'>): { promise: Promise<string | null>; end: (reason: string) => void } {
  let resolve: (reason: string | null) => void = () => {};
  const promise = new Promise<string | null>((given) => {
    resolve = given;
  });
  let asked = false;
  const ask = () => {
    if (asked) process.exit(130);
    asked = true;
    io.err('');
    resolve(null);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  return { promise, end: (reason) => resolve(reason) };
}
