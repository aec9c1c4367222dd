import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { seedIds } from '../../src/simulators/openstack/seed-data.js';
import { isHeld, type SimulatedCloud } from '../../src/simulators/http.js';
import { defaultAdminPassword, simulatedOpenStack } from '../../src/simulators/openstack/server.js';

type Row = Record<string, unknown>;

/** Everything here hangs on the clock, so the clock stands still but where a test moves it; nothing goes over a wire. */
let cloud: SimulatedCloud;
beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 10, 21, 8, 0, 0) });
  cloud = simulatedOpenStack({ seed: 1, latencyMs: { min: 1000, max: 1000 }, tokenLifeMs: 60_000 });
});
afterEach(() => {
  cloud.close();
  jest.useRealTimers();
});

const wait = (ms: number) => {
  jest.advanceTimersByTime(ms);
};

function call(method: string, path: string, body?: unknown, token = ''): { status: number; body: Row; headers: Row } {
  const answer = cloud.handle({
    method,
    path,
    query: '',
    headers: {
      host: 'cloud.invalid',
      'openstack-api-version': 'compute 2.93, volume 3.70',
      ...(token !== '' && { 'x-auth-token': token }),
    },
    body: body === undefined ? '' : JSON.stringify(body),
  });
  if (answer === 'cut' || isHeld(answer)) throw new Error(`${method} ${path} was not answered`);
  return {
    status: answer.status,
    headers: answer.headers ?? {},
    body: answer.body === '' ? {} : (JSON.parse(answer.body) as Row),
  };
}

function login(password = defaultAdminPassword): string {
  const user = { name: 'admin', domain: { id: 'default' }, password };
  const scope = { project: { id: seedIds.adminProject } };
  const reply = call('POST', '/identity/v3/auth/tokens', {
    auth: { identity: { methods: ['password'], password: { user } }, scope },
  });
  return String(reply.headers['x-subject-token']);
}

const servers = '/compute/v2.1/servers';
const volumes = `/volume/v3/${seedIds.adminProject}/volumes`;
const isAccepted = (token: string) => call('GET', servers, undefined, token).status === 200;

function boot(token: string, fields: Row = {}): { id: string; job: string } {
  const server = { name: 'vm', flavorRef: 'c1-m512-d1', imageRef: seedIds.smallImage, networks: 'none', ...fields };
  const reply = call('POST', servers, { server }, token);
  return { id: String((reply.body['server'] as Row)['id']), job: String(reply.headers['x-openstack-request-id']) };
}

function stateOf(token: string, id: string): string {
  const server = call('GET', `${servers}/${id}`, undefined, token).body['server'] as Row;
  return `${String(server['status'])}/${String(server['OS-EXT-STS:task_state'])}`;
}

/** The states seen every tenth of a second, each once. */
function watch(look: () => string, forMs: number): string[] {
  const seen: string[] = [];
  for (let passed = 0; passed <= forMs; passed += 100) {
    const state = look();
    if (seen.at(-1) !== state) seen.push(state);
    wait(100);
  }
  return seen;
}

describe('a token', () => {
  test('is good until the end of its life, and not a millisecond longer', () => {
    const token = login();
    wait(59_999);
    expect(isAccepted(token)).toBe(true);
    wait(1);
    expect(isAccepted(token)).toBe(false);
  });

  test('issued in the second of a password change is dead on arrival, and fine in the next', () => {
    const before = login();
    wait(2300);
    expect(call('PATCH', `/identity/v3/users/${seedIds.adminUser}`, { user: { password: 'new' } }, before).status).toBe(
      200,
    );
    expect(isAccepted(before)).toBe(false);
    wait(600);
    expect(isAccepted(login('new'))).toBe(false);
    wait(100);
    expect(isAccepted(login('new'))).toBe(true);
  });
});

