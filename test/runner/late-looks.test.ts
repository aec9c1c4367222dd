import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { wasInDoubt } from '../../src/machines/late-look.js';
import { nextLook } from '../../src/runner/late-looks.js';
import { bundlePlan, Story, vm } from '../machines/story.js';

const after = [15_000, 600_000, 3_600_000] as const;

describe('the next look at an ended order', () => {
  it('comes ten minutes and then an hour after its end, and no other follows', () => {
    const look = { endedAt: 0, mayRunUntil: 0 };
    expect(nextLook({ ...look, looks: 0, takenAt: 15_000 }, after)).toEqual({ looks: 1, dueAt: 600_000 });
    expect(nextLook({ ...look, looks: 1, takenAt: 600_000 }, after)).toEqual({ looks: 2, dueAt: 3_600_000 });
    expect(nextLook({ ...look, looks: 2, takenAt: 3_600_000 }, after)).toEqual({ looks: 3, dueAt: null });
  });

  it('is not made twice for having been late', () => {
    expect(nextLook({ endedAt: 0, looks: 0, takenAt: 4_000_000, mayRunUntil: 0 }, after)).toEqual({
      looks: 3,
      dueAt: null,
    });
  });

  it('comes once more after every request of the order has certainly ended, however long that is', () => {
    fc.assert(
      fc.property(fc.nat(20_000_000), fc.nat(20_000_000), fc.nat(2), (takenAt, mayRunUntil, looks) => {
        const next = nextLook({ endedAt: 0, looks, takenAt, mayRunUntil }, after);
        expect(next.dueAt !== null || takenAt >= mayRunUntil).toBe(true);
        expect(next.looks).toBeGreaterThanOrEqual(Math.min(looks, 2));
      }),
    );
  });
});

describe('an order was in doubt', () => {
  const requested = () => new Story().planned(bundlePlan()).prepared();

  it('unless every request was answered at once and all was delivered', () => {
    const { state } = requested().done(vm, 'vm.create', { vmId: 'i-1' });
    const items = state.items.map((item) => ({ ...item, status: 'completed' as const }));
    const operations = state.operations.filter(({ partKey }) => partKey === vm);
    const delivered = { ...state, items, operations };
    expect(wasInDoubt(delivered)).toBe(false);
    const undone = items.map((item) => ({ ...item, status: 'compensated' as const }));
    expect(wasInDoubt({ ...delivered, items: undone })).toBe(true);
    const [one] = operations;
    if (!one) throw new Error('no operation');
    // One request for each of three stages.
    const staged = { ...one.machine, context: { ...one.machine.context, attempt: 3, stages: 2, attemptsBefore: 2 } };
    expect(wasInDoubt({ ...delivered, operations: [{ ...one, machine: staged }] })).toBe(false);
    for (const change of [{ attempt: 2 }, { mayRunUntil: 1 }, { others: ['x'] }, { attemptsBefore: 1 }]) {
      const machine = { ...one.machine, context: { ...one.machine.context, ...change } };
      expect(wasInDoubt({ ...delivered, operations: [{ ...one, machine }] })).toBe(true);
    }
  });
});
