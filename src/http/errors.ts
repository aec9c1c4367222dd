import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { refusalEnvelope, sourcePlatformPrefix } from './envelope.js';
import { ApiError, problem, type ProblemJson } from './problem.js';

/** Turns whatever was thrown into an answer: never a stack, never a word of a library or of the database. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const { document, headers } = toProblem(error, request);
  if (document.status >= 500) {
    log.error({ code: document.code, route: request.routeOptions.url, error: nameOf(error) }, 'request failed');
  }
  void reply.headers(headers);
  sendProblem(request, reply, document);
}

/** Every refusal leaves through here, in the form its caller expects. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, document: ProblemJson): void {
  const path = request.url.split('?', 1)[0] ?? '';
  if (path.startsWith(sourcePlatformPrefix)) {
    void reply
      .code(document.status)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(refusalEnvelope(document));
    return;
  }
  void reply
    .code(document.status)
    .type('application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ ...document, instance: path });
}

function toProblem(
  error: unknown,
  request: FastifyRequest,
): { document: ProblemJson; headers: Record<string, string> } {
  if (error instanceof ApiError) {
    return { document: problem(error.status, error.code, error.detail, error.errors), headers: error.headers };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: instancePath.replace(/^\//, '').replaceAll('/', '.'),
      code: 'API_PARAMETER',
      message: message ?? 'is not valid',
    }));
    return { document: problem(400, 'API_PARAMETER', 'A parameter of the request is not valid.', errors), headers: {} };
  }
  // The sender hung up: its connection was reset, not that of the database. Nobody is left to read this.
  if (request.raw.readableAborted) return plain(400, 'MSG_CUT', 'The body ended before it was whole.');
  const { code = '', statusCode } = (error ?? {}) as Partial<FastifyError>;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return plain(413, 'MSG_TOO_LARGE', 'The body is larger than 1 MiB.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return plain(
        415,
        'API_CONTENT_TYPE',
        `Send application/json${request.method === 'POST' ? ' or application/x-www-form-urlencoded with a field "msg"' : ''}, in UTF-8.`,
      );
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return plain(400, 'MSG_CUT', 'The body is not as long as Content-Length says.');
  }
  // SQLSTATE 22021 and 22P05: PostgreSQL keeps no NUL. What is kept of messages is escaped; this is a name or a word to look for.
  if (code === '22021' || code === '22P05') {
    return plain(400, 'API_PARAMETER', 'A parameter holds a character that no name or text can have, such as NUL.');
  }
  if (isDatabaseAway(code)) {
    return {
      document: problem(503, 'STO_UNAVAILABLE', 'The database does not answer; nothing was taken. Try again.'),
      headers: { 'retry-after': '2' },
    };
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return plain(statusCode, statusCode === 404 ? 'API_NOT_FOUND' : 'API_REQUEST', 'The request cannot be understood.');
  }
  return plain(500, 'SYS_INTERNAL', 'Something went wrong on our side; it is in the log.');
}

function plain(status: number, code: string, detail: string) {
  return { document: problem(status, code, detail), headers: {} };
}

/** Connection errors of Node, and the SQLSTATE classes 08 (connection), 53 (resources), 55 (locked) and 57 (shut down, cancelled). */
function isDatabaseAway(code: string): boolean {
  return (
    /^(08|53|55|57)\w{3}$/.test(code) || ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOENT'].includes(code)
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : typeof error;
}
