/** One real Kafka broker per test run, started by the first test that needs it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { findKafkaBroker } from '../../src/embedded/kafka-broker.js';
import { runFolder, sharedServer, type ServerRecord } from './run-folder.js';

interface BrokerServer extends ServerRecord {
  brokers: string[];
}

/**
 * The run's broker. Where none can be had this throws and the test fails: "it passed" must never mean "it was not run".
 * Its first call takes some ten seconds; give the hook or test that makes it a minute or two.
 */
export async function kafkaForTests(): Promise<{ brokers: string[] }> {
  const { brokers } = await sharedServer<BrokerServer>('kafka', async () => {
    const lines: string[] = [];
    const found = await findKafkaBroker({
      dataDir: join(runFolder(), 'kafka'),
      detached: true, // shared by all workers, ended by the reaper
      log: (line) => lines.push(line),
      ...(process.env['ORDERWRIGHT_TEST_KAFKA'] === '3' ? { version: '3' } : {}),
    });
    if (found === null) throw new Error(`${lines.at(-1)} This test needs a broker.`);
    const { pid, containerId } = found;
    return {
      brokers: found.brokers,
      ...(pid === undefined ? {} : { pid, signal: 'SIGTERM' }),
      ...(containerId === undefined ? {} : { container: containerId }),
    };
  });
  return { brokers };
}

/** A topic name that no other test uses. */
export function uniqueTopic(name: string): string {
  return `${name}.${randomBytes(5).toString('hex')}`;
}
