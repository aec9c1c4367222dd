/** Each event answers one request: what an operation is moved by is the answer to what it asks now. Pure. */
import type { OrderEvent } from '../../src/machines/advance.js';
import type { OrderState, Step } from '../../src/machines/order-state.js';
import type { Source } from './watch-calls.js';

/** @param source whose answer the event is; undefined for what no cloud has said (an alarm, a lever) */
export function reportProblem(
  state: OrderState,
  event: OrderEvent,
  step: Step,
  source: Source | undefined,
): string | null {
  if (event.about !== 'operation' || !source) return null;
  const { partKey, name } = event;
  const same = (one: { partKey: string; name: string }): boolean => one.partKey === partKey && one.name === name;
  const present = state.operations.find(same);
  if (!present || !step.changedOperations.some(same)) return null;
  const { jobId } = present.machine.context;
  const what = `${event.event.type} moves ${name} (${present.marker}) of ${state.workOrderId}`;
  if ('jobId' in source) {
    return source.jobId === jobId
      ? null
      : `${what}: it was said of job ${source.jobId}, and job ${jobId} is asked about`;
  }
  const { operation, effect } = source.asked;
  if (operation.requestId !== present.requestId) {
    const { attempt } = operation.machine.context;
    return `${what}: it answers request ${operation.requestId} (attempt ${attempt}), and ${present.requestId} is out`;
  }
  if (operation.machine.value === present.machine.value) return null;
  return `${what}: it answers a ${effect} of when it was ${operation.machine.value}, and it is ${present.machine.value}`;
}
