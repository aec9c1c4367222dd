import type { Logger } from 'pino';

/**
 * An error that nobody caught leaves this process in a state nobody knows: it is logged, the log is written out, and the
 * process ends, for a supervisor to start it again. Nothing is lost by that; going on could lose something.
 */
export function endOnError(log: Logger): void {
  const end = (what: string) => (error: unknown) => {
    // Never its message: libraries put values into it. Where it happened says enough.
    const { name, code, stack = '' } = (error instanceof Error ? error : new Error()) as Error & { code?: unknown };
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
    // pino writes a fatal line, and whatever waits before it, before it returns.
    log.fatal(
      { what, name, code: typeof code === 'string' ? code : undefined, at: frames.join('\n') },
      'ended by an error',
    );
    process.exit(1);
  };
  process.on('uncaughtException', end('exception'));
  process.on('unhandledRejection', end('rejection'));
}
