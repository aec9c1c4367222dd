/** Which broker is taken, with a machine made of answers. */
import { expect, test } from '@jest/globals';
import { findKafkaBroker, type BrokerProbes } from '../../src/embedded/kafka-broker.js';
import { pom } from '../../src/embedded/kafka/artifacts.js';
import { containerEnvironment, serverProperties } from '../../src/embedded/kafka/settings.js';

interface Machine {
  brokers?: string;
  docker?: 'answers' | 'cannot-run';
  java?: string;
}

async function find(machine: Machine) {
  const asked: string[] = [];
  const lines: string[] = [];
  const broker = { brokers: ['127.0.0.1:1'], version: '4.3.1', stop: () => Promise.resolve() };
  const probes: BrokerProbes = {
    environment: () => machine.brokers,
    dockerAnswers: () => {
      asked.push('docker?');
      return Promise.resolve(machine.docker !== undefined);
    },
    startDocker: () => {
      asked.push('docker');
      return machine.docker === 'answers' ? Promise.resolve(broker) : Promise.reject(new Error('no such image'));
    },
    startJava: ({ major, detached }) => {
      asked.push(`java ${major}${detached ? ' detached' : ''}`);
      return machine.java === undefined ? Promise.resolve(broker) : Promise.reject(new Error(machine.java));
    },
  };
  const found = await findKafkaBroker({ dataDir: '/nowhere', log: (line) => lines.push(line) }, probes);
  return { found, asked, lines };
}

test('a broker of the environment comes first and nothing else is asked', async () => {
  const { found, asked } = await find({ brokers: ' kafka-1:9092, kafka-2:9092,', docker: 'answers' });
  expect(found).toMatchObject({ how: 'environment', brokers: ['kafka-1:9092', 'kafka-2:9092'] });
  expect(asked).toEqual([]);
});

test('then Docker, where it answers', async () => {
  const { found, asked } = await find({ brokers: '', docker: 'answers' });
  expect(found).toMatchObject({ how: 'docker', version: '4.3.1' });
  expect(asked).toEqual(['docker?', 'docker']);
});

test('then Maven Central and Java, also when Docker answers but cannot run the image', async () => {
  expect(await find({})).toMatchObject({ found: { how: 'maven' }, asked: ['docker?', 'java 4'], lines: [] });
  const { found, asked } = await find({ docker: 'cannot-run' });
  expect(found?.how).toBe('maven');
  expect(asked).toEqual(['docker?', 'docker', 'java 4']);
});

test('none: one line that names every reason', async () => {
  const { found, lines } = await find({ docker: 'cannot-run', java: 'there is no Java\nat line 7' });
  expect(found).toBeNull();
  expect(lines).toEqual([
    'No Kafka broker: KAFKA_BROKERS is not set; Docker answers but could not run Kafka (no such image); there is no Java.',
  ]);
});

test('one broker is enough for its internal topics, however it is run', () => {
  for (const major of ['4', '3'] as const) {
    const text = serverProperties(major, 9092, 9093, '/data');
    expect(text).toContain('offsets.topic.replication.factor=1\n');
    expect(text).toContain('listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n');
    expect(text.includes('share.coordinator')).toBe(major === '4');
  }
  expect(containerEnvironment(5555)).toMatchObject({
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://127.0.0.1:5555',
  });
});

test('each version comes with the logging it was built for', () => {
  expect(pom('4', '4.3.1')).toContain('<artifactId>log4j-core</artifactId>');
  expect(pom('3', '3.9.1')).toContain('<artifactId>reload4j</artifactId>');
});
