import { describe, expect, it } from '@jest/globals';
import { currentFailure, currentPartState } from '../../src/machines/earlier-states.js';
import { itemMachines, move } from '../../src/machines/move.js';
import { itemMemory } from './samples.js';

/** Every state a part could be stored in by each released version. A version's line is written once and never changed. */
const released = {
  '0.1.0': {
    VM: ['waitingForNetwork', 'creating', 'running', 'failed', 'cancelled', 'needsOperator'],
    EBS: [
      'waiting',
      'creating',
      'waitingForVm',
      'attaching',
      'removing',
      'attached',
      'available',
      'failed',
      'cancelled',
      'needsOperator',
    ],
    NETWORK: [
      'waitingForNetwork',
      'reserving',
      'waitingForVm',
      'binding',
      'releasing',
      'bound',
      'reserved',
      'failed',
      'cancelled',
      'needsOperator',
    ],
    PREPARATION: ['waiting', 'preparing', 'ready', 'failed', 'needsOperator'],
  },
} as const;

/** The operations after which each kind of part could need a person. */
const lastOperations = {
  VM: ['vm.create'],
  EBS: ['ebs.create', 'ebs.attach', 'ebs.delete'],
  NETWORK: ['network.reserve', 'network.bind', 'network.release'],
  PREPARATION: ['default-network.ensure', 'service-offering.ensure'],
} as const;

const stored = Object.entries(released).flatMap(([version, kinds]) =>
  Object.entries(kinds).flatMap(([kind, states]) =>
    states.flatMap((state) =>
      lastOperations[kind as keyof typeof lastOperations].map((name) => ({ version, kind, state, name })),
    ),
  ),
);

describe('an order begun by an earlier version', () => {
  it.each(stored)('goes on from $kind $state of $version, last at $name', ({ kind, state, name }) => {
    for (const last of ['stuck', 'failed', 'done']) {
      if (kind === 'PREPARATION' && last === 'failed' && state === 'needsOperator') continue; // it had no way back
      const value = currentPartState(state, [{ name, state: last }]);
      const machine = itemMachines[kind as keyof typeof itemMachines];
      expect(Object.keys(machine.states)).toContain(value);
      expect(() => move(machine, { value, context: itemMemory() }, { type: 'NEEDS_MET' })).not.toThrow();
    }
  });

  it('finishes what waited for a person when its operation does', () => {
    const value = currentPartState('needsOperator', [
      { name: 'ebs.create', state: 'done' },
      { name: 'ebs.attach', state: 'stuck' },
    ]);
    const moved = move(itemMachines.EBS, { value, context: itemMemory() }, { type: 'OPERATION_DONE' });
    expect(moved.next.value).toBe('attached');
  });

  it('knows what the cloud would not remove as what remains', () => {
    expect(currentPartState('needsOperator', [{ name: 'ebs.delete', state: 'failed' }])).toBe('remains');
  });

  it('keeps why a part was not tried', () => {
    const failure = { disposition: 'reject', code: 'need_failed', message: 'no VM' } as const;
    expect(currentFailure(failure)).toEqual({ ...failure, code: 'ITM_NEED_FAILED' });
    expect(currentFailure(undefined)).toBeNull();
  });
});
