import type { OperationName } from '../../../src/planner/plan.js';
import { openAccount, openstack } from '../../../src/provisioners/openstack/index.js';
import type { Account } from '../../../src/provisioners/openstack/account.js';
import type { PlatformConfig, ResolveRequest } from '../../../src/provisioners/provisioner.js';
import { startSimulatedOpenStack } from '../../../src/simulators/openstack/server.js';
import type { CloudUnderTest } from '../../conformance/provisioner.js';
import { anOrder, zoneId } from '../cloudstack/simulated.js';

const credentials = { username: 'admin', password: 'test-password' };

/** The call whose answer is lost when an operation's is. */
const calls: Partial<Record<OperationName, string>> = {
  'vm.create': 'nova.servers.create',
  'vm.delete': 'nova.servers.delete',
  'ebs.create': 'cinder.volumes.create',
  'ebs.attach': 'nova.volume_attachments.create',
  'ebs.detach': 'nova.volume_attachments.delete',
  'ebs.delete': 'cinder.volumes.delete',
  'network.reserve': 'neutron.floatingips.create',
  'network.bind': 'neutron.floatingips.update',
  'network.unbind': 'neutron.floatingips.update',
  'network.release': 'neutron.floatingips.delete',
};

export interface SimulatedThing {
  kind: string;
  id: string;
  name: string | null;
  marker: string | null;
  state: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

export interface Simulated extends CloudUnderTest {
  fault(operation: string, kind: string, fields?: object): Promise<void>;
  resources(): Promise<SimulatedThing[]>;
  calls(): Promise<Record<string, number>>;
  config: PlatformConfig;
  /** The adapter's own way in, for what is done beside orders and for looking. */
  account: Account;
}

export interface SimulatedOptions {
  settings?: PlatformConfig['settings'];
  credentials?: Record<string, string>;
  computeMaximum?: string;
  volumeMaximum?: string;
  request?: ResolveRequest;
}

export async function simulated(options: SimulatedOptions = {}): Promise<Simulated> {
  const { computeMaximum, volumeMaximum } = options;
  const server = await startSimulatedOpenStack({
    adminUsername: credentials.username,
    adminPassword: credentials.password,
    latencyMs: { min: 5, max: 25 },
    ...(computeMaximum === undefined ? {} : { computeMaximum }),
    ...(volumeMaximum === undefined ? {} : { volumeMaximum }),
  });
  const config: PlatformConfig = {
    id: 'p1',
    name: 'simulated',
    kind: 'openstack',
    serviceUrl: server.serviceUrl,
    credentials: options.credentials ?? credentials,
    settings: { zones: { [zoneId]: 'az1' }, callsPerSecond: 5000, requestTimeoutMs: 20_000, ...options.settings },
  };
  const provisioner = openstack(config);
  const account = openAccount(config);
  const control = async (path: string, body?: unknown): Promise<unknown> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${server.url}/_sim/${path}`, init);
    if (!answer.ok) throw new Error(`/_sim/${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const fault = async (operation: string, kind: string, fields: object = {}): Promise<void> => {
    await control('faults', [{ operation, kind, times: 1, ...fields }]);
  };
  const resources = async (): Promise<SimulatedThing[]> =>
    ((await control('resources')) as { resources: SimulatedThing[] }).resources;
  return {
    config,
    account,
    provisioner,
    request: options.request ?? anOrder(),
    fault,
    resources,
    calls: async () => ((await control('calls')) as { calls: Record<string, number> }).calls,
    loseNextAnswer: (operation) => fault(calls[operation] ?? operation, 'lose-answer'),
    alive: async (marker) => (await resources()).filter((one) => one.marker === marker && isAlive(one)),
    countAlive: async () => (await resources()).filter(isAlive).length,
    ids: async () =>
      (await resources())
        .filter((one) => ['vm', 'volume', 'address'].includes(one.kind) && isAlive(one))
        .map(({ id }) => id),
    async close() {
      await account.client.close();
      await provisioner.close();
      await server.close();
    },
  };
}

const isAlive = ({ kind, state }: SimulatedThing): boolean =>
  kind !== 'port' && !['DELETED', 'SOFT_DELETED', 'deleting', 'deleted'].includes(state ?? '');
