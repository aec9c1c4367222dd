import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { crashPoint } from '../crash-point.js';
import type { IncomingDelivery } from '../consumers/intake.js';
import { type App, type Context, tenantOf } from './context.js';
import { Envelope, envelopeOf, envelopePath, isTaken } from './envelope.js';
import { sendProblem } from './errors.js';
import { Hold, OrderStatus, Repair, Warning } from './order-schemas.js';
import { ApiError, ProblemJson, problemOfReceipt } from './problem.js';

export const bodyTypes = ['application/json', 'application/x-www-form-urlencoded'];

export const ReceiptJson = z.object({
  messageId: z.string(),
  verdict: z.enum(['accepted', 'held', 'duplicate', 'skipped']),
  duplicate: z.boolean(),
  orderId: z.string().nullable(),
  workOrderId: z.string().nullable(),
  status: OrderStatus.nullable(),
  code: z.string().nullable(),
  holds: z.array(Hold),
  warnings: z.array(Warning),
  repairs: z.array(Repair),
});
export type ReceiptJson = z.infer<typeof ReceiptJson>;

/**
 * The two doors for orders over HTTP. The bytes go to the intake exactly as they came: it decides what they are, and
 * keeps them.
 */
export function intakeRoutes(app: App, context: Context): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(bodyTypes, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const consumes = bodyTypes;

  // Off, it is not there at all: no answer that would invite a guess at a token.
  if (context.config.legacyIntake !== 'off') {
    app.post(
      envelopePath,
      {
        schema: {
          operationId: 'postMessage',
          tags: ['intake'],
          summary: "The source platform's own intake: form field `msg`, or JSON",
          consumes,
          response: { '2xx': Envelope, '4xx': Envelope, '5xx': Envelope },
        },
      },
      async (request, reply) => {
        const { status, body } = envelopeOf(await context.intake.receive(toDelivery(request)));
        crashPoint('answer.before');
        return reply.code(status as 200).send(body);
      },
    );
  }

  app.post(
    '/v1/work-orders',
    {
      schema: {
        operationId: 'submitWorkOrder',
        tags: ['intake'],
        summary: 'Hands an order in: 202 new, 200 the same again, 409 other content under the same id',
        consumes,
        response: { 200: ReceiptJson, 202: ReceiptJson, '4xx': ProblemJson, '5xx': ProblemJson },
      },
    },
    async (request, reply) => {
      const receipt = await context.intake.receive(toDelivery(request));
      crashPoint('answer.before');
      if (!isTaken(receipt)) {
        sendProblem(request, reply, problemOfReceipt(receipt));
        return reply;
      }
      const { verdict, messageId, orderId, workOrderId, status, code, holds, warnings, repairs } = receipt;
      if (orderId !== null) void reply.header('location', `/v1/work-orders/${orderId}`);
      return reply.code(verdict === 'duplicate' ? 200 : 202).send({
        messageId,
        verdict: verdict as ReceiptJson['verdict'],
        duplicate: verdict === 'duplicate',
        orderId,
        workOrderId,
        status,
        code,
        holds,
        warnings,
        repairs,
      });
    },
  );
}

/** Says where a message came from when it is a file that `orderwright submit` sent. Only a label, never trusted. */
const fileHeader = 'orderwright-file';

/** @throws ApiError when the body is encoded in a way we do not read */
function toDelivery(request: FastifyRequest): IncomingDelivery {
  const { headers } = request;
  const contentType = headers['content-type'] ?? null;
  const charset = /charset="?([^";\s]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw new ApiError(415, 'API_CONTENT_TYPE', 'Send the text in UTF-8.');
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ApiError(415, 'API_CONTENT_TYPE', 'Send the body as it is, not compressed.');
  }
  const file = headers[fileHeader];
  const from = `${request.ip}:${request.socket.remotePort ?? 0}`;
  return {
    channel: file === undefined ? 'http' : 'cli',
    origin: typeof file === 'string' ? `${readFileName(file)} from ${request.ip}` : from,
    bytes: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    contentType,
    accountId: tenantOf(request),
    headers: Object.fromEntries(
      ['content-type', 'user-agent', 'x-request-id', 'traceparent'].flatMap((name) => {
        const value = headers[name];
        return typeof value === 'string' ? [[name, value.slice(0, 256)]] : [];
      }),
    ),
  };
}

function readFileName(text: string): string {
  try {
    return decodeURIComponent(text)
      .replaceAll(/\p{Cc}/gu, '?')
      .slice(0, 200);
  } catch {
    return 'a file';
  }
}
