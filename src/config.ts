import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { BundlePolicy } from './machines/work-order.machine.js';
import { type IpRange, parseRange } from './publishers/ip-address.js';
import { isWebhookSecret } from './publishers/standard-webhooks.js';
import { type Role, roles } from './roles.js';

/**
 * Everything the environment can say, parsed once, with every problem listed at once. Nothing else reads `process.env`;
 * values are passed down from `main.ts`.
 */
export interface Config {
  profile: 'embedded' | 'scale-out';
  databaseUrl: string;
  host: string;
  port: number;
  kafka: {
    brokers: string[];
    clientId: string;
    groupId: string;
    topics: { orders: string; events: string; rejected: string };
    /** null: connections are plain. */
    tls?: { ca: string | null; serverName: string | null; insecure: boolean } | null;
    sasl?: { mechanism: (typeof saslMechanisms)[number]; username: string; password: string } | null;
  } | null;
  logLevel: (typeof logLevels)[number];
  /** First seals, all open. */
  secretKeys: string[];
  /** Those of the environment; more are in the table `api_token`. */
  apiTokens: { name: string; sha256: string; role: Role; accountId: string | null }[];
  requireToken: boolean;
  /** Requests a second that one token may send on average. */
  apiRatePerSecond: number;
  /** The source platform's own intake: not there, open to tokens like the rest, or also to these networks without one. */
  legacyIntake: 'off' | 'token' | IpRange[];
  /** Text of the allow-list; `publishers/url-guard.ts` parses it. */
  callbackAllow: string;
  callbackPath: string;
  /** Standard Webhooks secrets; the first signs, all are sent for rotation. */
  callbackSecrets: string[];
  /** Whether results may be posted without a signature. */
  callbackUnsigned: boolean;
  platformsFile: string | null;
  /** What becomes of an order of which an item fails; `''` for those that are not named. */
  bundlePolicy: Record<string, BundlePolicy>;
  /** Whether a second thing of an order's, found after its end, is removed without a person; `''` for those that are not named. */
  extras: Record<string, Extras>;
  /** How long a failed order is held for a person before it is undone. */
  undoAfterMs: number;
  /** Turns at a cloud account that a tenant (billing's accountId) gets for one of the others'. */
  tenantWeights: ReadonlyMap<string, number>;
  /** A silent worker is taken for dead after this. */
  leaseMs: number;
  databasePoolSize: number;
}

type Extras = (typeof extrasPolicies)[number];
const extrasPolicies = ['list', 'remove'] as const;

const bundlePolicies = ['rollback', 'keep-master', 'best-effort'] as const satisfies readonly BundlePolicy[];

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .pipe(z.number().int().min(0).max(65_535));