describe('a server', () => {
  test('is built through its task states, one of which is null', () => {
    const token = login();
    const { id } = boot(token);
    expect(watch(() => stateOf(token, id), 1200)).toEqual([
      'BUILD/scheduling',
      'BUILD/null',
      'BUILD/networking',
      'BUILD/block_device_mapping',
      'BUILD/spawning',
      'ACTIVE/null',
    ]);
  });

  test.each<[string, unknown, string[]]>([
    ['os-stop', { 'os-stop': null }, ['ACTIVE/powering-off', 'SHUTOFF/null']],
    ['reboot', { reboot: { type: 'SOFT' } }, ['REBOOT/rebooting', 'REBOOT/reboot_started', 'ACTIVE/null']],
    ['suspend', { suspend: null }, ['ACTIVE/suspending', 'SUSPENDED/null']],
    [
      'rebuild',
      { rebuild: { imageRef: seedIds.smallImage } },
      ['REBUILD/rebuilding', 'REBUILD/rebuild_block_device_mapping', 'REBUILD/rebuild_spawning', 'ACTIVE/null'],
    ],
    [
      'resize',
      { resize: { flavorRef: 'c1-m1024-d1' } },
      [
        'RESIZE/resize_prep',
        'RESIZE/resize_migrating',
        'RESIZE/resize_migrated',
        'RESIZE/resize_finish',
        'VERIFY_RESIZE/null',
      ],
    ],
  ])('shows what %s is doing', (_name, body, states) => {
    const token = login();
    const { id } = boot(token);
    wait(1000);
    call('POST', `${servers}/${id}/action`, body, token);
    expect(watch(() => stateOf(token, id), 1200)).toEqual(states);
  });

  test('has a record without events until a host takes it up, then an open one, then its result', () => {
    const token = login();
    const { id, job } = boot(token);
    const events = () => {
      const action = call('GET', `${servers}/${id}/os-instance-actions/${job}`, undefined, token).body[
        'instanceAction'
      ] as Row;
      return JSON.stringify((action['events'] as Row[]).map((event) => event['result']));
    };
    expect(watch(events, 1200)).toEqual(['[]', '[null]', '["Success"]']);
  });

  test('that loses the race for a port fails, and takes the port away from the winner', () => {
    const token = login();
    const network = call('POST', '/network/v2.0/networks', { network: { name: 'n' } }, token).body['network'] as Row;
    const subnet = { network_id: network['id'], ip_version: 4, cidr: '10.0.0.0/24' };
    call('POST', '/network/v2.0/subnets', { subnet }, token);
    const port = call('POST', '/network/v2.0/ports', { port: { network_id: network['id'] } }, token).body[
      'port'
    ] as Row;
    const fields = { networks: [{ port: port['id'] }] };
    const both = [boot(token, fields), boot(token, fields)];
    wait(1000);
    expect(both.map(({ id }) => stateOf(token, id))).toEqual(['ACTIVE/null', 'ERROR/null']);
    const shown = call('GET', `/network/v2.0/ports/${String(port['id'])}`, undefined, token).body['port'];
    expect(shown).toMatchObject({ device_id: '', status: 'DOWN' });
    // A third one is accepted, as if nobody had the port.
    expect(boot(token, fields).id).not.toBe('undefined');
  });
});

test('a volume is attached by way of reserved and attaching', () => {
  const token = login();
  const { id } = boot(token);
  const volume = call('POST', volumes, { volume: { size: 20, imageRef: seedIds.image } }, token).body['volume'] as Row;
  const path = `${volumes}/${String(volume['id'])}`;
  const status = () => String((call('GET', path, undefined, token).body['volume'] as Row)['status']);
  expect(watch(status, 1200)).toEqual(['creating', 'downloading', 'available']);
  call('POST', `${servers}/${id}/os-volume_attachments`, { volumeAttachment: { volumeId: volume['id'] } }, token);
  expect(watch(status, 1200)).toEqual(['reserved', 'attaching', 'in-use']);
  call('DELETE', `${servers}/${id}/os-volume_attachments/${String(volume['id'])}`, undefined, token);
  expect(watch(status, 1200)).toEqual(['detaching', 'available']);
});

