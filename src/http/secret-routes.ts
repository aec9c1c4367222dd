import { z } from 'zod';
import { secretContext } from '../consumers/intake.js';
import { readSecretField } from '../runner/piece-secrets.js';
import { collectSecrets } from '../store/secrets.js';
import type { App, Context } from './context.js';
import { orderIdOf } from './order-routes.js';
import { ProblemJson } from './problem.js';
import { actorOf } from './token-routes.js';

export const SecretsJson = z.object({
  secrets: z.array(
    z.object({
      workOrderItemId: z.string(),
      field: z.string().describe('What it is: `rootPassword`'),
      piece: z.int().nullable().describe("Which of the item's machines it opens, from 1; null: all of them"),
      cloudResourceId: z.string().nullable().describe("The cloud's id of that machine; null while it has none"),
      value: z.string(),
    }),
  ),
});
export type SecretsJson = z.infer<typeof SecretsJson>;

/**
 * The one answer that carries a password: what a cloud made for a VM, for whoever has to hand it to its user. A POST,
 * because it leaves a trace: the secret is erased an hour after it was collected first, and the audit says who did.
 */
export function secretRoutes(app: App, context: Context): void {
  app.post(
    '/v1/work-orders/:id/secrets',
    {
      schema: {
        operationId: 'collectSecrets',
        tags: ['orders'],
        summary:
          'Collects the passwords that clouds made for an order; an hour later, or after seven days, they are gone',
        params: z.object({ id: z.string().min(1).max(200) }),
        body: z.strictObject({ reason: z.string().max(500).default('') }).nullish(),
        response: { 200: SecretsJson, '4xx': ProblemJson, '5xx': ProblemJson },
      },
    },
    async (request) => {
      const orderId = await orderIdOf(context, request, request.params.id);
      const found = await collectSecrets(context.sql, orderId, {
        actor: actorOf(request),
        reason: request.body?.reason ?? '',
      });
      return {
        secrets: found.map(({ workOrderItemId, itemIndex, field, sealed, cloudResourceId }) => {
          const { name, piece } = readSecretField(field);
          const value = context.openSecret(sealed, secretContext(orderId, itemIndex, field));
          return { workOrderItemId, field: name, piece, cloudResourceId, value };
        }),
      };
    },
  );
}
