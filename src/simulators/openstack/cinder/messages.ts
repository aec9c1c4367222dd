import type { JsonObject } from '../../../json.js';
import { isoMicros, noContent, ok, type Call, type Reply } from '../call.js';
import { notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { CinderMessage } from '../state/storage-model.js';

/** Why something failed is said here and nowhere else (3.3 and up). */
export const messageRoutes = routesOf('cinder', [
  ['GET', '/messages', 'messages.list', list],
  ['GET', '/messages/{id}', 'messages.show', (call) => ok({ message: view(find(call)) })],
  ['DELETE', '/messages/{id}', 'messages.delete', remove],
]);

/** Writes down a failure. guess: event ids other than that of a volume that found no backend. */
export function writeMessage(
  call: Call,
  resource: { id: string; projectId: string; type: 'VOLUME' | 'VOLUME_SNAPSHOT' | 'VOLUME_BACKUP'; doing: string },
  reason: string,
): void {
  call.cloud.messages.add({
    id: call.cloud.newId(),
    projectId: resource.projectId,
    createdMs: Date.now(),
    eventId: `VOLUME_${resource.type}_001_003`,
    resourceType: resource.type,
    resourceId: resource.id,
    userMessage: `${resource.doing}:${reason}`,
    requestId: call.requestId,
  });
}

function list(call: Call): Reply {
  if (call.version < 3) throw notFound('The resource could not be found.');
  const { query } = call;
  const messages = [...call.cloud.messages.ofProject(call.projectId), ...(call.isAdmin ? othersOf(call) : [])].filter(
    (message) =>
      (query.get('resource_uuid') ?? message.resourceId) === message.resourceId &&
      (query.get('resource_type') ?? message.resourceType) === message.resourceType &&
      (query.get('request_id') ?? message.requestId) === message.requestId,
  );
  return ok({ messages: messages.map(view) });
}

function* othersOf(call: Call): Iterable<CinderMessage> {
  for (const message of call.cloud.messages.values()) if (message.projectId !== call.projectId) yield message;
}

const find = (call: Call): CinderMessage =>
  call.row(call.cloud.messages, call.param('id'), `Message ${call.param('id')} could not be found.`);

function remove(call: Call): Reply {
  call.cloud.messages.remove(find(call));
  return noContent();
}

function view(message: CinderMessage): JsonObject {
  return {
    id: message.id,
    event_id: message.eventId,
    message_level: 'ERROR',
    resource_type: message.resourceType,
    resource_uuid: message.resourceId,
    user_message: message.userMessage,
    request_id: message.requestId,
    created_at: isoMicros(message.createdMs),
    guaranteed_until: isoMicros(message.createdMs + 30 * 86_400_000),
  };
}
