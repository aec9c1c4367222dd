import { preparationId } from '../machines/follow-up.js';
import { partOf, plannedPart } from '../machines/order-index.js';
import type { OperationState, OrderState } from '../machines/order-state.js';
import { requestIdFor } from '../planner/marker.js';
import type { OperationRequest } from '../provisioners/provisioner.js';

/** Older attempts than these lie further back than any cloud's memory of jobs. */
const mostEarlierAttempts = 12;

type Attempt = Pick<OperationRequest, 'stage' | 'memo' | 'attempt' | 'requestId'>;

/** What an adapter is told of an operation as it stands. @param openSecret opens what the order keeps sealed */
export function operationRequest(
  state: OrderState,
  operation: OperationState,
  openSecret: OperationRequest['openSecret'],
): OperationRequest {
  const { stage, memo, attempt } = operation.machine.context;
  return requestOf(state, operation, { stage, memo, attempt, requestId: operation.requestId }, openSecret);
}

/**
 * The same, asked once more after the operation's end: by whoever looks for what it left, or removes it. It stands as if
 * one more request were to leave, so that every one that did is an earlier one: no job of theirs is taken for the whole
 * answer, and what each of them made is named. No secret is opened for a look.
 *
 * @param stage whose thing it is about; the first stage begins without any memory
 */
export function laterRequest(
  state: OrderState,
  operation: OperationState,
  stage: string | null = null,
  memo: Record<string, string> = {},
): OperationRequest {
  const attempt = operation.machine.context.attempt + 1;
  const requestId = requestIdFor(state.orderId, operation, attempt, stage);
  return requestOf(state, operation, { stage, memo, attempt, requestId }, () => Promise.resolve(undefined));
}

function requestOf(
  state: OrderState,
  operation: OperationState,
  attempt: Attempt,
  openSecret: OperationRequest['openSecret'],
): OperationRequest {
  return {
    operation: operation.name,
    ...attempt,
    marker: operation.marker,
    earlierRequestIds: earlierRequestIds(state.orderId, operation, attempt),
    settings: plannedPart(state, operation.partKey)?.settings ?? {},
    inputs: inputsOf(state, operation.partKey),
    openSecret,
  };
}

/** Newest first. Attempts count over all stages, so some of these were never sent; asking for them finds nothing. */
function earlierRequestIds(orderId: string, operation: OperationState, { attempt, stage }: Attempt): string[] {
  const count = Math.max(0, Math.min(attempt - 1, mostEarlierAttempts));
  return Array.from({ length: count }, (_, i) => requestIdFor(orderId, operation, attempt - 1 - i, stage));
}

/** What earlier parts and preparations found, under the names the plan gave them, and the part's own facts. */
function inputsOf(state: OrderState, partKey: string): Record<string, string> {
  const inputs: Record<string, string> = {};
  const planned = plannedPart(state, partKey);
  for (const [name, { from, fact }] of Object.entries(planned?.inputs ?? {})) {
    const preparation = state.preparations[preparationId(planned?.platformId ?? '', from)];
    const facts =
      partOf(state, from)?.machine.context.facts ?? (preparation?.state === 'ready' ? preparation.facts : undefined);
    const value = facts?.[fact];
    if (value !== undefined) inputs[name] = value;
  }
  return { ...inputs, ...partOf(state, partKey)?.machine.context.facts };
}
