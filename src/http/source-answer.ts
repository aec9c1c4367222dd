import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { cutText } from '../cut-text.js';
import type { App } from './context.js';
import { Envelope } from './envelope.js';
import { textOf } from './source-fields.js';
import { readFields, type SourceRequest } from './source-request.js';
import { actorOf } from './token-routes.js';

/** What all of the source platform's own routes (but the intake of orders) have in common: their envelope and their schemas. */

export const tags = ['source platform'];
export const consumes = ['application/json', 'application/x-www-form-urlencoded'];
export const errors = { '4xx': Envelope, '5xx': Envelope };

/** A field as its callers may write it. For the description only: `readSourceRequest` reads them, blanks and all. */
export const Text = z.union([z.string(), z.number()]).optional();

/** What comes is looked at by `readSourceRequest`. */
export const validatorCompiler = () => (value: unknown) => ({ value });

/** The envelope of a good answer. */
export const success = <Results extends z.ZodType>(results: Results) =>
  z.object({ msg: z.string(), errstatus: z.literal('SUCCESS'), errcode: z.literal(0), results });

export function answer<Results>(what: string, { notes }: SourceRequest, results: Results) {
  return { msg: [what, ...notes].join('; '), errstatus: 'SUCCESS' as const, errcode: 0 as const, results };
}

/** Bodies of form fields, in a scope of routes. */
export function takeForms(app: App): void {
  app.addContentTypeParser(consumes[1] ?? '', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, readFields(String(body)));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** A route that is asked by GET and by POST alike. `name`: of the operation, in the API's description. */
export function readingRoute<Results extends z.ZodType>(
  app: App,
  path: string,
  { name, summary, filter, results }: { name: string; summary: string; filter: z.ZodType; results: Results },
  handler: (request: FastifyRequest) => Promise<z.input<Results>>,
): void {
  const about = { tags, summary, response: { 200: results, ...errors } };
  app.get(path, { validatorCompiler, schema: { ...about, operationId: name, querystring: filter } }, handler as never);
  app.post(
    path,
    { validatorCompiler, schema: { ...about, operationId: `${name}ByPost`, consumes, body: filter } },
    handler as never,
  );
}

/** A route that changes something. */
export const writing = <Body extends z.ZodType, Results extends z.ZodType>(
  operationId: string,
  summary: string,
  body: Body,
  results: Results,
) => ({
  validatorCompiler,
  schema: { operationId, tags, summary, consumes, body, response: { 200: results, ...errors } },
});

/**
 * Who acts, for the audit. `ct_user_id` in the query string is the caller's; that of the body says the same again, unless the
 * route takes it for the user that it is about (`bodyNamesUser`).
 */
export function byOf(request: FastifyRequest, { query, body }: SourceRequest, { bodyNamesUser = false } = {}) {
  const user = textOf(query, 'ct_user_id') ?? (bodyNamesUser ? null : textOf(body, 'ct_user_id'));
  const who = user === null ? '' : ` for ct_user_id ${cutText(user, 80)}`;
  return { actor: actorOf(request), reason: `asked by the source platform${who}` };
}
