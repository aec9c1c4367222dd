/** Apache Kafka in a container, through testcontainers; only where a Docker engine really answers. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.js';
import type { KafkaMajor } from './artifacts.js';
import { untilReady } from './ready.js';
import { containerEnvironment } from './settings.js';

const run = promisify(execFile);
const PROBE_MS = 1_500;
const READY_TIMEOUT_MS = 60_000;
const IMAGES: Record<KafkaMajor, string> = { '4': '4.1.1', '3': '3.9.1' };

export interface DockerBroker {
  brokers: string[];
  version: string;
  containerId: string;
  stop(): Promise<void>;
}

/** Whether a Docker engine answers, found out in less than two seconds. */
export async function dockerAnswers(): Promise<boolean> {
  const host = process.env['DOCKER_HOST'] ?? '';
  if (host !== '' && !host.startsWith('unix://')) {
    return run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: PROBE_MS }).then(
      ({ stdout }) => stdout.trim() !== '',
      () => false,
    );
  }
  const sockets =
    host !== ''
      ? [host.slice('unix://'.length)]
      : process.platform === 'win32'
        ? ['//./pipe/docker_engine']
        : [
            '/var/run/docker.sock',
            join(homedir(), '.docker', 'run', 'docker.sock'),
            join(process.env['XDG_RUNTIME_DIR'] ?? '/nonexistent', 'docker.sock'),
          ];
  const answered = await Promise.all(sockets.map(ping));
  return answered.includes(true);
}

function ping(socketPath: string): Promise<boolean> {
  if (process.platform !== 'win32' && !existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((done) => {
    const asked = request({ socketPath, path: '/_ping', timeout: PROBE_MS }, (answer) => {
      answer.resume();
      done(answer.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', () => done(false));
    asked.end();
  });
}

export async function startDockerBroker(options: {
  major: KafkaMajor;
  log: (line: string) => void;
}): Promise<DockerBroker> {
  const { GenericContainer } = await import('testcontainers');
  const version = IMAGES[options.major];
  const port = await freePort();
  options.log(`starting Apache Kafka ${version} in Docker…`);
  // The port is chosen before the start, because the broker has to be told which address to give to clients.
  const container = await new GenericContainer(`apache/kafka:${version}`)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment(containerEnvironment(port))
    .start();
  const stop = async (): Promise<void> => {
    await container.stop();
  };
  const brokers = [`127.0.0.1:${port}`];
  try {
    await untilReady(brokers, READY_TIMEOUT_MS, () => null);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  return { brokers, version, containerId: container.getId(), stop };
}
