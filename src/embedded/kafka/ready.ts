import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';

const { Kafka, logLevel } = kafkajs;

/** Whether a cluster answers there and has a controller. Asks once. */
export async function answers(brokers: string[]): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'orderwright-probe',
    brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers: found, controller } = await admin.describeCluster();
    return found.length > 0 && controller !== null;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Waits until the cluster answers, `ended` says why it never will, or the time is over. */
export async function untilReady(brokers: string[], timeoutMs: number, ended: () => string | null): Promise<void> {
  for (const giveUpAt = Date.now() + timeoutMs; ; await sleep(200)) {
    if (await answers(brokers)) return;
    const why = ended();
    if (why !== null) throw new Error(`it ended with ${why}`);
    if (Date.now() > giveUpAt) throw new Error(`it did not answer within ${timeoutMs / 1000} s`);
  }
}
