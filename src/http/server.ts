import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { Histogram } from 'prom-client';
import { limits } from '../consumers/read/limits.js';
import { titleOf } from '../provisioners/registry.js';
import { poolOf } from '../store/data-source.js';
import { installationId as readInstallationId } from '../store/installation.js';
import { AccessControl } from './auth.js';
import { answerClientError } from './client-errors.js';
import { type App, type Context, type HttpOptions } from './context.js';
import { answerError, sendProblem } from './errors.js';
import { datacenterRoutes } from './datacenter-routes.js';
import { eventRoutes } from './event-routes.js';
import { intakeRoutes } from './intake-routes.js';
import { leftoverRoutes } from './leftover-routes.js';
import { leverRoutes } from './lever-routes.js';
import { metaRoutes } from './meta-routes.js';
import { operatorRoutes } from './operator-routes.js';
import { orderRoutes } from './order-routes.js';
import { packageVersion } from './package-version.js';
import { platformRoutes } from './platform-routes.js';
import { problem } from './problem.js';
import { accessOf } from './route-access.js';
import { TokenBook } from './token-book.js';
import { tokenRoutes } from './token-routes.js';
import { registrationRoutes } from './registration-routes.js';
import { secretRoutes } from './secret-routes.js';
import { userRoutes } from './user-routes.js';

export type { HttpOptions, PlatformView, Readiness } from './context.js';

export interface HttpServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Starts the API. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { app, close } = await buildHttp(options);
  const { host, port } = options.config;
  await app.listen({ host, port });
  const bound = (app.server.address() as AddressInfo).port;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`, port: bound, close };
}

/** The API without a port, for tests. */
export async function buildHttp(options: HttpOptions): Promise<{ app: App; close: () => Promise<void> }> {
  const closing = new AbortController();
  const sql = poolOf(options.dataSource);
  const access = new AccessControl(options.config, new TokenBook(sql, options.config.apiTokens));
  let installation: string | null = null;
  const context: Context = {
    ...options,
    sql,
    access,
    installationId: async () => (installation ??= await readInstallationId(sql)),
    describePlatform: (platformId) => {
      const known = options.platforms().find((one) => one.id === platformId);
      return { name: known?.name ?? platformId, cloud: known ? titleOf(known.kind) : 'cloud' };
    },
    closing: closing.signal,
  };
  const app: App = fastify({
    // Ours is one line per refusal; a line per request would drown it.
    logger: false,
    bodyLimit: limits.messageBytes,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 400 },
    // An endless body ends here (API_TIMEOUT); so does a client that never sends its headers.
    requestTimeout: 30_000,
    // Node looks for such clients every 30 s by itself, and with its own headersTimeout of 60 s it takes the longer of the
    // two for the body: a slow body then held its connection for a minute and a half.
    http: { connectionsCheckingInterval: 2_000, headersTimeout: 15_000 },
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: true,
    trustProxy: false,
    clientErrorHandler: answerClientError,
    // A path that cannot be decoded never reaches a route, and would be answered in fastify's own words.
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options.log),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  addHeaders(app);
  addMetrics(app, options);
  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request) => {
    request.principal = await access.check(request);
  });
  // A route that the table does not know does not start.
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) accessOf(one, url);
  });
  const allowed = collectMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed(request.url.split('?', 1)[0] ?? '');
    if (methods.length === 0) {
      sendProblem(request, reply, problem(404, 'API_NOT_FOUND', 'There is nothing here.'));
      return;
    }
    void reply.header('allow', methods.join(', '));
    sendProblem(request, reply, problem(405, 'API_METHOD', `Allowed here: ${methods.join(', ')}.`));
  });

  const version = packageVersion();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Orderwright',
        version,
        description: 'Durable work-order processor. Errors are RFC 9457 problem documents with a stable code.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(options.config.requireToken ? { security: [{ token: [] }] } : {}),
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (scope: App) => intakeRoutes(scope, context));
  await app.register(async (scope: App) => datacenterRoutes(scope, context));
  await app.register(async (scope: App) => userRoutes(scope, context));
  await app.register(async (scope: App) => {
    orderRoutes(scope, context);
    operatorRoutes(scope, context);
    platformRoutes(scope, context);
    eventRoutes(scope, context);
    secretRoutes(scope, context);
    tokenRoutes(scope, context);
    leverRoutes(scope, context);
    leftoverRoutes(scope, context);
    registrationRoutes(scope, context);
  });
  metaRoutes(app, context, version);
  await app.ready();
  return {
    app,
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
}

/** What keeps a browser from making more of an answer than it is. */
function addHeaders(app: App): void {
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
  });
}

function addMetrics(app: App, { metrics }: HttpOptions): void {
  const durations = new Histogram({
    name: 'orderwright_http_request_seconds',
    help: 'Time an answer took, by route',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2],
    registers: [metrics],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
}

/** Which methods a path would take: fastify answers 404 where 405 is meant. */
function collectMethods(app: App): (path: string) => string[] {
  const routes: { pattern: RegExp; method: string }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url
      .replace(/\/$/, '')
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)))
      .join('/');
    for (const one of [method].flat()) routes.push({ pattern: new RegExp(`^${pattern}/?$`), method: one });
  });
  return (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))].sort();
}
