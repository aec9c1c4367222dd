/**
 * Finds a Kafka broker for the demo, the benchmark and the tests, in this order: `KAFKA_BROKERS`; a container where
 * Docker answers; Apache Kafka from Maven Central run with this machine's Java.
 */
import { messageOf } from './file-lock.js';
import type { KafkaMajor } from './kafka/artifacts.js';
import { dockerAnswers, startDockerBroker } from './kafka/docker-broker.js';
import { startJavaBroker } from './kafka/java-broker.js';

export interface KafkaBroker {
  brokers: string[];
  how: 'environment' | 'docker' | 'maven';
  /** Such as `4.3.1`; '' when it is not ours to know. */
  version: string;
  /** The broker's process, when it is one of this machine. */
  pid?: number;
  /** The broker's container, when it runs in one. */
  containerId?: string;
  /** Stops what was started; a broker from the environment is left alone. */
  stop(): Promise<void>;
}

export interface FindKafkaBrokerOptions {
  /** The broker's data, settings and logs. Made if missing. */
  dataDir: string;
  /** Default: 4. */
  version?: KafkaMajor;
  /** Let it outlive this process. Default: it ends with us, even when we are killed. */
  detached?: boolean;
  /** One line per thing that takes time, and one when no broker can be had. */
  log: (line: string) => void;
}

/** What the search asks of the machine; tests put their own in. */
export interface BrokerProbes {
  environment(): string | undefined;
  dockerAnswers(): Promise<boolean>;
  startDocker(options: { major: KafkaMajor; log: (line: string) => void }): Promise<Omit<KafkaBroker, 'how'>>;
  startJava(options: {
    dataDir: string;
    major: KafkaMajor;
    detached: boolean;
    log: (line: string) => void;
  }): Promise<Omit<KafkaBroker, 'how'>>;
}

const machine: BrokerProbes = {
  environment: () => process.env['KAFKA_BROKERS'],
  dockerAnswers,
  startDocker: startDockerBroker,
  startJava: startJavaBroker,
};

export async function findKafkaBroker(
  options: FindKafkaBrokerOptions,
  probes: BrokerProbes = machine,
): Promise<KafkaBroker | null> {
  const { log } = options;
  const major = options.version ?? '4';
  const reasons = ['KAFKA_BROKERS is not set'];

  const brokers = (probes.environment() ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  if (brokers.length > 0) return { brokers, how: 'environment', version: '', stop: () => Promise.resolve() };

  if (await probes.dockerAnswers()) {
    try {
      return { ...(await probes.startDocker({ major, log })), how: 'docker' };
    } catch (error) {
      reasons.push(`Docker answers but could not run Kafka (${messageOf(error)})`);
    }
  } else reasons.push('Docker does not answer');

  try {
    const detached = options.detached === true;
    return { ...(await probes.startJava({ dataDir: options.dataDir, major, detached, log })), how: 'maven' };
  } catch (error) {
    reasons.push(messageOf(error));
  }
  log(`No Kafka broker: ${reasons.join('; ')}.`);
  return null;
}
