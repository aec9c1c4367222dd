import { setTimeout as pause } from 'node:timers/promises';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { startSimulatedOpenStack, type SimulatedOpenStackOptions } from '../../src/simulators/openstack/server.js';

export type Row = Record<string, unknown>;

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  body: Row;
}

/** Who calls: a token, and the base URLs of its catalog. */
export interface Session {
  token: string;
  projectId: string;
  userId: string;
}

const adminPassword = 'test-password';
/** What each service's paths begin with, as the catalog says. */
const bases = { identity: '/identity/v3', compute: '/compute/v2.1', network: '/network/v2.0', image: '/image/v2' };
const versions = { compute: 'compute 2.93', volume: 'volume 3.70' };
export type Service = keyof typeof bases | 'volume';

/** A simulated cloud and a small client that talks to it as a stranger would. */
export async function startCloud(options: SimulatedOpenStackOptions = {}) {
  const cloud = await startSimulatedOpenStack({ latencyMs: { min: 2, max: 6 }, adminPassword, ...options });

  async function raw(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const answer = await fetch(cloud.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
    return { status: answer.status, headers: answer.headers, text, body: isJson ? (JSON.parse(text) as Row) : {} };
  }

  const userNamed = (name: string, password: string) => ({ name, domain: { id: 'default' }, password });
  const authBody = (user: Row, scope?: unknown) => ({
    auth: { identity: { methods: ['password'], password: { user } }, ...(scope !== undefined && { scope }) },
  });

  async function login(user: Row, scope: unknown): Promise<Session> {
    const reply = await raw('POST', '/identity/v3/auth/tokens', authBody(user, scope));
    if (reply.status !== 201) throw new Error(`login: ${reply.status} ${reply.text}`);
    const token = reply.body['token'] as { user: { id: string }; project?: { id: string } };
    return {
      token: reply.headers.get('x-subject-token') ?? '',
      userId: token.user.id,
      projectId: token.project?.id ?? '',
    };
  }

  const loginAdmin = () =>
    login(userNamed('admin', adminPassword), { project: { name: 'admin', domain: { id: 'default' } } });

  /** One call of a service; `version` false sends no microversion. */
  function call(
    session: Session | null,
    service: Service,
    method: string,
    path: string,
    body?: unknown,
    more: { version?: string | false; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const base = service === 'volume' ? `/volume/v3/${session?.projectId ?? ''}` : bases[service];
    const version = more.version ?? (service === 'compute' || service === 'volume' ? versions[service] : false);
    return raw(method, base + path, body, {
      ...(session !== null && { 'x-auth-token': session.token }),
      ...(version !== false && { 'openstack-api-version': version }),
      ...more.headers,
    });
  }

  /** Calls, and expects success. */
  async function ok(session: Session, service: Service, method: string, path: string, body?: unknown): Promise<Row> {
    const reply = await call(session, service, method, path, body);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  }

  /** A project with a user who is member of it, and a token of that user. */
  async function tenant(admin: Session, name: string): Promise<Session & { name: string; password: string }> {
    const project = (await ok(admin, 'identity', 'POST', '/projects', { project: { name, domain_id: 'default' } }))[
      'project'
    ] as Row;
    const password = `password of ${name}`;
    const user = (await ok(admin, 'identity', 'POST', '/users', { user: { name, domain_id: 'default', password } }))[
      'user'
    ] as Row;
    await ok(
      admin,
      'identity',
      'PUT',
      `/projects/${String(project['id'])}/users/${String(user['id'])}/roles/${seedIds.memberRole}`,
    );
    const session = await login(userNamed(name, password), { project: { id: project['id'] } });
    return { ...session, name, password };
  }

  /** Asks until the answer pleases; the last one is in the complaint. */
  async function until<T>(ask: () => Promise<T>, pleases: (answer: T) => boolean): Promise<T> {
    let last: T | undefined;
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      last = await ask();
      if (pleases(last)) return last;
      await pause(3);
    }
    throw new Error(`never happened; last seen: ${JSON.stringify(last)}`);
  }

  async function sim(method: string, path: string, body?: unknown): Promise<Row> {
    return (await raw(method, `/_sim/${path}`, body)).body;
  }

  const server = async (session: Session, id: unknown) =>
    (await ok(session, 'compute', 'GET', `/servers/${String(id)}`))['server'] as Row;
  const settled = (session: Session, id: unknown) =>
    until(
      () => server(session, id),
      (one) => one['OS-EXT-STS:task_state'] === null && one['status'] !== 'BUILD',
    );
  const volume = async (session: Session, id: unknown) =>
    (await ok(session, 'volume', 'GET', `/volumes/${String(id)}`))['volume'] as Row;
  const volumeIn = (session: Session, id: unknown, status: string) =>
    until(
      () => volume(session, id),
      (one) => one['status'] === status,
    );

  return {
    ...cloud,
    raw,
    authBody,
    userNamed,
    login,
    loginAdmin,
    call,
    ok,
    tenant,
    until,
    sim,
    server,
    settled,
    volume,
    volumeIn,
    /** From now on nothing that takes time ends: what is under way can be looked at. */
    hold: () => sim('POST', 'latency', { minMs: 3_600_000, maxMs: 3_600_000 }),
    fault: (fault: Row) => sim('POST', 'faults', [fault]),
    resources: async (kind?: string) =>
      ((await sim('GET', 'resources'))['resources'] as Row[]).filter(
        (one) => kind === undefined || one['kind'] === kind,
      ),

    /** A network with a subnet, a router to the outside and an interface on it. */
    async network(session: Session, cidr = '10.20.0.0/24') {
      const network = (await ok(session, 'network', 'POST', '/networks', { network: { name: 'net-1' } }))[
        'network'
      ] as Row;
      const subnet = (
        await ok(session, 'network', 'POST', '/subnets', {
          subnet: { network_id: network['id'], name: 'sub-1', ip_version: 4, cidr },
        })
      )['subnet'] as Row;
      const router = (
        await ok(session, 'network', 'POST', '/routers', {
          router: { name: 'r-1', external_gateway_info: { network_id: seedIds.externalNetwork } },
        })
      )['router'] as Row;
      await ok(session, 'network', 'PUT', `/routers/${String(router['id'])}/add_router_interface`, {
        subnet_id: subnet['id'],
      });
      return { networkId: String(network['id']), subnetId: String(subnet['id']), routerId: String(router['id']) };
    },

    /** A server from the small image, accepted and not awaited. */
    async boot(session: Session, fields: Row = {}): Promise<{ id: string; requestId: string; body: Row }> {
      const reply = await call(session, 'compute', 'POST', '/servers', {
        server: { name: 'vm-1', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: 'none', ...fields },
      });
      if (reply.status !== 202) throw new Error(`boot: ${reply.status} ${reply.text}`);
      const made = reply.body['server'] as Row;
      return { id: String(made['id']), requestId: reply.headers.get('x-openstack-request-id') ?? '', body: made };
    },
  };
}

export type TestCloud = Awaited<ReturnType<typeof startCloud>>;

/** The one object under the one key of an error, and that key. */
export function errorOf(reply: Reply): { key: string; code: unknown; message: string; type: unknown } {
  const [entry] = Object.entries(reply.body);
  const inner = (entry?.[1] ?? {}) as Row;
  return { key: entry?.[0] ?? '', code: inner['code'], message: String(inner['message']), type: inner['type'] };
}
