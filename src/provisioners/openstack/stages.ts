import { stageMarker } from '../../planner/marker.js';
import type { OperationHandler, OperationRequest } from '../provisioner.js';

/** One step of the way: what it sends, how it finds what it left, and whether that is usable. */
export interface Stage {
  name: string;
  handler: OperationHandler;
}

/**
 * An operation of several stages, one after the other; the first is the one without a name in the request. What a stage
 * made is the next one's memo, and carries a marker of its own that follows from the operation's: a marker stands for one
 * thing.
 */
export function inStages(
  stages: [Stage, ...Stage[]],
  leaves: Pick<OperationHandler, 'traces' | 'foundByName'> = {},
): OperationHandler {
  const [first] = stages;
  const handlerOf = ({ operation, stage }: OperationRequest): OperationHandler => {
    const found = stages.find(({ name }) => name === (stage ?? first.name));
    if (!found) throw new Error(`${operation} has no stage "${stage}"`);
    return found.handler;
  };
  return {
    ...leaves,
    send: (request) => handlerOf(request).send(ofStage(request)),
    find: (request) => handlerOf(request).find(ofStage(request)),
    inspect: (request, resourceId) => handlerOf(request).inspect(ofStage(request), resourceId),
    discard: (request, resourceId) => handlerOf(request).discard(ofStage(request), resourceId),
  };
}

function ofStage(request: OperationRequest): OperationRequest {
  const { stage, marker, memo } = request;
  if (stage === null) return { ...request, memo: { ...memo, operationMarker: marker } };
  return { ...request, marker: stageMarker(marker, stage), memo: { ...memo, operationMarker: marker } };
}

/** The marker of the whole operation, as its first stage carries it. */
export const operationMarker = (request: OperationRequest): string => request.memo['operationMarker'] ?? request.marker;