/** One line per variable: what `doctor` explains and the README lists come from here. */
export const variables = {
  DATABASE_URL:
    'PostgreSQL to keep everything in: postgres://user:password@host:5432/name. Asked for by serve and migrate.',
  KAFKA_BROKERS: 'Kafka brokers, host:port separated by commas. Without it orders come by HTTP and files only.',
  KAFKA_CLIENT_ID: 'Name of this client at the brokers (orderwright).',
  KAFKA_GROUP_ID: 'Consumer group that shares the intake (orderwright).',
  KAFKA_TOPIC_ORDERS: 'Topic the orders come from (work-orders).',
  KAFKA_TOPIC_EVENTS: 'Topic the events go to (work-order-events).',
  KAFKA_TOPIC_REJECTED: 'Topic for what could not be taken (work-orders.rejected).',
  KAFKA_TLS: 'off, on, or insecure: encrypted without asking who the broker is, which is warned about (off).',
  KAFKA_TLS_CA: 'File with the certificate (PEM) of the authority that signed those of the brokers.',
  KAFKA_TLS_SERVER_NAME: 'Name to ask the brokers for, when it is not the one they are reached by.',
  KAFKA_SASL_MECHANISM: `How to log in at the brokers: ${saslMechanisms.join(', ')}.`,
  KAFKA_SASL_USERNAME: 'Name to log in with.',
  KAFKA_SASL_PASSWORD: 'Password to log in with.',
  HOST: 'Address the API listens on (127.0.0.1; 0.0.0.0 in a container).',
  PORT: 'Port of the API (8080).',
  LOG_LEVEL: `One of ${logLevels.join(', ')} (info).`,
  ORDERWRIGHT_SECRET_KEY:
    'Key that seals passwords and credentials: 32 bytes in base64 or hex; several separated by commas for rotation, the first seals.',
  ORDERWRIGHT_API_TOKENS:
    'Tokens of the API as name:token (an admin) or name:token:role[:account], separated by commas. With it set, and always in serve, one is asked for.',
  ORDERWRIGHT_API_RATE: 'Requests a second that one token may send on average (500).',
  ORDERWRIGHT_LEGACY_INTAKE:
    'POST /api/msg/order/: off, token, or networks (CIDR, separated by commas) that need no token (token).',
  ORDERWRIGHT_CALLBACK_ALLOW:
    'Hosts or networks that results may be posted to: host[:port] or cidr[:port], separated by commas. Empty: none.',
  ORDERWRIGHT_CALLBACK_PATH: "Path added to an order's msghandler_url when it has none (empty).",
  ORDERWRIGHT_CALLBACK_SECRETS: 'Secrets that sign callbacks (Standard Webhooks, whsec_…), separated by commas.',
  ORDERWRIGHT_CALLBACK_UNSIGNED: 'allow or refuse results posted without a signature (serve: refuse, up: allow).',
  ORDERWRIGHT_PLATFORMS: 'JSON file with the platforms to add at start when they are missing.',
  ORDERWRIGHT_BUNDLE_POLICY: `What becomes of the rest when an item fails: one of ${bundlePolicies.join(', ')}, then exceptions as account=policy, separated by commas (rollback).`,
  ORDERWRIGHT_EXTRAS: `What becomes of a second thing of an order's, found after its end: one of ${extrasPolicies.join(', ')}, then exceptions as account=policy, separated by commas (list).`,
  ORDERWRIGHT_UNDO_AFTER_MS:
    'Under rollback a failed order is held so long for a person before it is undone (serve: 900000, up: 10000).',
  ORDERWRIGHT_TENANT_WEIGHTS:
    'Turns at a cloud account that a tenant gets for one of the others, as accountId=weight, separated by commas (1 each).',
  ORDERWRIGHT_LEASE_MS: 'A worker silent for so long loses its orders to the others (15000).',
  DATABASE_POOL: 'Connections to PostgreSQL (10).',
} as const;
export type Variable = keyof typeof variables;

