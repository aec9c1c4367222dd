import { z } from 'zod';
import { asyncApi } from './asyncapi.js';
import type { App, Context } from './context.js';
import { envelopePath } from './envelope.js';
import { bodyTypes } from './intake-routes.js';

/** What is asked by machines: is it alive, is it ready, what does it count, what can it do. */
export function metaRoutes(app: App, context: Context, version: string): void {
  const tags = ['service'];

  app.get(
    '/healthz',
    {
      schema: { tags, summary: 'Whether this process lives', response: { 200: z.object({ status: z.literal('ok') }) } },
    },
    () => ({ status: 'ok' as const }),
  );

  const Readiness = z.object({
    ready: z.boolean(),
    checks: z.array(z.object({ what: z.string(), ok: z.boolean(), detail: z.string() })),
  });
  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Whether it can take orders now, and what it looked at to say so',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const readiness = await context.ready();
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    },
  );

  app.get(
    '/metrics',
    { schema: { tags, summary: 'Prometheus metrics', response: { 200: z.string() } } },
    async (_request, reply) => {
      const text = await context.metrics.metrics();
      return reply.type(context.metrics.contentType).serializer(String).send(text);
    },
  );

  app.get('/openapi.json', { schema: { hide: true } }, () => describeBodies(app.swagger() as OpenApi));
  app.get('/asyncapi.json', { schema: { hide: true } }, () => asyncApi(context.config.kafka, version));
}

interface OpenApi {
  paths?: Record<string, { post?: { requestBody?: object } }>;
}

/** The doors for orders take bytes, so that damage reaches the intake as it came; here is what the bytes should be. */
function describeBodies(document: OpenApi): OpenApi {
  const order = {
    type: 'object',
    required: ['workOrderId', 'userId', 'accountId', 'workOrderItems'],
    properties: {
      workOrderId: { type: 'string' },
      userId: { type: 'string' },
      accountId: { type: 'string' },
      workOrderItems: { type: 'array', minItems: 1, items: { type: 'object' } },
    },
    description: 'The order, bare or inside {"msg": …}; nested configs as objects or as JSON text',
  };
  const form = { type: 'object', required: ['msg'], properties: { msg: { type: 'string', description: 'JSON text' } } };
  const [json = '', urlencoded = ''] = bodyTypes;
  for (const name of [envelopePath, '/v1/work-orders']) {
    const path = document.paths?.[name];
    if (path?.post && !path.post.requestBody) {
      path.post.requestBody = {
        required: true,
        content: { [json]: { schema: order }, [urlencoded]: { schema: form } },
      };
    }
  }
  return document;
}
