import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../../config.js';
import { armCrashPoints } from '../../crash-point.js';
import { startEmbeddedProfile } from '../../embedded/profile.js';
import { packageVersion } from '../../http/package-version.js';
import { endOnError } from '../../end-on-error.js';
import { createLog, startOrderwright } from '../../main.js';
import { startSimulated } from '../../simulators/http.js';
import { simulatedCloudOf, simulatedClouds } from '../../simulators/registry.js';
import { migrationStatus, revertLastMigration, runMigrations } from '../../store/migrate.js';
import { defaultDataDir } from '../api.js';
import { CommandError, exitCodes, type Io } from '../io.js';
import { describeUp } from '../up-words.js';
import { untilAsked } from '../until-asked.js';

/** Commands that run something themselves instead of asking the API. */
export function addServiceCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command('up')
    .description('everything on this machine: PostgreSQL, two simulated clouds, the worker and its API')
    .option('--port <n>', 'port of the API (8080, or a free one)', readPort)
    .option('--data <dir>', 'where everything is kept', defaultDataDir)
    .addOption(cloudOption())
    .action(async ({ port, data, cloud }: { port?: number; data: string; cloud?: string }) => {
      const asked = untilAsked(io);
      const profile = await startEmbeddedProfile({
        dataDir: data,
        port: port ?? null,
        cloud: cloud ?? null,
        env: io.env,
        say: (line) => io.status(line),
        onFatal: asked.end,
      });
      io.out(describeUp(profile, packageVersion(), io).join('\n'));
      const reason = await asked.promise;
      io.err(io.paint('grey', 'stopping…'));
      await profile.stop();
      done(reason === null ? exitCodes.done : exitCodes.refused);
    });

  program
    .command('serve')
    .description('worker and API from the environment: DATABASE_URL, KAFKA_BROKERS …')
    .option('--migrate', 'apply missing migrations first')
    .action(async ({ migrate }: { migrate?: boolean }) => {
      const config = loadConfig(io.env, 'scale-out');
      const crash = armCrashPoints(io.env);
      if (crash !== null) io.err(`This is a crash test: ${crash}.`);
      const asked = untilAsked(io);
      const log = createLog(config.logLevel);
      endOnError(log);
      const running = await startOrderwright(config, { migrate: migrate === true, log, onFatal: asked.end });
      const reason = await asked.promise;
      await running.stop();
      if (reason !== null) io.err(reason);
      const exitCode = reason === null ? exitCodes.done : exitCodes.refused;
      done(exitCode);
      // What could not be stopped (it waits for a database or a broker that is away) must not keep the process alive.
      setTimeout(() => process.exit(exitCode), 500).unref();
    });

  const migrate = program.command('migrate').description('the tables of DATABASE_URL');
  migrate
    .command('up')
    .description('applies what is missing; several may do so at once')
    .action(async () => {
      const applied = await runMigrations(databaseUrl(io));
      io.out(
        applied.length === 0
          ? 'Nothing to do: the database is up to date.'
          : applied.map((one) => `applied ${one}`).join('\n'),
      );
    });
  migrate
    .command('down')
    .description('takes the newest migration back')
    .action(async () => {
      const name = await revertLastMigration(databaseUrl(io));
      io.out(name === null ? 'Nothing to do: no migration is applied.' : `took back ${name}`);
    });
  migrate
    .command('status')
    .description('every migration and whether the database has it (exit code 1 when one is missing)')
    .option('--json', 'print as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await migrationStatus(databaseUrl(io));
      if (json) io.out(JSON.stringify(status, null, 2));
      else {
        for (const { name, applied } of status) {
          io.out(`${applied ? io.paint('green', '✔ applied') : io.paint('yellow', '· missing')}  ${name}`);
        }
      }
      done(status.every((one) => one.applied) ? exitCodes.done : exitCodes.refused);
    });

  program
    .command('simulate')
    .addArgument(new Argument('<cloud>').choices(Object.keys(simulatedClouds)))
    .description('one simulated cloud alone, on its real wire format, with a control side under /_sim/')
    .option('--port <n>', 'port (a free one)', readPort)
    .option('--release <release>', 'which release of CloudStack to behave like: 4.4, 4.9, 4.13, 4.19, 4.22')
    .option('--latency <min-max>', 'how long jobs take, in milliseconds', readLatency, { min: 200, max: 800 })
    .option('--seed <n>', 'makes ids, latencies and faults repeatable', readSeed)
    .action(async (cloud: string, { port, latency, ...options }: SimulateOptions) => {
      const kind = simulatedCloudOf(cloud);
      const asked = untilAsked(io);
      const simulator = await startSimulated(
        kind.build({ ...options, latencyMs: latency }, io.env),
        { port: port ?? 0 },
        kind.servicePath,
      );
      io.out(`Simulated ${kind.title}${options.release ? ` ${options.release}` : ''}: ${simulator.serviceUrl}`);
      io.out(`Control side: ${simulator.url}/_sim/resources, /_sim/calls, /_sim/faults …`);
      await asked.promise;
      await simulator.close();
    });
}

/** Which clouds `up` and the demo simulate. */
export function cloudOption(): Option {
  const text = 'what the simulated data centres of a new data folder are (default: one of each)';
  return new Option('--cloud <kind>', text).choices(Object.keys(simulatedClouds));
}

interface SimulateOptions {
  port?: number;
  release?: string;
  latency: { min: number; max: number };
  seed?: number;
}

function databaseUrl(io: Io): string {
  const url = io.env['DATABASE_URL'];
  if (url) return url;
  throw new CommandError(
    'DATABASE_URL is not set. ("orderwright up" has a database of its own and migrates it at every start.)',
  );
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}

function readSeed(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A seed is a whole number.');
  return Number(text);
}

function readLatency(text: string): { min: number; max: number } {
  const [, min, max] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(text) ?? [];
  const range = { min: Number(min), max: Number(max ?? min) };
  if (min === undefined || range.min > range.max) throw new InvalidArgumentError('Write it as 200-800.');
  return range;
}