const Environment = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must look like postgres://user:password@host:5432/name')
    .optional(),
  KAFKA_BROKERS: z
    .string()
    .refine(
      (text) => list(text).every((one) => /^[^:\s]+:\d{1,5}$/.test(one)),
      'must be host:port, separated by commas',
    )
    .optional(),
  KAFKA_CLIENT_ID: z.string().min(1).default('orderwright'),
  KAFKA_GROUP_ID: z.string().min(1).default('orderwright'),
  KAFKA_TOPIC_ORDERS: z.string().min(1).default('work-orders'),
  KAFKA_TOPIC_EVENTS: z.string().min(1).default('work-order-events'),
  KAFKA_TOPIC_REJECTED: z.string().min(1).default('work-orders.rejected'),
  KAFKA_TLS: z.enum(['off', 'on', 'insecure']).default('off'),
  KAFKA_TLS_CA: z.string().optional(),
  KAFKA_TLS_SERVER_NAME: z.string().optional(),
  KAFKA_SASL_MECHANISM: z.enum(saslMechanisms).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(8080),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  ORDERWRIGHT_SECRET_KEY: z.string().optional(),
  ORDERWRIGHT_API_TOKENS: z
    .string()
    .refine(
      (text) => list(text).every((one) => /^[\w.-]+:\S{16,}$/.test(one)),
      'must be name:token with tokens of 16 characters or more',
    )
    .optional(),
  ORDERWRIGHT_API_RATE: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'must be a number from 1')
    .transform(Number)
    .default(500),
  ORDERWRIGHT_LEGACY_INTAKE: z
    .string()
    .refine(
      (text) => text === 'off' || text === 'token' || list(text).every((one) => parseRange(one) !== null),
      'must be off, token, or networks such as 10.20.0.0/16 (bits beyond the prefix zero), separated by commas',
    )
    .optional(),
  ORDERWRIGHT_CALLBACK_ALLOW: z.string().default(''),
  ORDERWRIGHT_CALLBACK_PATH: z.string().default(''),
  ORDERWRIGHT_CALLBACK_SECRETS: z
    .string()
    .refine(
      (text) => list(text).every(isWebhookSecret),
      'must be "whsec_" and the base64 of 24 to 64 bytes; make one with: echo "whsec_$(openssl rand -base64 32)"',
    )
    .optional(),
  ORDERWRIGHT_CALLBACK_UNSIGNED: z.enum(['allow', 'refuse']).optional(),
  ORDERWRIGHT_PLATFORMS: z.string().optional(),
  ORDERWRIGHT_BUNDLE_POLICY: z
    .string()
    .default('rollback')
    .refine(
      (text) => readByAccount(text, bundlePolicies, 'rollback') !== null,
      `must be one of ${bundlePolicies.join(', ')}, then account=policy for exceptions, separated by commas`,
    ),
  ORDERWRIGHT_EXTRAS: z
    .string()
    .default('list')
    .refine(
      (text) => readByAccount(text, extrasPolicies, 'list') !== null,
      `must be one of ${extrasPolicies.join(', ')}, then account=policy for exceptions, separated by commas`,
    ),
  ORDERWRIGHT_UNDO_AFTER_MS: z
    .string()
    .regex(/^\d{1,10}$/, 'must be milliseconds')
    .transform(Number)
    .optional(),
  ORDERWRIGHT_TENANT_WEIGHTS: z
    .string()
    .refine(
      (text) => list(text).every((one) => /^[^=]+=(?!0+(\.0+)?$)\d{1,4}(\.\d{1,3})?$/.test(one)),
      'must be accountId=weight with weights above 0, separated by commas',
    )
    .default(''),
  ORDERWRIGHT_LEASE_MS: z
    .string()
    .regex(/^\d+$/, 'must be milliseconds')
    .transform(Number)
    .pipe(z.number().min(2_000))
    .default(15_000),
  DATABASE_POOL: z
    .string()
    .regex(/^\d+$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(3).max(200))
    .default(10),
});

/** `rollback, acme=best-effort` as policies by account, `''` for the rest; null when it cannot be read. */
function readByAccount<Policy extends string>(
  text: string,
  known: readonly Policy[],
  otherwise: Policy,
): Record<string, Policy> | null {
  const policies: Record<string, Policy> = { '': otherwise };
  for (const part of list(text)) {
    const at = part.lastIndexOf('=');
    const policy = known.find((one) => one === part.slice(at + 1).trim());
    if (!policy) return null;
    policies[part.slice(0, Math.max(at, 0)).trim()] = policy;
  }
  return policies;
}

/** The environment is not usable; `problems` has one line for each thing that is wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: { variable: string; problem: string }[]) {
    super(problems.map(({ variable, problem }) => `${variable}: ${problem}`).join('\n'));
  }
}

/**
 * @param profile what is asked for beyond the variables' own form: scale-out needs a database, a secret key and tokens
 * @throws ConfigError with everything that is wrong
 */
