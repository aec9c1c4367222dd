/** Apache Kafka's jars from Maven Central, fetched once per version into the user's cache folder. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, withFileLock } from '../file-lock.js';

const run = promisify(execFile);
const MANIFEST = 'manifest.json';

/** What is asked for per major version, best first. All of them were run; see docs/kafka.md. */
export const KAFKA_RELEASES = { '4': ['4.3.1', '4.1.1'], '3': ['3.9.1'] } as const;
export type KafkaMajor = keyof typeof KAFKA_RELEASES;

/** The oldest Java that runs the broker. */
export const JAVA_NEEDED = { '4': 17, '3': 11 } as const;

/** Kafka 4 logs through Log4j 2, Kafka 3 through reload4j; without either it would not log at all. */
const LOGGING: Record<KafkaMajor, [group: string, artifact: string, version: string][]> = {
  '4': [
    ['org.apache.logging.log4j', 'log4j-core', '2.24.3'],
    ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
  ],
  '3': [
    ['ch.qos.reload4j', 'reload4j', '1.2.25'],
    ['org.slf4j', 'slf4j-reload4j', '1.7.36'],
  ],
};

export function pom(major: KafkaMajor, version: string): string {
  const dependencies = [['org.apache.kafka', 'kafka_2.13', version], ...LOGGING[major]].map(
    ([group, artifact, release]) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version></dependency>`,
  );
  return `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-broker</artifactId><version>0</version><packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}

/** The folder with the jars and the version it holds. Throws with the reason when they cannot be had. */
export async function kafkaJars(
  major: KafkaMajor,
  log: (line: string) => void,
  cacheRoot: string = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'orderwright'),
): Promise<{ folder: string; version: string }> {
  for (const version of KAFKA_RELEASES[major]) {
    const folder = join(cacheRoot, `kafka-${version}`);
    if (await isComplete(folder)) return { folder, version };
  }
  await mkdir(cacheRoot, { recursive: true });
  return withFileLock(join(cacheRoot, `kafka-${major}.lock`), 300_000, async () => {
    let reason = '';
    for (const version of KAFKA_RELEASES[major]) {
      const folder = join(cacheRoot, `kafka-${version}`);
      if (await isComplete(folder)) return { folder, version };
      log(`fetching Apache Kafka ${version} from Maven Central (first run only)…`);
      try {
        await fetchJars(major, version, folder);
        return { folder, version };
      } catch (error) {
        reason ||= `Maven could not fetch Apache Kafka ${version}: ${reasonOf(error)}`;
        if (reason.includes('ENOENT')) break; // no Maven at all
      }
    }
    throw new Error(reason.includes('ENOENT') ? 'there is no Maven ("mvn") to fetch Apache Kafka with' : reason);
  });
}

async function fetchJars(major: KafkaMajor, version: string, folder: string): Promise<void> {
  const fresh = `${folder}.${randomUUID()}`;
  await mkdir(fresh, { recursive: true });
  try {
    await writeFile(join(fresh, 'pom.xml'), pom(major, version));
    const args = ['-q', '-B', '-f', 'pom.xml', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    const windows = process.platform === 'win32';
    await run(windows ? 'mvn.cmd' : 'mvn', [...args, '-DoutputDirectory=lib'], {
      cwd: fresh,
      timeout: 300_000,
      maxBuffer: 16_000_000,
      shell: windows,
    });
    const files: Record<string, number> = {};
    for (const name of await readdir(join(fresh, 'lib'))) files[name] = (await stat(join(fresh, 'lib', name))).size;
    await writeFile(join(fresh, MANIFEST), JSON.stringify(files));
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function isComplete(folder: string): Promise<boolean> {
  const manifest = join(folder, MANIFEST);
  if (!existsSync(manifest)) return false;
  try {
    const files: unknown = JSON.parse(await readFile(manifest, 'utf8'));
    if (typeof files !== 'object' || files === null) return false;
    const sizes = await Promise.all(
      Object.entries(files).map(async ([name, size]) => (await stat(join(folder, 'lib', name))).size === size),
    );
    return sizes.length > 0 && sizes.every(Boolean);
  } catch {
    return false;
  }
}

/** Maven prints its reason on standard output, after `[ERROR]`. */
function reasonOf(error: unknown): string {
  const stdout = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
  const line = stdout.split('\n').find((text) => text.includes('[ERROR]'));
  return (line ?? messageOf(error)).replace(/^.*\[ERROR\]\s*/, '').slice(0, 300);
}
