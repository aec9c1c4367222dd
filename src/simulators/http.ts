import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRequest {
  method: string;
  path: string;
  /** Raw query string without the question mark. */
  query: string;
  headers: IncomingHttpHeaders;
  /** Raw body; null when it was larger than the limit. */
  body: string | null;
}

export interface HttpAnswer {
  status: number;
  headers?: Record<string, string | string[]>;
  body: string;
  /** Holds the answer back for that long. */
  delayMs?: number;
}

/**
 * A request that a frozen service holds. Nothing of it is done yet. The cloud itself carries it out when the service goes on, whether
 * anybody still waits or not; the road only has to pass the answer on to whoever does.
 */
export interface HeldRequest {
  /** When it will be carried out as things stand, ms since epoch; a thaw on request or another freeze changes it. */
  heldUntilMs: number;
  /**
   * Tells the answer, once, when the request has been carried out; at once when it has been. Never told when the cloud is reset or closed
   * before. One listener.
   */
  onAnswer(listener: (answer: HttpAnswer | 'cut') => void): void;
}

/** `cut` destroys the socket without an answer, as a crash or a broken network would. */
export type SimulatedAnswer = HttpAnswer | 'cut' | HeldRequest;
export const isHeld = (answer: SimulatedAnswer): answer is HeldRequest => answer !== 'cut' && 'onAnswer' in answer;

export type HttpHandler = (request: HttpRequest) => SimulatedAnswer;

export interface HttpListener {
  port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  host: string;
  port: number;
  maxBodyBytes: number;
}

/** Listens with node:http; every request goes whole to `handle`, which answers at once or holds it. */
export async function listen(options: ListenOptions, handle: HttpHandler): Promise<HttpListener> {
  const delayed = new Set<NodeJS.Timeout>();
  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= options.maxBodyBytes) chunks.push(chunk);
    });
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = size > options.maxBodyBytes ? null : Buffer.concat(chunks).toString('utf8');
      answer(request, response, body);
    });
  });

  function answer(request: IncomingMessage, response: ServerResponse, body: string | null): void {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    let result: SimulatedAnswer;
    try {
      result = handle({
        method: request.method ?? 'GET',
        path: mark < 0 ? url : url.slice(0, mark),
        query: mark < 0 ? '' : url.slice(mark + 1),
        headers: request.headers,
        body,
      });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      result = { status: 500, headers: { 'content-type': 'text/plain' }, body: `simulator defect: ${text}\n` };
    }
    if (isHeld(result)) result.onAnswer((late) => pass(request, response, late));
    else pass(request, response, result);
  }

  function pass(request: IncomingMessage, response: ServerResponse, result: HttpAnswer | 'cut'): void {
    // Who waited has gone.
    if (response.destroyed) return;
    if (result === 'cut') {
      request.socket.destroy();
      return;
    }
    const { delayMs } = result;
    const send = () => {
      response.writeHead(result.status, { ...result.headers, 'content-length': Buffer.byteLength(result.body) });
      response.end(result.body);
    };
    if (delayMs === undefined || delayMs <= 0) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      delayed.delete(timer);
      if (!response.destroyed) send();
    }, delayMs).unref();
    delayed.add(timer);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        for (const timer of delayed) clearTimeout(timer);
        delayed.clear();
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

const maxBodyBytes = 1024 * 1024;

/** A simulated cloud without a listener: whoever brings a request gets its answer. */
export interface SimulatedCloud {
  handle: HttpHandler;
  /** Forgets everything it had planned for later. */
  close(): void;
}

/**
 * Puts a simulated cloud behind a listener of its own.
 *
 * @param servicePath where its real API begins; the control side is below the same origin
 */
export async function startSimulated(
  cloud: SimulatedCloud,
  { host, port }: { host?: string; port?: number },
  servicePath: string,
): Promise<{ url: string; serviceUrl: string; port: number; close(): Promise<void> }> {
  const listener = await listen({ host: host ?? '127.0.0.1', port: port ?? 0, maxBodyBytes }, cloud.handle);
  const shownHost = host === undefined || host === '0.0.0.0' ? '127.0.0.1' : host;
  const url = `http://${shownHost}:${listener.port}`;
  return {
    url,
    serviceUrl: `${url}${servicePath}`,
    port: listener.port,
    async close() {
      cloud.close();
      await listener.close();
    },
  };
}
