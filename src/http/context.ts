import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
} from 'fastify';
import type { RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import type { Intake } from '../consumers/intake.js';
import type { Sql } from '../store/data-source.js';

/** A data centre as people may see it. Credentials are not in it, and neither are settings. */
export interface PlatformView {
  id: string;
  name: string;
  kind: string;
  serviceUrl: string;
  state: 'open' | 'maintenance' | 'disabled';
}

export interface Readiness {
  ready: boolean;
  /** One line per thing looked at. */
  checks: { what: string; ok: boolean; detail: string }[];
}

export interface HttpOptions {
  config: Pick<Config, 'host' | 'port' | 'requireToken' | 'apiTokens' | 'kafka'>;
  dataSource: DataSource;
  intake: Pick<Intake, 'receive'>;
  platforms: () => PlatformView[];
  metrics: Registry;
  ready: () => Promise<Readiness>;
  log: Logger;
}

/** What the routes work with. */
export interface Context extends HttpOptions {
  sql: Sql;
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

export const cloudNames: Readonly<Record<string, string>> = {
  cloudstack: 'CloudStack',
  openstack: 'OpenStack',
  cloudtower: 'CloudTower',
  clc: 'CLC',
  plcloud: 'PLCloud',
};
