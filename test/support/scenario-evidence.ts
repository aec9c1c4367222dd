/** What can be seen from outside when a scenario is over, put side by side once for the invariants and for its own checks. */
import type { SentMessage } from '../invariants/evidence.js';
import { type Facts, factsOf } from '../invariants/facts.js';
import { evidenceOf } from '../invariants/from-world.js';
import { readRows } from '../invariants/rows.js';
import type { World } from './scenario-world.js';

/** @param posted what its senders posted over HTTP; records are read off the broker */
export async function gather(world: World, posted: readonly SentMessage[] = []): Promise<Facts> {
  const evidence = await evidenceOf(world, posted);
  return factsOf(evidence, await readRows(evidence.sql));
}
