import { createHmac, randomUUID } from 'node:crypto';
import { startSimulatedCloudStack, type SimulatedCloudStackOptions } from '../../src/simulators/cloudstack/server.js';
import { defaultApiKey, defaultSecretKey } from '../../src/simulators/cloudstack/seed-data.js';

export type Row = Record<string, unknown>;

/** Signs as the published developer guide tells, written apart from the simulator's own code. */
export function sign(params: Record<string, string>, secret: string): string {
  const encode = (value: string) =>
    encodeURIComponent(value).replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const text = Object.keys(params)
    .sort()
    .map((name) => `${name}=${encode(params[name] ?? '')}`)
    .join('&')
    .toLowerCase();
  return createHmac('sha1', secret).update(text).digest('base64');
}

export interface Keys {
  apiKey: string;
  secretKey: string;
}

export interface Reply {
  status: number;
  wrapper: string;
  body: Row;
  headers: Headers;
}

/** A simulated cloud and a small client that talks to it as a stranger would. */
export async function startCloud(options: SimulatedCloudStackOptions = {}) {
  const cloud = await startSimulatedCloudStack({ latencyMs: { min: 1, max: 5 }, ...options });
  const admin: Keys = { apiKey: defaultApiKey, secretKey: defaultSecretKey };

  async function call(
    command: string,
    params: Row = {},
    how: { keys?: Keys; method?: 'GET' | 'POST' } = {},
  ): Promise<Reply> {
    const keys = how.keys ?? admin;
    const all: Record<string, string> = { command, response: 'json', apikey: keys.apiKey };
    for (const [name, value] of Object.entries(params)) all[name] = String(value);
    const form = new URLSearchParams({ ...all, signature: sign(all, keys.secretKey) });
    const response =
      how.method === 'GET'
        ? await fetch(`${cloud.serviceUrl}?${form.toString()}`)
        : await fetch(cloud.serviceUrl, { method: 'POST', body: form });
    return readReply(response);
  }

  /** Calls, and expects success. */
  async function ok(command: string, params: Row = {}, keys?: Keys): Promise<Row> {
    const reply = await call(command, params, keys === undefined ? {} : { keys });
    if (reply.status !== 200) throw new Error(`${command}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async function poll(jobId: unknown): Promise<Row> {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const job = await ok('queryAsyncJobResult', { jobid: jobId });
      if (job['jobstatus'] !== 0) return job;
      await pause(5);
    }
    throw new Error(`job ${String(jobId)} never ended`);
  }

  /** Runs an async command to its end and gives back its result. */
  async function done(command: string, params: Row = {}): Promise<Row> {
    const job = await poll((await ok(command, params))['jobid']);
    if (job['jobstatus'] !== 1) throw new Error(`${command}: ${JSON.stringify(job['jobresult'])}`);
    return job['jobresult'] as Row;
  }

  async function sim(method: string, path: string, body?: unknown): Promise<Row> {
    const response = await fetch(`${cloud.url}/_sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Row;
  }

  return {
    ...cloud,
    call,
    ok,
    poll,
    done,
    sim,
    fault: (fault: Row) => sim('POST', 'faults', [fault]),
    resources: async (kind?: string) => {
      const rows = (await sim('GET', 'resources'))['resources'] as Row[];
      return kind === undefined ? rows : rows.filter((row) => row['kind'] === kind);
    },
    vmParams: (extra: Row = {}): Row => ({
      zoneid: zoneId,
      templateid: templateId,
      serviceofferingid: mediumOfferingId,
      ...extra,
    }),
    list: async (command: string, object: string, params: Row = {}) =>
      ((await ok(command, { listall: true, ...params }))[object] ?? []) as Row[],
    newAccount: async (username: string): Promise<Keys & { accountId: string; userId: string; domainId: string }> => {
      const { account } = (await ok('createAccount', {
        username,
        password: 'p',
        email: 'a@example.invalid',
        firstname: 'f',
        lastname: 'l',
        accounttype: 0,
      })) as { account: { id: string; domainid: string; user: { id: string }[] } };
      const userId = account.user[0]?.id ?? '';
      const { userkeys } = (await ok('registerUserKeys', { id: userId })) as {
        userkeys: { apikey: string; secretkey: string };
      };
      return {
        apiKey: userkeys.apikey,
        secretKey: userkeys.secretkey,
        accountId: account.id,
        userId,
        domainId: account.domainid,
      };
    },
  };
}

export type TestCloud = Awaited<ReturnType<typeof startCloud>>;

export async function readReply(response: Response): Promise<Reply> {
  const whole = (await response.json()) as Record<string, Row>;
  const wrappers = Object.keys(whole);
  if (wrappers.length !== 1) throw new Error(`one key expected: ${wrappers.join(' ')}`);
  const wrapper = wrappers[0] ?? '';
  return { status: response.status, wrapper, body: whole[wrapper] ?? {}, headers: response.headers };
}

export const zoneId = '0d86f114-7153-4d71-a835-7916a41ab0b7';
export const templateId = '357fb0ae-3543-4893-9d1f-ef0d04da60dd';
export const mediumOfferingId = 'b1a0c5de-0000-4000-8051-000000000002';
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
export const newUuid = () => randomUUID();
