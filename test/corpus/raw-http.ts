/** HTTP as it goes over the wire, also what no client library would send. */
import { connect, type Socket } from 'node:net';
import { expand, textOf } from './corpus.js';

type Text = Parameters<typeof textOf>[0];

/** A request as the files describe it. */
export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, Text>;
  body?: string;
  /** Chunks of a chunked body, sent until the server has had enough. */
  chunk?: { repeat: string; bytes: number; times: number };
  /** null: without the token that every request has otherwise. */
  token?: null;
  /** Ends our side of the connection behind what was sent. */
  end?: boolean;
  /** The whole request as it stands. */
  raw?: string;
  hex?: string;
}

export interface RawAnswer {
  status: number;
  text: string;
  code: string | null;
}

/** @param token put in for `{{token}}` and into Authorization */
export function sendRaw(url: string, request: RawRequest, token: string, timeoutMs = 20_000): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const parts: Buffer[] = [];
    const answered = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const answer = read(Buffer.concat(parts).toString());
      if (answer === null) reject(new Error(`no answer, but ${JSON.stringify(Buffer.concat(parts).toString())}`));
      else resolve(answer);
    };
    const timer = setTimeout(answered, timeoutMs);
    socket.on('data', (data) => {
      parts.push(data);
      if (isWhole(Buffer.concat(parts).toString())) answered();
    });
    // A server that has had enough closes while we still write: what it said before counts.
    socket.on('error', () => undefined);
    socket.on('close', answered);
    socket.on('connect', () => void write(socket, request, hostname, token));
  });
}

async function write(socket: Socket, request: RawRequest, host: string, token: string): Promise<void> {
  if (request.hex !== undefined || request.raw !== undefined) {
    socket.write(request.hex === undefined ? Buffer.from(request.raw ?? '') : Buffer.from(request.hex, 'hex'));
    return;
  }
  const { method = 'GET', path = '/', headers = {}, body = '', chunk } = request;
  const named = Object.entries(headers).map(([name, value]) => `${name}: ${textOf(value)}\r\n`);
  if (request.token !== null) named.push(`authorization: Bearer ${token}\r\n`);
  const isMeasured = named.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  if (body !== '' && !isMeasured) named.push(`content-length: ${Buffer.byteLength(body)}\r\n`);
  const target = path.replaceAll('{{token}}', token);
  socket.write(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${named.join('')}\r\n${body}`);
  if (request.end) socket.end();
  if (!chunk) return;
  const content = expand({ repeat: chunk.repeat, bytes: chunk.bytes });
  for (let i = 0; i < chunk.times && socket.writable; i++) {
    const goesOn = socket.write(
      Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]),
    );
    if (!goesOn)
      await new Promise((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
  }
}

function isWhole(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)\r?$/im.exec(text.slice(0, headEnd))?.[1];
  return headEnd >= 0 && length !== undefined && Buffer.byteLength(text.slice(headEnd + 4)) >= Number(length);
}

function read(text: string): RawAnswer | null {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  if (status === undefined) return null;
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  let code: string | null = null;
  try {
    const document = JSON.parse(body) as { code?: string; results?: { code?: string } };
    code = document.code ?? document.results?.code ?? null;
  } catch {
    // an answer without a document has no code
  }
  return { status: Number(status), text: body, code };
}
