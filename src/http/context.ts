import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
} from 'fastify';
import type { RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import type { Intake } from '../consumers/intake.js';
import type { Levers } from '../runner/levers.js';
import type { Orphans } from '../runner/orphans.js';
import type { Standing } from '../runner/fair-turns.js';
import type { PlatformRegistry } from '../runner/platform-registry.js';
import type { Weather } from '../runner/weather-report.js';
import type { Registrar } from '../runner/registrar.js';
import type { Passwords } from '../tenants/passwords.js';
import type { AccessControl } from './auth.js';

/** A data centre as this worker has it. Credentials are not in it, and neither are settings. */
export interface PlatformView {
  id: string;
  name: string;
  kind: string;
  serviceUrl: string;
  state: 'open' | 'maintenance' | 'disabled';
  /** What the workers see of it; not given where nobody looks (the documents alone). */
  weather?: Weather;
}

export interface Readiness {
  ready: boolean;
  /** One line per thing looked at. */
  checks: { what: string; ok: boolean; detail: string }[];
}

export interface HttpOptions {
  config: Pick<Config, 'host' | 'port' | 'requireToken' | 'apiTokens' | 'apiRatePerSecond' | 'legacyIntake' | 'kafka'>;
  dataSource: DataSource;
  intake: Pick<Intake, 'receive' | 'resubmit'>;
  levers: Pick<Levers, 'pull' | 'forecast'>;
  orphans: Pick<Orphans, 'adopt' | 'destroy'>;
  /** Those this worker knows, with their weather. */
  platforms: () => PlatformView[];
  /** Those of the database, which every worker takes up within seconds. */
  registry: Pick<PlatformRegistry, 'list' | 'read' | 'openOrders' | 'add' | 'edit' | 'setState' | 'remove' | 'check'>;
  /** Registers users in the data centres and takes registrations back. */
  registrar: Pick<Registrar, 'register' | 'unregister' | 'list'>;
  /** How users' passwords are hashed; not given: at the cost that OWASP asks for. */
  passwords?: Passwords;
  /** Where an order's next piece of work stands in its cloud's queue; null when it does not wait, or another worker has it. */
  standingOf?: (platformId: string, orderId: string) => Standing | null;
  metrics: Registry;
  ready: () => Promise<Readiness>;
  /** Opens a sealed secret, for the one route that gives some out. */
  openSecret(sealed: Uint8Array, context: string): string;
  log: Logger;
}

/** What the routes work with. */
export interface Context extends HttpOptions {
  sql: pg.Pool;
  access: AccessControl;
  /** Name and cloud of a platform for people; the id where it is not known. */
  describePlatform(platformId: string): { name: string; cloud: string };
  /** The name of this installation, read once. */
  installationId(): Promise<string>;
  /** Aborted when the server closes: endless answers end themselves. */
  closing: AbortSignal;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The account whose rows a request may see; null: everybody's. Every query that a route makes takes it. */
export function tenantOf(request: Pick<FastifyRequest, 'principal'>): string | null {
  // A route without a principal is open to all, and has no rows to show.
  if (request.principal === null) throw new Error('an open route asked for rows');
  return request.principal.accountId;
}
