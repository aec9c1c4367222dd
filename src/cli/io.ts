import { type Paint, painter, wantsColours } from './terminal.js';

/** Where a command reads and writes; tests put their own in. */
export interface Io {
  /** One line, or several. */
  out(text: string): void;
  err(text: string): void;
  /** What is being done right now; gives way to the next line on a terminal. */
  status(text: string): void;
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
  const paint = painter(wantsColours(isTerminal, env));
  let shown = false;
  const forget = () => {
    const erase = shown ? '\r\u001b[K' : '';
    shown = false;
    return erase;
  };
  return {
    out: (text) => void stdout.write(`${forget()}${text}\n`),
    err: (text) => void stderr.write(`${forget()}${text}\n`),
    status: (text) => {
      if (!isTerminal) stderr.write(`${text}\n`);
      else stdout.write(`\r\u001b[K${paint('grey', text)}`);
      shown = isTerminal;
    },
    isTerminal,
    // A pipe has no edge: whoever reads it wants the whole line.
    get columns() {
      return stdout.isTTY ? (stdout.columns ?? 100) : 10_000;
    },
    paint,
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
