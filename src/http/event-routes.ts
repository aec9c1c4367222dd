import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { eventMessage } from '../publishers/event-message.js';
import type { Sql } from '../store/data-source.js';
import {
  beginning,
  type Cursor,
  newestCursor,
  parseCursor,
  printCursor,
  readEvents,
  type StoredEvent,
} from '../store/events.js';
import { type App, type Context, tenantOf } from './context.js';
import { ApiError, ProblemJson } from './problem.js';

const pageSize = 500;
const pollMs = 300;
const heartbeatMs = 15_000;
/** A reader whose token was revoked is let go after this, and what the tokens' own reading takes. */
const recheckMs = 2_000;
/** Each one asks the database three times a second. */
const maxReaders = 100;

/** Everything that happens, as it happens, over one long answer (Server-Sent Events of the HTML standard). */
export function eventRoutes(app: App, context: Context): void {
  let readers = 0;

  app.get(
    '/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'followEvents',
        tags: ['events'],
        summary: 'CloudEvents as Server-Sent Events; goes on after Last-Event-ID',
        querystring: z.strictObject({
          from: z.enum(['beginning', 'now']).optional().describe('Where to start without Last-Event-ID (beginning)'),
        }),
        headers: z.looseObject({ 'last-event-id': z.string().optional() }),
        produces: ['text/event-stream'],
        response: { '4xx': ProblemJson, '5xx': ProblemJson },
      },
    },
    async (request, reply) => {
      const lastSeen = request.headers['last-event-id'];
      const after = lastSeen === undefined || lastSeen === '' ? null : parseCursor(lastSeen);
      if (lastSeen && !after) {
        throw new ApiError(400, 'API_PAGE', 'Last-Event-ID is not the id of an event of this stream.');
      }
      if (readers >= maxReaders)
        throw new ApiError(503, 'API_RATE_LIMIT', 'Too many readers follow the events already.');
      const { sql } = context;
      const installationId = await context.installationId();
      const from = await placeOf(sql, after, request.query.from);
      readers += 1;
      const ended = new AbortController();
      reply.raw.once('close', () => ended.abort());
      try {
        reply.hijack();
        reply.raw.writeHead(200, {
          ...(reply.getHeaders() as Record<string, string>),
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        });
        await write(reply, 'retry: 2000\n\n');
        await follow(context, installationId, from, request, reply, AbortSignal.any([ended.signal, context.closing]));
      } catch (error) {
        // The answer has begun; the reader comes back with Last-Event-ID.
        context.log.warn({ reason: (error as Error).message }, 'a reader of the events was let go');
      } finally {
        readers -= 1;
        reply.raw.end();
      }
    },
  );
}

/**
 * Where a reader goes on. One who comes from a moment that this database has not seen read on in one that is lost, or in another
 * one; what was told there is not what happened here. He is told everything rather than nothing until that place is come to.
 */
async function placeOf(sql: Sql, lastSeen: Cursor | null, from: 'beginning' | 'now' | undefined): Promise<Cursor> {
  if (lastSeen === null && from !== 'now') return beginning;
  const newest = await newestCursor(sql);
  if (lastSeen === null) return newest;
  return BigInt(lastSeen.tx) > BigInt(newest.tx) ? beginning : lastSeen;
}

async function follow(
  { sql, access }: Context,
  installationId: string,
  from: Cursor,
  request: FastifyRequest,
  reply: FastifyReply,
  ended: AbortSignal,
): Promise<void> {
  let at = from;
  let writtenAt = performance.now();
  let checkedAt = writtenAt;
  while (!ended.aborted) {
    if (performance.now() - checkedAt > recheckMs) {
      if (!(await access.mayStay(request))) return;
      checkedAt = performance.now();
    }
    const { events, cursor, more } = await readEvents(sql, at, pageSize, tenantOf(request));
    at = cursor;
    if (events.length > 0) {
      await write(reply, events.map((event) => serverSentEvent(installationId, event)).join(''));
      writtenAt = performance.now();
    } else if (performance.now() - writtenAt > heartbeatMs) {
      await write(reply, ': still here\n\n');
      writtenAt = performance.now();
    }
    if (!more) await sleep(pollMs, undefined, { signal: ended }).catch(() => {});
  }
}

/** Waits for a slow reader instead of keeping its events in memory. */
async function write(reply: FastifyReply, text: string): Promise<void> {
  if (reply.raw.destroyed || reply.raw.write(text)) return;
  await new Promise<void>((resolve) => {
    reply.raw.once('drain', resolve);
    reply.raw.once('close', resolve);
  });
}

function serverSentEvent(installationId: string, event: StoredEvent): string {
  return `id: ${printCursor(event.cursor)}\ndata: ${JSON.stringify(eventMessage(installationId, event))}\n\n`;
}
