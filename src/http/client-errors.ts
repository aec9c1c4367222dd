import type { Socket } from 'node:net';
import { problem } from './problem.js';

/** Refuses what never became a request: headers without end, a body that never comes, something that is not HTTP. */
export function answerClientError(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason, document] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [
          431,
          'Request Header Fields Too Large',
          problem(431, 'API_HEADERS_TOO_LARGE', 'The headers are larger than 16 KiB.'),
        ]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', problem(408, 'API_TIMEOUT', 'The request did not arrive in time.')]
        : [400, 'Bad Request', problem(400, 'API_REQUEST', 'This is not a request that can be understood.')];
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
