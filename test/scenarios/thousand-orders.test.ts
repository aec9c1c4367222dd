/** The measure of the main job: a thousand orders, some sent twice, some damaged, all through Kafka. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { violations } from '../support/scenario-checks.js';
import { gather } from '../support/scenario-evidence.js';
import { makeScenario } from '../support/scenario-orders.js';
import { scenarioSeed, scenarioSize, seededRandom } from '../support/scenario-random.js';
import { untilQuiet } from '../support/scenario-wait.js';
import { World } from '../support/scenario-world.js';

const size = scenarioSize(1_000);

describe(`${size} orders through Kafka, a tenth sent twice, a twentieth damaged`, () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start('thousand');
  }, 240_000);
  afterAll(() => world?.stop(), 60_000);

  it(
    'completes every good order exactly once, and sets every damaged one aside with its reason',
    async () => {
      const random = seededRandom(scenarioSeed('thousand-orders'));
      const scenario = makeScenario(random, { orders: size, duplicates: 0.1, damage: 0.05 });
      await world.startWorker();
      const started = Date.now();
      await world.billing.send(scenario.messages);
      const sent = Date.now();
      await untilQuiet(world, scenario.messages.length, 60_000 + size * 120);
      const [row] = await world.query<{ intake: number; work: number }>(
        `select extract(epoch from max(m.received_at) - min(m.received_at))::float8 as intake,
                extract(epoch from (select max(finished_at) from work_order) - min(m.received_at))::float8 as work
           from received_message m`,
      );
      process.stderr.write(
        `${scenario.messages.length} messages sent in ${sent - started} ms, stored in ${row?.intake.toFixed(1)} s; ` +
          `${size} orders completed in ${row?.work.toFixed(1)} s, told in ${((Date.now() - started) / 1000).toFixed(1)} s\n`,
      );
      expect(violations(scenario, await gather(world))).toEqual([]);
    },
    90_000 + size * 120,
  );
});
