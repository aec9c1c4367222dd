import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, describeConfig, loadConfig, variables } from '../src/config.js';

const databaseUrl = 'postgres://ow:db-pa55@db:5432/orders';
const key = Buffer.alloc(32, 3).fill(4, 0, 7).toString('base64');
const token = 'a-token-of-twenty-one';
const least = { DATABASE_URL: databaseUrl, ORDERWRIGHT_SECRET_KEY: key, ORDERWRIGHT_API_TOKENS: `ops:${token}` };

function problemsOf(env: NodeJS.ProcessEnv, profile: 'embedded' | 'scale-out' = 'scale-out'): [string, string][] {
  try {
    loadConfig(env, profile);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable, problem }) => [variable, problem]);
    throw error;
  }
  return [];
}
const blamed = (env: NodeJS.ProcessEnv) => [...new Set(problemsOf({ ...least, ...env }).map(([variable]) => variable))];

describe('the configuration', () => {
  it('needs a database, a secret key and a token, and has a default for everything else', () => {
    expect(loadConfig(least, 'scale-out')).toEqual({
      profile: 'scale-out',
      databaseUrl,
      host: '127.0.0.1',
      port: 8080,
      kafka: null,
      logLevel: 'info',
      secretKeys: [key],
      apiTokens: [
        { name: 'ops', sha256: createHash('sha256').update(token).digest('hex'), role: 'admin', accountId: null },
      ],
      requireToken: true,
      apiRatePerSecond: 500,
      legacyIntake: 'token',
      callbackAllow: '',
      callbackPath: '',
      callbackSecrets: [],
      callbackUnsigned: false,
      platformsFile: null,
      bundlePolicy: { '': 'rollback' },
      extras: { '': 'list' },
      undoAfterMs: 900_000,
      tenantWeights: new Map(),
      leaseMs: 15_000,
      databasePoolSize: 10,
    });
  });

  it('names everything that is missing at once, with what it is for', () => {
    const problems = problemsOf({});
    expect(problems.map(([variable]) => variable)).toEqual(Object.keys(least));
    for (const [variable, problem] of problems) {
      expect(problem).toContain(variables[variable as keyof typeof variables]);
    }
  });

  it('asks for a token on one machine only when tokens are set', () => {
    const { ORDERWRIGHT_API_TOKENS: _, ...alone } = least;
    expect(loadConfig(alone, 'embedded').requireToken).toBe(false);
    expect(loadConfig(least, 'embedded').requireToken).toBe(true);
    expect(problemsOf(alone, 'scale-out').map(([variable]) => variable)).toEqual(['ORDERWRIGHT_API_TOKENS']);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ ...least, PORT: '', KAFKA_BROKERS: '', LOG_LEVEL: '' }, 'scale-out')).toEqual(
      loadConfig(least, 'scale-out'),
    );
    expect(problemsOf({ ...least, DATABASE_URL: '' })).toHaveLength(1);
  });

  it('reads lists with spaces and trailing commas', () => {
    const config = loadConfig(
      { ...least, KAFKA_BROKERS: ' a:9092 , b:9093,', ORDERWRIGHT_SECRET_KEY: `${key}, old ` },
      'scale-out',
    );
    expect(config.kafka).toEqual({
      brokers: ['a:9092', 'b:9093'],
      clientId: 'orderwright',
      groupId: 'orderwright',
      topics: { orders: 'work-orders', events: 'work-order-events', rejected: 'work-orders.rejected' },
      tls: null,
      sasl: null,
    });
    expect(config.secretKeys).toEqual([key, 'old']);
  });

  it('keeps of a token nothing but its hash, colons and all', () => {
    const { apiTokens } = loadConfig({ ...least, ORDERWRIGHT_API_TOKENS: 'ci:with:a:colon:inside' }, 'scale-out');
    expect(apiTokens).toEqual([
      {
        name: 'ci',
        sha256: createHash('sha256').update('with:a:colon:inside').digest('hex'),
        role: 'admin',
        accountId: null,
      },
    ]);
  });

  it('reads the role of a token, and the account it is for', () => {
    const tokens = `billing:${token}:producer:acme,desk:${token}:viewer,old:${token}:superuser`;
    const { apiTokens } = loadConfig({ ...least, ORDERWRIGHT_API_TOKENS: tokens }, 'scale-out');
    const sha256 = createHash('sha256').update(token).digest('hex');
    expect(apiTokens).toEqual([
      { name: 'billing', sha256, role: 'producer', accountId: 'acme' },
      { name: 'desk', sha256, role: 'viewer', accountId: null },
      // What is no role was part of the token before there were any.
      {
        name: 'old',
        sha256: createHash('sha256').update(`${token}:superuser`).digest('hex'),
        role: 'admin',
        accountId: null,
      },
    ]);
  });

  it('opens the old intake to tokens, to networks where that is said, or to nobody', () => {
    const intake = (text: string) =>
      loadConfig({ ...least, ORDERWRIGHT_LEGACY_INTAKE: text }, 'scale-out').legacyIntake;
    expect(intake('off')).toBe('off');
    expect(loadConfig(least, 'scale-out').legacyIntake).toBe('token');
    expect(intake('10.2.0.0/16, ::1')).toMatchObject([
      { family: 4, prefix: 16 },
      { family: 6, prefix: 128 },
    ]);
    expect(loadConfig(least, 'embedded').legacyIntake).toBe('token');
  });

  it('does not start serve with callbacks that nobody could tell from forged ones, unless that is said', () => {
    const allowed = { ORDERWRIGHT_CALLBACK_ALLOW: 'billing.example.com' };
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
    expect(blamed(allowed)).toEqual(['ORDERWRIGHT_CALLBACK_SECRETS']);
    expect(blamed({ ...allowed, ORDERWRIGHT_CALLBACK_SECRETS: secret })).toEqual([]);
    expect(blamed({ ...allowed, ORDERWRIGHT_CALLBACK_UNSIGNED: 'allow' })).toEqual([]);
    expect(problemsOf({ ...least, ...allowed }, 'embedded')).toEqual([]);
  });

  it('takes TLS and a login for Kafka, and never half of them', () => {
    const kafka = { KAFKA_BROKERS: 'a:9093' };
    const login = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'ow', KAFKA_SASL_PASSWORD: 'pa55' };
    expect(loadConfig({ ...least, ...kafka, ...login, KAFKA_TLS: 'on' }, 'scale-out').kafka).toMatchObject({
      tls: { ca: null, serverName: null, insecure: false },
      sasl: { mechanism: 'scram-sha-512', username: 'ow', password: 'pa55' },
    });
    expect(blamed({ ...kafka, ...login, KAFKA_SASL_PASSWORD: '' })).toEqual(['KAFKA_SASL_PASSWORD']);
    expect(blamed({ ...kafka, ...login, KAFKA_SASL_MECHANISM: 'plain' })).toEqual(['KAFKA_SASL_MECHANISM']);
    expect(blamed({ ...kafka, KAFKA_TLS_CA: '/no/such/file' })).toEqual(['KAFKA_TLS_CA']);
    expect(blamed({ ...kafka, KAFKA_TLS: 'on', KAFKA_TLS_CA: '/no/such/file' })).toEqual(['KAFKA_TLS_CA']);
  });

  it.each([
    ['DATABASE_URL', 'mysql://db/orders'],
    ['KAFKA_BROKERS', 'a:9092,b'],
    ['KAFKA_BROKERS', 'http://a:9092'],
    ['PORT', '99999'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['LOG_LEVEL', 'chatty'],
    ['ORDERWRIGHT_API_TOKENS', 'ops:short'],
    ['ORDERWRIGHT_API_TOKENS', token],
    ['ORDERWRIGHT_API_RATE', '0'],
    ['ORDERWRIGHT_LEGACY_INTAKE', '10.2.0.1/16'],
    ['ORDERWRIGHT_LEGACY_INTAKE', 'everybody'],
    ['ORDERWRIGHT_CALLBACK_SECRETS', 'whsec_short'],
    ['ORDERWRIGHT_CALLBACK_UNSIGNED', 'yes'],
    ['KAFKA_TLS', 'yes'],
    ['ORDERWRIGHT_LEASE_MS', '1999'],
    ['ORDERWRIGHT_LEASE_MS', '15s'],
    ['DATABASE_POOL', '2'],
    ['DATABASE_POOL', '201'],
    ['DATABASE_POOL', 'ten'],
  ])('refuses %s=%s', (variable, value) => {
    expect(blamed({ [variable]: value })).toEqual([variable]);
  });

  it('names every wrong variable at once', () => {
    expect(blamed({ PORT: 'x', LOG_LEVEL: 'y', DATABASE_POOL: 'z' }).toSorted()).toEqual([
      'DATABASE_POOL',
      'LOG_LEVEL',
      'PORT',
    ]);
  });

  it('never repeats a secret: not where it is refused, and not where it is described', () => {
    const env = { ...least, ORDERWRIGHT_API_TOKENS: 'ops:tiny-t0ken', PORT: 'x' };
    expect(JSON.stringify(problemsOf(env))).not.toMatch(/tiny-t0ken|db-pa55/);
    const described = JSON.stringify(
      describeConfig(
        { ...env, ORDERWRIGHT_CALLBACK_SECRETS: 'whsec_1', KAFKA_SASL_PASSWORD: 'kafka-pa55' },
        'scale-out',
      ),
    );
    for (const secret of ['tiny-t0ken', 'db-pa55', key, 'whsec_1', 'kafka-pa55'])
      expect(described).not.toContain(secret);
  });

  it('is described variable by variable, with what is set and what is wrong', () => {
    const lines = describeConfig({ ...least, PORT: 'x' }, 'scale-out');
    expect(lines.map((line) => line.variable)).toEqual(Object.keys(variables));
    expect(lines.find((line) => line.variable === 'PORT')).toMatchObject({ value: 'x', problem: expect.any(String) });
    expect(lines.find((line) => line.variable === 'HOST')).toMatchObject({ value: null, problem: null });
    expect(lines.find((line) => line.variable === 'DATABASE_URL')).toMatchObject({ value: '(set)', problem: null });
  });

  it('ignores what it does not know', () => {
    expect(loadConfig({ ...least, HOME: '/root', constructor: 'x' }, 'scale-out')).toEqual(
      loadConfig(least, 'scale-out'),
    );
  });
});
