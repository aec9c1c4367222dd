import { type Paint, painter, wantsColours } from './terminal.js';

/** Where a command reads and writes; tests put their own in. */
export interface Io {
  /** One line, or several. */
  out(text: string): void;
  err(text: string): void;
  /** Standard output is a terminal that can redraw. */
  isTerminal: boolean;
  columns: number;
  paint: Paint;
  env: NodeJS.ProcessEnv;
  now(): number;
  stdin: AsyncIterable<Uint8Array>;
}

export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  // `orderwright orders list | head` ends quietly.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const isTerminal = stdout.isTTY && env['TERM'] !== 'dumb';
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    isTerminal,
    // A pipe has no edge: whoever reads it wants the whole line.
    get columns() {
      return stdout.isTTY ? (stdout.columns ?? 100) : 10_000;
    },
    paint: painter(wantsColours(isTerminal, env)),
    env,
    now: Date.now,
    stdin,
  };
}

/** Exit codes of every command (contract.md). */
export const exitCodes = { done: 0, refused: 1, orderFailed: 2, usage: 64 } as const;

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    message: string,
    readonly exitCode: number = exitCodes.refused,
  ) {
    super(message);
  }
}