export function loadConfig(env: NodeJS.ProcessEnv, profile: Config['profile']): Config {
  // An empty variable is what compose files and shells leave behind for "not set".
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in variables && value !== ''));
  const parsed = Environment.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({ variable: String(issue.path[0]), problem: issue.message }));
  const missing = (variable: Variable) => {
    if (!given[variable]) problems.push({ variable, problem: `is not set. ${variables[variable]}` });
  };
  missing('DATABASE_URL');
  missing('ORDERWRIGHT_SECRET_KEY');
  if (profile === 'scale-out') missing('ORDERWRIGHT_API_TOKENS');
  const unsigned = (given.ORDERWRIGHT_CALLBACK_UNSIGNED ?? (profile === 'embedded' ? 'allow' : 'refuse')) === 'allow';
  if (given.ORDERWRIGHT_CALLBACK_ALLOW && !given.ORDERWRIGHT_CALLBACK_SECRETS && !unsigned) {
    const problem =
      'is not set, and results may be posted (ORDERWRIGHT_CALLBACK_ALLOW): whoever gets them could not tell who sent them. Set it, or ORDERWRIGHT_CALLBACK_UNSIGNED=allow.';
    problems.push({ variable: 'ORDERWRIGHT_CALLBACK_SECRETS', problem });
  }
  const kafkaTls = readKafkaTls(given, problems);
  const kafkaSasl = readKafkaSasl(given, problems);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const value = parsed.data;
  const brokers = list(value.KAFKA_BROKERS);
  return {
    profile,
    databaseUrl: value.DATABASE_URL ?? '',
    host: value.HOST,
    port: value.PORT,
    kafka:
      brokers.length === 0
        ? null
        : {
            brokers,
            clientId: value.KAFKA_CLIENT_ID,
            groupId: value.KAFKA_GROUP_ID,
            topics: {
              orders: value.KAFKA_TOPIC_ORDERS,
              events: value.KAFKA_TOPIC_EVENTS,
              rejected: value.KAFKA_TOPIC_REJECTED,
            },
            tls: kafkaTls,
            sasl: kafkaSasl,
          },
    logLevel: value.LOG_LEVEL,
    secretKeys: list(value.ORDERWRIGHT_SECRET_KEY),
    apiTokens: list(value.ORDERWRIGHT_API_TOKENS).map(readToken),
    requireToken: profile === 'scale-out' || given.ORDERWRIGHT_API_TOKENS !== undefined,
    apiRatePerSecond: value.ORDERWRIGHT_API_RATE,
    legacyIntake: readLegacyIntake(value.ORDERWRIGHT_LEGACY_INTAKE ?? 'token'),
    callbackAllow: value.ORDERWRIGHT_CALLBACK_ALLOW,
    callbackPath: value.ORDERWRIGHT_CALLBACK_PATH,
    callbackSecrets: list(value.ORDERWRIGHT_CALLBACK_SECRETS),
    callbackUnsigned: unsigned,
    platformsFile: value.ORDERWRIGHT_PLATFORMS ?? null,
    bundlePolicy: readByAccount(value.ORDERWRIGHT_BUNDLE_POLICY, bundlePolicies, 'rollback') ?? {},
    extras: readByAccount(value.ORDERWRIGHT_EXTRAS, extrasPolicies, 'list') ?? {},
    undoAfterMs: value.ORDERWRIGHT_UNDO_AFTER_MS ?? (profile === 'embedded' ? 10_000 : 900_000),
    tenantWeights: new Map(
      list(value.ORDERWRIGHT_TENANT_WEIGHTS).map((one): [string, number] => {
        const at = one.lastIndexOf('=');
        return [one.slice(0, at).trim(), Number(one.slice(at + 1))];
      }),
    ),
    leaseMs: value.ORDERWRIGHT_LEASE_MS,
    databasePoolSize: value.DATABASE_POOL,
  };
}

const withRole = new RegExp(String.raw`^([\w.-]+):([^\s:]{16,}):(${roles.join('|')})(?::(\S+))?$`);