describe('a server that is deleted too early', () => {
  const made = (token: string, fields: Row) => call('POST', volumes, { volume: fields }, token).body['volume'] as Row;
  const show = (token: string, id: unknown) => call('GET', `${volumes}/${String(id)}`, undefined, token).body['volume'];
  const free = { status: 'available', attachments: [] };

  test('while it is built gives the volume back that it was to boot from', () => {
    const token = login();
    const { id: volumeId } = made(token, { size: 20, imageRef: seedIds.image });
    wait(1000);
    const disk = { boot_index: 0, uuid: volumeId, source_type: 'volume', destination_type: 'volume' };
    const { id } = boot(token, { imageRef: '', block_device_mapping_v2: [disk] });
    expect(show(token, volumeId)).toMatchObject({
      status: 'reserved',
      attachments: [{ server_id: id, device: '/dev/vda' }],
    });
    call('DELETE', `${servers}/${id}`, undefined, token);
    wait(1000);
    expect(show(token, volumeId)).toMatchObject(free);
  });

  test('while a volume is attached to it leaves the volume free for good', () => {
    const token = login();
    const { id } = boot(token);
    const { id: volumeId } = made(token, { size: 1 });
    wait(1000);
    call('POST', `${servers}/${id}/os-volume_attachments`, { volumeAttachment: { volumeId } }, token);
    call('POST', '/_sim/latency', { operation: { 'nova.servers.delete': { minMs: 100, maxMs: 100 } } });
    call('DELETE', `${servers}/${id}`, undefined, token);
    wait(100);
    expect(show(token, volumeId)).toMatchObject(free);
    wait(5000);
    expect(show(token, volumeId)).toMatchObject(free);
  });
});

test('a server whose disks are over the quota of Cinder fails, and takes back what was made', () => {
  const token = login();
  const limits = `/volume/v3/${seedIds.adminProject}/os-quota-sets/${seedIds.adminProject}`;
  expect(call('PUT', limits, { quota_set: { volumes: 1 } }, token).status).toBe(200);
  const blank = { source_type: 'blank', destination_type: 'volume', volume_size: 1, delete_on_termination: true };
  const { id } = boot(token, { block_device_mapping_v2: [blank, blank] });
  wait(1000);
  const server = call('GET', `${servers}/${id}`, undefined, token).body['server'];
  expect(server).toMatchObject({ status: 'ERROR', fault: { message: expect.stringContaining('VolumeLimitExceeded') } });
  expect(call('GET', volumes, undefined, token).body['volumes']).toEqual([]);
});

test('a floating IP that is detached while it is being wired does not become ACTIVE', () => {
  const token = login();
  const create = (path: string, singular: string, fields: Row) =>
    call('POST', `/network/v2.0/${path}`, { [singular]: fields }, token).body[singular] as Row;
  const network = create('networks', 'network', { name: 'n' });
  const subnet = create('subnets', 'subnet', { network_id: network['id'], ip_version: 4, cidr: '10.0.0.0/24' });
  const router = create('routers', 'router', { external_gateway_info: { network_id: seedIds.externalNetwork } });
  call('PUT', `/network/v2.0/routers/${String(router['id'])}/add_router_interface`, { subnet_id: subnet['id'] }, token);
  const port = create('ports', 'port', { network_id: network['id'] });
  const address = create('floatingips', 'floatingip', { floating_network_id: seedIds.externalNetwork });
  const path = `/network/v2.0/floatingips/${String(address['id'])}`;
  const put = (portId: unknown) => call('PUT', path, { floatingip: { port_id: portId } }, token);
  const status = () => String((call('GET', path, undefined, token).body['floatingip'] as Row)['status']);
  put(port['id']);
  wait(500);
  put(null);
  expect(watch(status, 1500)).toEqual(['DOWN']);
  put(port['id']);
  expect(watch(status, 1200)).toEqual(['DOWN', 'ACTIVE']);
  put(null);
  // For a while after the detachment it still says ACTIVE: the port tells, not the status.
  expect(watch(status, 1200)).toEqual(['ACTIVE', 'DOWN']);
});
