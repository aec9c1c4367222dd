import { Command, CommanderError } from 'commander';
import { EmbeddedError } from '../embedded/embedded-error.js';
import { cloudOption } from './commands/service.js';
import { runDemo } from './demo/run-demo.js';
import { CommandError, exitCodes, processIo } from './io.js';

const io = processIo();
const program = new Command('npm run demo --')
  .description('Starts everything on this machine, sends real work orders and shows how they are built.')
  .option('--kafka', 'send the orders through a real Kafka broker')
  .option('--keep', 'stay up afterwards')
  .option('--data <dir>', 'keep the data in this folder')
  .addOption(cloudOption())
  .exitOverride();
try {
  program.parse();
  const { kafka, keep, data, cloud } = program.opts<{
    kafka?: boolean;
    keep?: boolean;
    data?: string;
    cloud?: string;
  }>();
  // Built files lie in dist/src/cli.
  const samples = new URL('../../../examples/work-orders/', import.meta.url);
  const options = {
    data: data ?? null,
    cloud: cloud ?? null,
    kafka: kafka === true,
    keep: keep === true,
    samples,
  };
  process.exitCode = await runDemo(options, io);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else {
    process.exitCode = exitCodes.refused;
    const known = error instanceof EmbeddedError || error instanceof CommandError;
    io.err(known ? error.message : ((error as Error).stack ?? String(error)));
  }
}