/** `name:token:role[:account]`, else `name:token` with whatever colons the token has, which is how it was before there were roles. */
function readToken(text: string): Config['apiTokens'][number] {
  const [, name, token, role, accountId] = withRole.exec(text) ?? [];
  if (name !== undefined && token !== undefined) {
    return { name, sha256: sha256(token), role: role as Role, accountId: accountId ?? null };
  }
  const colon = text.indexOf(':');
  return { name: text.slice(0, colon), sha256: sha256(text.slice(colon + 1)), role: 'admin', accountId: null };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function readLegacyIntake(text: string): Config['legacyIntake'] {
  return text === 'off' || text === 'token' ? text : list(text).flatMap((one) => parseRange(one) ?? []);
}

type Problems = { variable: string; problem: string }[];
type Given = Record<string, string | undefined>;
type Kafka = Required<NonNullable<Config['kafka']>>;

function readKafkaTls(given: Given, problems: Problems): Kafka['tls'] {
  const mode = given['KAFKA_TLS'] ?? 'off';
  if (mode === 'off') {
    // Said without TLS these would be forgotten silently, and the connection be plain.
    for (const variable of ['KAFKA_TLS_CA', 'KAFKA_TLS_SERVER_NAME']) {
      if (given[variable]) problems.push({ variable, problem: 'means nothing while KAFKA_TLS is off.' });
    }
    return null;
  }
  let ca: string | null = null;
  if (given['KAFKA_TLS_CA']) {
    try {
      ca = readFileSync(given['KAFKA_TLS_CA'], 'utf8');
    } catch (error) {
      const code = (error as { code?: string }).code ?? 'unknown';
      problems.push({ variable: 'KAFKA_TLS_CA', problem: `the file cannot be read (${code}).` });
    }
  }
  return { ca, serverName: given['KAFKA_TLS_SERVER_NAME'] ?? null, insecure: mode === 'insecure' };
}

function readKafkaSasl(given: Given, problems: Problems): Kafka['sasl'] {
  const names = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
  const [mechanism, username, password] = names.map((name) => given[name]);
  if (mechanism !== undefined && username !== undefined && password !== undefined) {
    if (mechanism === 'plain' && (given['KAFKA_TLS'] ?? 'off') === 'off') {
      problems.push({
        variable: 'KAFKA_SASL_MECHANISM',
        problem: 'plain sends the password as it is: it needs KAFKA_TLS.',
      });
    }
    return { mechanism: mechanism as NonNullable<Kafka['sasl']>['mechanism'], username, password };
  }
  if (names.some((name) => given[name] !== undefined)) {
    for (const variable of names) {
      if (given[variable] === undefined)
        problems.push({ variable, problem: `is not set, while another of ${names.join(', ')} is.` });
    }
  }
  return null;
}

export interface VariableReport {
  variable: Variable;
  purpose: string;
  /** What is set, secrets masked; null when it is not. */
  value: string | null;
  problem: string | null;
}

const secretVariables: readonly string[] = [
  'DATABASE_URL',
  'ORDERWRIGHT_SECRET_KEY',
  'ORDERWRIGHT_API_TOKENS',
  'ORDERWRIGHT_CALLBACK_SECRETS',
  'KAFKA_SASL_PASSWORD',
];

/** Every variable with what is set and what is wrong with it, for `doctor`. */
export function describeConfig(env: NodeJS.ProcessEnv, profile: Config['profile']): VariableReport[] {
  let problems: { variable: string; problem: string }[] = [];
  try {
    loadConfig(env, profile);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems = error.problems;
  }
  return Object.entries(variables).map(([variable, purpose]) => ({
    variable: variable as Variable,
    purpose,
    value: env[variable] ? (secretVariables.includes(variable) ? '(set)' : (env[variable] ?? null)) : null,
    problem: problems.find((one) => one.variable === variable)?.problem ?? null,
  }));
}
