import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { advance, type OrderEvent } from '../../src/machines/advance.js';
import { finalStatuses, type OrderState, type PartState } from '../../src/machines/order-state.js';
import { openOperation, partOutcome } from '../../src/machines/part.js';
import { tallyOf } from '../../src/machines/tally.js';
import { firstStateOf, happening, planOf, randomOrder, surroundings } from './random-order.js';

const seed = Number(process.env['ORDERWRIGHT_TEST_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['ORDERWRIGHT_TEST_RUNS'] ?? 60);

describe('what is known of an order beside its state', () => {
  it('comes along with the state, and decides as if all of it were looked at anew', () => {
    console.info(`fast-check seed ${seed}, ${runs} runs`);
    fc.assert(
      fc.property(randomOrder, (random) => {
        const draws = [...random.draws];
        const draw = (choices: number) => (draws.shift() ?? 0) % choices;
        let state = firstStateOf(random);
        let older = state;
        let event: OrderEvent = { about: 'order', event: { type: 'PLANNED' }, plan: planOf(random) };
        for (let at = 0; draws.length > 0 && !finalStatuses.includes(state.status); at += 1_000 * draw(300)) {
          const asItWas = structuredClone(state);
          const step = advance(state, event, surroundings(at));
          expect(step).toEqual(advance(structuredClone(asItWas), event, surroundings(at)));
          expect(state).toEqual(asItWas);
          expect(counted(step.state)).toEqual(countedByHand(step.state));
          // Other things may follow from the same state, and from one long past.
          const other = happening(older, draw);
          if (draw(3) === 0) {
            const aside = advance(older, other, surroundings(at));
            expect(aside).toEqual(advance(structuredClone(older), other, surroundings(at)));
          }
          if (draw(8) === 0) older = state;
          // As the engine has it once it is stored.
          state = { ...step.state, preparations: { ...step.state.preparations } };
          event = happening(state, draw);
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });
});

function counted(state: OrderState) {
  const { spoilers, failures, lacking, going } = tallyOf(state);
  return {
    spoilers,
    failures,
    lacking,
    going,
    items: state.items.map((_, index) => ({ ...tallyOf(state).ofItem(index) })),
  };
}

/** The same by looking at everything, in the plainest words there are. */
function countedByHand(state: OrderState) {
  const { policy, ending } = state.machine.context;
  const givenUp = (part: PartState) => ['OPS_SKIPPED', 'OPS_UNDONE'].includes(part.machine.context.failure?.code ?? '');
  const isLost = (part: PartState) => ['failed', 'cancelled', 'compensated'].includes(partOutcome(state, part));
  const needs = (part: PartState) => state.plan?.parts.find(({ key }) => key === part.key)?.needs ?? {};
  const needsOf = (part: PartState) => Object.values(needs(part)).flat();
  const isStuck = (part: PartState) => openOperation(state, part.key)?.machine.value === 'stuck';
  const toGo = (part: PartState) => {
    if (ending === 'partial' && state.items[part.itemIndex]?.master) return false;
    const isThere = Object.keys(part.machine.context.facts).length > 0;
    const outcome = partOutcome(state, part);
    return (
      state.operations.some((one) => one.partKey === part.key && one.finishedAt === null) ||
      ['open', 'completed'].includes(outcome) ||
      (outcome === 'failed' && isThere)
    );
  };
  const spoils = (part: PartState) => isLost(part) && (policy !== 'rollback' || givenUp(part));
  const isGone = (need: string) => {
    const part = state.parts.find(({ key }) => key === need);
    if (part) return isLost(part) && !givenUp(part);
    return Object.entries(state.preparations).some(
      ([id, { state: how }]) => id.endsWith(` ${need}`) && how === 'failed',
    );
  };
  const lacks = (part: PartState) =>
    partOutcome(state, part) === 'open' &&
    Object.entries(needs(part)).some(
      ([name, keys]) =>
        !state.operations.some((one) => one.partKey === part.key && one.name === name) && keys.some(isGone),
    );
  const count = (parts: PartState[], what: (part: PartState) => boolean) => parts.filter(what).length;
  const { parts } = state;
  return {
    spoilers: count(parts, spoils),
    failures: count(
      parts,
      (part) =>
        ['failed', 'cancelled'].includes(partOutcome(state, part)) &&
        part.machine.context.failure !== null &&
        !givenUp(part),
    ),
    lacking: count(parts, lacks),
    going: count(
      parts,
      (part) =>
        toGo(part) && !isStuck(part) && !parts.some((other) => needsOf(other).includes(part.key) && isStuck(other)),
    ),
    items: state.items.map((_, index) => {
      const own = parts.filter((part) => part.itemIndex === index);
      const outcome = (name: string) => count(own, (part) => partOutcome(state, part) === name);
      return {
        open: outcome('open'),
        completed: outcome('completed'),
        failed: outcome('failed'),
        cancelled: outcome('cancelled'),
        compensated: outcome('compensated'),
        remains: outcome('remains'),
        toGo: count(own, toGo),
        stuck: count(own, isStuck),
        spoilers: count(own, spoils),
      };
    }),
  };
}
