/** Apache Kafka as a process of this machine's Java. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError } from '../embedded-error.js';
import { isAlive, messageOf, withFileLock } from '../file-lock.js';
import { freePort } from '../free-port.js';
import { endProcess, guard } from '../guard.js';
import { JAVA_NEEDED, kafkaJars, type KafkaMajor } from './artifacts.js';
import { answers, untilReady } from './ready.js';
import { JVM_FLAGS, loggingFlag, loggingProperties, serverProperties } from './settings.js';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 90_000;

export interface JavaBroker {
  brokers: string[];
  version: string;
  pid: number;
  stop(): Promise<void>;
}

interface BrokerRecord {
  pid: number;
  port: number;
  version: string;
}

function javaCommand(): string {
  const home = process.env['JAVA_HOME'];
  const inHome = home === undefined ? '' : join(home, 'bin', process.platform === 'win32' ? 'java.exe' : 'java');
  return existsSync(inHome) ? inHome : 'java';
}

/** Why there is no Java for this version of Kafka, or null when there is one. */
export async function javaMissing(major: KafkaMajor): Promise<string | null> {
  const needed = JAVA_NEEDED[major];
  try {
    const { stderr, stdout } = await run(javaCommand(), ['-version'], { timeout: 20_000 });
    const found = Number(/version "(?:1\.)?(\d+)/.exec(stderr + stdout)?.[1] ?? Number.NaN);
    return found >= needed ? null : `Java ${found} is too old, Kafka ${major} needs ${needed}`;
  } catch {
    return `there is no Java (${needed} or newer) to run Apache Kafka with`;
  }
}

export async function startJavaBroker(options: {
  dataDir: string;
  major: KafkaMajor;
  detached: boolean;
  log: (line: string) => void;
}): Promise<JavaBroker> {
  const missing = await javaMissing(options.major);
  if (missing !== null) throw new Error(missing);
  const { folder, version } = await kafkaJars(options.major, options.log);
  const { dataDir } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return withFileLock(join(dataDir, 'kafka.lock'), 2 * READY_TIMEOUT_MS, async () => {
    const recordFile = join(dataDir, 'kafka.json');
    const living = await readRecord(recordFile);
    if (living !== null && isAlive(living.pid)) {
      if (await answers([`127.0.0.1:${living.port}`])) return handle(living, recordFile);
      await endLeftover(living.pid, dataDir);
    }
    options.log(`starting Apache Kafka ${version}…`);
    return handle(await launch({ ...options, jars: folder, version, recordFile }), recordFile);
  });
}

/** Ends a broker of this folder that was left half started; a process of another program is left alone. */
async function endLeftover(pid: number, dataDir: string): Promise<void> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (command.includes(join(dataDir, 'server.properties'))) await endProcess(pid);
}

function handle(record: BrokerRecord, recordFile: string): JavaBroker {
  return {
    brokers: [`127.0.0.1:${record.port}`],
    version: record.version,
    pid: record.pid,
    stop: async () => {
      await endProcess(record.pid);
      await rm(recordFile, { force: true });
    },
  };
}

async function readRecord(file: string): Promise<BrokerRecord | null> {
  try {
    const text: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof text !== 'object' || text === null) return null;
    if (!('pid' in text) || !('port' in text) || !('version' in text)) return null;
    return { pid: Number(text.pid), port: Number(text.port), version: String(text.version) };
  } catch {
    return null;
  }
}

async function launch(options: {
  dataDir: string;
  major: KafkaMajor;
  detached: boolean;
  jars: string;
  version: string;
  recordFile: string;
}): Promise<BrokerRecord> {
  const { dataDir, major } = options;
  const properties = join(dataDir, 'server.properties');
  const logging = join(dataDir, 'logging.properties');
  const consoleFile = join(dataDir, 'kafka-console.log');
  await writeFile(logging, loggingProperties(major, join(dataDir, 'kafka.log')));
  // "lib/*" is for Java to expand. JAVA_TOOL_OPTIONS and the like of the caller are left out.
  const java = [...JVM_FLAGS, loggingFlag(major, logging), '-cp', join(options.jars, 'lib', '*')];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(KAFKA_|JAVA_TOOL|_JAVA)/.test(name)),
  );
  for (let attempt = 1; ; attempt++) {
    const [port, controllerPort] = [await freePort(), await freePort()];
    await writeFile(properties, serverProperties(major, port, controllerPort, dataDir));
    if (!existsSync(join(dataDir, 'log', 'meta.properties'))) {
      // A cluster id is 16 bytes in base64url that do not begin with a dash.
      const id = `A${randomBytes(16).toString('base64url').slice(1)}`;
      const format = ['format', '-t', id, '-c', properties, '--ignore-formatted'];
      await run(javaCommand(), [...java, 'kafka.tools.StorageTool', ...format], { env, timeout: 60_000 });
    }
    const output = openSync(consoleFile, 'a', 0o600);
    const child = spawn(javaCommand(), [...java, 'kafka.Kafka', properties], {
      cwd: dataDir,
      env,
      stdio: ['ignore', output, output],
      detached: true, // Ctrl-C is for us; the broker goes when we say so, or when we are gone
      windowsHide: true,
    });
    closeSync(output);
    let ended: string | null = null;
    child.once('error', (error) => (ended = error.message));
    child.once('exit', (code, signal) => (ended = signal ?? `exit code ${code}`));
    child.unref();
    const { pid } = child;
    const record: BrokerRecord = { pid: pid ?? 0, port, version: options.version };
    if (pid !== undefined) {
      // At once, so that it can be found and ended even if we are killed while it starts.
      writeFileSync(options.recordFile, JSON.stringify(record), { mode: 0o600 });
      if (!options.detached) guard(pid);
    }
    try {
      await untilReady([`127.0.0.1:${port}`], READY_TIMEOUT_MS, () => ended);
      return record;
    } catch (error) {
      if (pid !== undefined) await endProcess(pid);
      const said =
        (await readFile(consoleFile, 'utf8').catch(() => '')) +
        (await readFile(join(dataDir, 'kafka.log'), 'utf8').catch(() => ''));
      if (/Address already in use|BindException/.test(said) && attempt < 3) continue;
      const tail = said.trim().split('\n').slice(-6).join('\n');
      throw new EmbeddedError('SYS_KAFKA_START', `Apache Kafka did not start: ${messageOf(error)}\n${tail}`);
    }
  }
}
