/** Evidence of a scenario's world: its database, its cloud, and everything that went over its broker. */
import { until } from '../support/scenario-wait.js';
import type { World } from '../support/scenario-world.js';
import type { Evidence, SentMessage } from './evidence.js';
import { cloudEvidence } from './from-cloud.js';

/** Between look-ups the worlds' platforms wait so long (`settleMs` in scenario-world.ts); absence takes two such waits. */
const settleWindowMs = 2 * 400;

/**
 * @param posted what senders posted over HTTP and how they were answered; what came through Kafka is read off the broker
 * @param more evidence that only the scenario has: secrets, outputs, levers, callbacks
 */
export async function evidenceOf(
  world: World,
  posted: readonly SentMessage[] = [],
  more: Pick<Evidence, 'callbacks' | 'levers' | 'outputs' | 'secrets'> = {},
): Promise<Evidence> {
  const { billing } = world;
  const intake = await billing.intake(world.groupId);
  // What the broker has and billing's own reader has not seen yet would look as if nobody had sent it.
  const records = new Map<string, SentMessage>();
  const ends = intake.partitions.reduce((sum, { end }) => sum + end, 0);
  await until(
    'every record to be read back',
    () => {
      for (const record of billing.records) records.set(`${record.place?.partition} ${record.place?.offset}`, record);
      return Promise.resolve({ done: records.size >= ends, seen: `${records.size} of ${ends}` });
    },
    30_000,
  );
  return {
    ...more,
    sql: world.pool,
    clouds: [await cloudEvidence(world.cloud, { name: 'cloud', settleWindowMs })],
    sent: [...records.values(), ...posted],
    intake,
    events: billing.events,
    rejected: billing.rejections,
    outputs: more.outputs ?? [{ name: 'worker log', text: world.workerLogs() }],
  };
}
