import { type OperationName, removals } from '../planner/plan.js';
import { needFailedCode } from './item.js';
import type { Failure } from './operation.machine.js';

/**
 * States of earlier versions, in words of this one: orders begun before an upgrade are finished after it (I17). Every state
 * of every released version is tested against this.
 */

/** Where a part is while an operation of it is open. */
const stateDuring: Partial<Record<OperationName, string>> = {
  'vm.create': 'creating',
  'vm.delete': 'removing',
  'ebs.create': 'creating',
  'ebs.attach': 'attaching',
  'ebs.detach': 'detaching',
  'ebs.delete': 'removing',
  'network.reserve': 'reserving',
  'network.bind': 'binding',
  'network.unbind': 'unbinding',
  'network.release': 'releasing',
  'default-network.ensure': 'preparing',
  'service-offering.ensure': 'preparing',
};

/** Codes of failures that were named anew. */
export function currentFailure(failure: Failure | null | undefined): Failure | null {
  if (failure?.code === 'need_failed') return { ...failure, code: needFailedCode };
  return failure ?? null;
}

/**
 * Until 0.1.0 a part that needed a person had a state `needsOperator` of its own. Since then it stays where it is, and its
 * stuck operation says it.
 *
 * @param operations of the part, oldest first
 */
export function currentPartState(value: string, operations: { name: OperationName; state: string }[]): string {
  if (value !== 'needsOperator') return value;
  const last = operations.at(-1);
  if (!last) return value;
  const during = stateDuring[last.name] ?? value;
  return last.state === 'failed' && removals.includes(last.name) ? 'remains' : during;
}
