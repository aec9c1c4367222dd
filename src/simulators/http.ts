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

/** `cut` destroys the socket without an answer, as a crash or a broken network would. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | 'cut';

export interface HttpListener {
  port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  host: string;
  port: number;
  maxBodyBytes: number;
}

/** Listens with node:http; every request goes whole to `handle`, which answers at once. */
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
    let result: HttpAnswer | 'cut';
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
