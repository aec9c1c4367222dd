import type { Receipt } from '../../src/consumers/intake.js';
import type { JsonObject } from '../../src/json.js';
import { damaged, damages, rewrapped, wrappings } from '../support/scenario-damage.js';
import { changeItems, freshOrder, messageOf, type ScenarioMessage } from '../support/scenario-orders.js';
import type { Chance } from './chance.js';

/** A message that billing has to get rid of, over one road or the other. */
export interface Errand {
  atMs: number;
  channel: 'kafka' | 'http';
  message: ScenarioMessage;
}

export interface Book {
  errands: Errand[];
  /** Root passwords that no output may show. */
  secrets: string[];
}

/**
 * What billing sends in one world: a few orders shaped like the samples, of few users (who share a network), and among
 * them copies in other clothes, other contents under a known id, and damaged messages.
 */
export function writeBook(
  random: Chance,
  options: { orders: number; withinMs: number; noise: boolean; several: Chance | null },
): Book {
  const { several } = options;
  const errands: Errand[] = [];
  const secrets: string[] = [];
  const atMs = () => Math.floor(random.between(0, options.withinMs));
  const channel = () => random.pick(['kafka', 'http'] as const);
  for (let i = 0; i < options.orders; i++) {
    const { order, facts } = freshOrder(random);
    order['userId'] = random.pick(['bac1eabf2308ee0410980e05c48af0a77eb', 'bac2eabf2308ee0410980e05c48af0a77eb']);
    order['accountId'] = random.pick(['bacedc3cefb4da54b3790d2013e4734b0ef', '5a27b42ada094b7ca0f66f78fba0e7e3']);
    secrets.push(facts.rootPassword);
    if (several) changeItems(order, (config, type) => orderSeveral(config, type, several));
    const message = messageOf(order);
    const first = atMs();
    errands.push({ atMs: first, channel: channel(), message });
    if (!options.noise) continue;
    for (let copies = random.happens(0.5) ? random.int(1, 3) : 0; copies > 0; copies--) {
      const copy = rewrapped(message, order, random.pick(wrappings), random);
      errands.push({ atMs: random.happens(0.5) ? first : atMs(), channel: channel(), message: copy });
    }
    if (random.happens(0.25)) errands.push({ atMs: atMs(), channel: channel(), message: conflicting(order) });
    if (random.happens(0.25)) {
      const garbage = damaged(message, order, random.pick(damages), random);
      errands.push({ atMs: atMs(), channel: channel(), message: garbage });
    }
  }
  return { errands: errands.toSorted((a, b) => a.atMs - b.atMs), secrets };
}

/** Some items several times over, some machines without a password. */
function orderSeveral(config: JsonObject, resourceType: string, random: Chance): void {
  const quantity = random.happens(0.3) ? random.int(2, 3) : 1;
  if (resourceType === 'VM') {
    config['vmNumber'] = quantity;
    if (random.happens(0.3)) config['rootPassword'] = null;
  } else if (resourceType === 'EBS') {
    Object.assign(config, { volumeNumber: quantity, number: `${quantity}.0` });
  }
}

/** The same id with another content: whichever comes first stands. */
function conflicting(order: JsonObject): ScenarioMessage {
  const other = structuredClone(order);
  other['cycleType'] = 4;
  return { ...messageOf(other), made: 'another content under the same id' };
}

/** As `src/http/intake-routes.ts` answers a receipt. */
export function statusOf({ verdict }: Receipt): number {
  if (verdict === 'accepted' || verdict === 'held') return 202;
  if (verdict === 'duplicate' || verdict === 'skipped') return 200;
  return verdict === 'conflict' ? 409 : 422;
}
