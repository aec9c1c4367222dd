import { describe, expect, it, jest } from '@jest/globals';
import type { OrderEvent } from '../../src/machines/advance.js';
import { finalStatuses, type OrderState, type PreparationOutcome } from '../../src/machines/order-state.js';
import type { Preparation } from '../../src/planner/plan.js';
import type { RandomOrder } from './random-order.js';

/** Moves of machines, and looks at how a part stands: what a decision is made of. */
let work = 0;
const actual = await import('../../src/machines/move.js');
const { move, outcomeOf } = actual;
jest.unstable_mockModule('../../src/machines/move.js', () => ({
  ...actual,
  move: (...given: Parameters<typeof move>) => {
    work += 1;
    return move(...given);
  },
  outcomeOf: (...given: Parameters<typeof outcomeOf>) => {
    work += 1;
    return outcomeOf(...given);
  },
}));
const { advance } = await import('../../src/machines/advance.js');
const { firstStateOf, planOf, preparations, surroundings } = await import('./random-order.js');

/** A fifth VMs, the others disks in four items, each attached to one of the VMs. */
function orderOf(pieces: number, policy: 'rollback' | 'best-effort'): RandomOrder {
  const items = [
    { type: 'VM' as const, quantity: pieces / 5 },
    ...Array.from({ length: 4 }, () => ({ type: 'EBS' as const, quantity: pieces / 5 })),
  ];
  return { items, bundle: { policy, undoAfterMs: 0 }, disksWait: false, draws: [] };
}

interface Course {
  /** After so many answers the order is cancelled. */
  cancelAfter?: number;
  /** The piece that the cloud refuses. */
  refuses?: string;
  /** What the order shares with others needs a person, until nothing else is left to do. */
  waitsForShared?: boolean;
}

const ready: PreparationOutcome = { state: 'ready', facts: { networkId: 'n' } };
const stuck: PreparationOutcome = {
  state: 'stuck',
  failure: { disposition: 'ask-human', code: 'CLD_QUOTA', message: 'There is no room.' },
};
const told = ({ key, platformId }: Preparation, outcome: PreparationOutcome): OrderEvent => ({
  about: 'preparation',
  platformId,
  key,
  outcome,
});

/** Everything that is asked of the cloud is done at once, in the order in which it is asked. */
function live(
  order: RandomOrder,
  { cancelAfter = Number.POSITIVE_INFINITY, refuses, waitsForShared = false }: Course = {},
) {
  let state: OrderState = firstStateOf(order);
  let [mostAtOnce, answers] = [0, 0];
  const waiting: OrderEvent[] = [
    { about: 'order', event: { type: 'PLANNED' }, plan: planOf(order) },
    ...preparations.map((preparation, at) => told(preparation, waitsForShared && at === 1 ? stuck : ready)),
  ];
  // Mended by somebody, and told when nothing else is left.
  const atLast = preparations.flatMap((preparation, at) =>
    waitsForShared && at === 1 ? [told(preparation, ready)] : [],
  );
  work = 0;
  for (let event = waiting.shift(); event; event = waiting.shift() ?? atLast.shift()) {
    const before = work;
    const step = advance(state, event, surroundings(answers));
    if (event.about === 'operation') mostAtOnce = Math.max(mostAtOnce, work - before);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.type !== 'send') continue;
      const { partKey, name } = effect.operation;
      waiting.push({
        about: 'operation',
        partKey,
        name,
        event:
          partKey === refuses
            ? { type: 'REJECTED', code: 'CLD_QUOTA', message: 'There is no room.' }
            : { type: 'DONE', resourceId: `${name} of ${partKey}`, facts: { id: partKey }, startedAt: null },
      });
    }
    if (event.about === 'operation' && (answers += 1) === cancelAfter) {
      waiting.unshift({ about: 'lever', lever: { act: 'cancel', reason: 'because' } });
    }
  }
  expect(finalStatuses).toContain(state.status);
  return { state, workPerPiece: work / state.parts.length, mostAtOnce };
}

describe('an order of many pieces', () => {
  it.each(['rollback', 'best-effort'] as const)(
    'is built with no more work for a piece than a small one (%s)',
    (policy) => {
      const [small, large] = [live(orderOf(50, policy)), live(orderOf(500, policy))];
      expect([small.state.status, large.state.status]).toEqual(['completed', 'completed']);
      expect(large.workPerPiece).toBeLessThan(small.workPerPiece * 1.2);
      // An answer about one piece asks the few that it may concern, not all of them.
      expect(large.mostAtOnce).toBeLessThan(small.mostAtOnce * 1.2);
    },
  );

  it('is undone from the middle with no more work for a piece than a small one, and nothing of it stays', () => {
    const [small, large] = [50, 500].map((pieces) => live(orderOf(pieces, 'rollback'), { cancelAfter: pieces }));
    if (!small || !large) throw new Error('two orders');
    for (const { state } of [small, large]) {
      expect(state.status).toBe('cancelled');
      expect(new Set(state.parts.map(({ machine }) => machine.value))).toEqual(new Set(['undone']));
      expect(state.items.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'compensated'));
    }
    expect(large.workPerPiece).toBeLessThan(small.workPerPiece * 1.2);
  });

  it.each(['rollback', 'best-effort'] as const)(
    'of which one fails is taken down with no more work for a piece than a small one (%s)',
    (policy) => {
      const [small, large] = [50, 500].map((pieces) => live(orderOf(pieces, policy), { refuses: 'VM/0#1' }));
      if (!small || !large) throw new Error('two orders');
      expect([small.state.status, large.state.status]).toEqual(['failed', 'failed']);
      expect(large.workPerPiece).toBeLessThan(small.workPerPiece * 1.2);
    },
  );

  it('waits for a person to see to what it shares with others with no more work for a piece than a small one', () => {
    const [small, large] = [50, 500].map((pieces) => {
      const order = orderOf(pieces, 'best-effort');
      // Those that need it come last, behind all that do not.
      return live({ ...order, items: order.items.toReversed() }, { waitsForShared: true });
    });
    if (!small || !large) throw new Error('two orders');
    expect([small.state.status, large.state.status]).toEqual(['completed', 'completed']);
    expect(large.workPerPiece).toBeLessThan(small.workPerPiece * 1.2);
    expect(large.mostAtOnce).toBeLessThan(small.mostAtOnce * 1.2);
  });
});
