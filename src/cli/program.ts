import { Command, CommanderError } from 'commander';
import { EmbeddedError } from '../embedded/embedded-error.js';
import { ConfigError } from '../config.js';
import { packageVersion } from '../http/package-version.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addKeyCommands } from './commands/keys.js';
import { addLeverCommands } from './commands/levers.js';
import { addPlatformCommands } from './commands/platforms.js';
import { addReadingCommands } from './commands/reading.js';
import { addRegistrationCommands } from './commands/registrations.js';
import { addServiceCommands } from './commands/service.js';
import { addSubmitCommand } from './commands/submit.js';
import { addTokenCommands } from './commands/tokens.js';
import { CommandError, exitCodes, type Io } from './io.js';

/**
 * Runs one command.
 *
 * @param args without `node` and the script
 * @returns the exit code
 */
export async function runCommand(args: string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.done;
  const done = (code: number) => {
    exitCode = code;
  };
  const program = new Command('orderwright')
    .description('Durable work-order processor: every order gets an answer, nothing is built twice, nothing is lost.')
    .version(packageVersion())
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) });
  addServiceCommands(program, io, done);
  addSubmitCommand(program, io, done);
  addReadingCommands(program, io, done);
  addLeverCommands(program, io);
  addPlatformCommands(program, io, done);
  addRegistrationCommands(program, io);
  addTokenCommands(program, io);
  addKeyCommands(program, io, done);
  addDoctorCommand(program, io, done);
  inherit(program);
  try {
    if (args.length === 0) {
      program.outputHelp();
      return exitCodes.usage;
    }
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, io);
  }
}

/** Sub-commands take over neither the exit nor the output of the program by themselves. */
function inherit(command: Command): void {
  for (const one of command.commands) {
    one.copyInheritedSettings(command);
    inherit(one);
  }
}

function report(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandError) {
    io.err(error.message);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    io.err(
      `The environment is not complete:\n${error.problems.map((one) => `  ${one.variable} ${one.problem}`).join('\n')}`,
    );
    io.err('"orderwright doctor" explains every variable.');
    return exitCodes.refused;
  }
  const { message, code } = error as { message?: string; code?: string };
  // Node's own network errors have an empty message when they were tried on several addresses.
  io.err(message || code || String(error));
  if (!(error instanceof EmbeddedError) && io.env['LOG_LEVEL'] === 'debug') io.err((error as Error).stack ?? '');
  return exitCodes.refused;
}
