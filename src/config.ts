import { createHash } from 'node:crypto';
import { z } from 'zod';

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
  } | null;
  logLevel: (typeof logLevels)[number];
  /** First seals, all open. */
  secretKeys: string[];
  apiTokens: { name: string; sha256: string }[];
  requireToken: boolean;
  /** Text of the allow-list; `publishers/url-guard.ts` parses it. */
  callbackAllow: string;
  callbackPath: string;
  /** Standard Webhooks secrets; the first signs, all are sent for rotation. */
  callbackSecrets: string[];
  platformsFile: string | null;
  /** A silent worker is taken for dead after this. */
  leaseMs: number;
  databasePoolSize: number;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

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
  HOST: 'Address the API listens on (127.0.0.1; 0.0.0.0 in a container).',
  PORT: 'Port of the API (8080).',
  LOG_LEVEL: `One of ${logLevels.join(', ')} (info).`,
  ORDERWRIGHT_SECRET_KEY:
    'Key that seals passwords and credentials: 32 bytes in base64 or hex; several separated by commas for rotation, the first seals.',
  ORDERWRIGHT_API_TOKENS:
    'Tokens of the API as name:token, separated by commas. With it set, and always in serve, one is asked for.',
  ORDERWRIGHT_CALLBACK_ALLOW:
    'Hosts or networks that results may be posted to: host[:port] or cidr[:port], separated by commas. Empty: none.',
  ORDERWRIGHT_CALLBACK_PATH: "Path added to an order's msghandler_url when it has none (empty).",
  ORDERWRIGHT_CALLBACK_SECRETS: 'Secrets that sign callbacks (Standard Webhooks, whsec_…), separated by commas.',
  ORDERWRIGHT_PLATFORMS: 'JSON file with the platforms to add at start when they are missing.',
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
  ORDERWRIGHT_CALLBACK_ALLOW: z.string().default(''),
  ORDERWRIGHT_CALLBACK_PATH: z.string().default(''),
  ORDERWRIGHT_CALLBACK_SECRETS: z.string().optional(),
  ORDERWRIGHT_PLATFORMS: z.string().optional(),
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
          },
    logLevel: value.LOG_LEVEL,
    secretKeys: list(value.ORDERWRIGHT_SECRET_KEY),
    apiTokens: list(value.ORDERWRIGHT_API_TOKENS).map((one) => ({
      name: one.slice(0, one.indexOf(':')),
      sha256: createHash('sha256')
        .update(one.slice(one.indexOf(':') + 1))
        .digest('hex'),
    })),
    requireToken: profile === 'scale-out' || given.ORDERWRIGHT_API_TOKENS !== undefined,
    callbackAllow: value.ORDERWRIGHT_CALLBACK_ALLOW,
    callbackPath: value.ORDERWRIGHT_CALLBACK_PATH,
    callbackSecrets: list(value.ORDERWRIGHT_CALLBACK_SECRETS),
    platformsFile: value.ORDERWRIGHT_PLATFORMS ?? null,
    leaseMs: value.ORDERWRIGHT_LEASE_MS,
    databasePoolSize: value.DATABASE_POOL,
  };
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
