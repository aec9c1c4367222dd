/** The real messages through both doors of a real worker, on every cloud, with the outcome that stands beside each of them. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cloudKinds } from '../support/clouds.js';
import type { ScenarioMessage } from '../support/scenario-orders.js';
import { until, untilQuiet } from '../support/scenario-wait.js';
import type { CloudResource } from '../invariants/evidence.js';
import { type RunningWorker, World } from '../support/scenario-world.js';

type Outcome = 'accepted' | 'duplicate' | 'held' | 'set-aside';

/** In the order in which they are sent. */
const samples: [file: string, outcome: Outcome][] = [
  ['order-23.json', 'accepted'],
  ['order-60.json', 'accepted'],
  ['order-86.json', 'accepted'],
  ['order-84-hand-edited.json', 'held'],
  ['order-23.msg-wrapped.json', 'duplicate'],
  ['order-86.form.txt', 'duplicate'],
  ['order-86.python-repr.txt', 'duplicate'],
  ['order-23-broken-quotes.txt', 'set-aside'],
  ['order-60-unescaped.txt', 'set-aside'],
];
const bytesOf = (file: string): Buffer => readFileSync(new URL(`../fixtures/work-orders/${file}`, import.meta.url));
const formType = 'application/x-www-form-urlencoded';
const typeOf = (file: string): string => (file.endsWith('.form.txt') ? formType : 'application/json');
const orderIds = {
  23: 'WO20171208090758640274FMkh',
  60: 'WO20171214074649656662xb0y',
  84: 'WO201712150251259477594321',
  86: 'WO20171218064746223026mREz',
};

interface OrderAnswer {
  status: string;
  items: { resourceType: string; workOrderItemId: string; status: string; cloudResourceIds: string[] }[];
}

let world: World;
let worker: RunningWorker;
const startWorld = async (cloud: string): Promise<void> => {
  // Their users were never registered anywhere.
  world = await World.start('samples', { cloud, settings: { registerTenants: 'first-order' } });
  worker = await world.startWorker();
};
const stopWorld = async (): Promise<void> => world?.stop();

const readOrder = async (id: string): Promise<OrderAnswer> =>
  (await (await world.api(worker, `/v1/work-orders/${id}`)).json()) as OrderAnswer;

/** What each cloud calls the same. */
const words = {
  cloudstack: {
    vm: { kind: 'vm', state: 'Running', details: { displayName: 'MyHost-OMS1', cpuNumber: 1, memoryMib: 1024 } },
    volume: { kind: 'volume', state: 'Ready' },
    zone: 'zoneId',
    address: { staticNat: true, sourceNat: false, bandwidthMbps: 2 },
  },
  openstack: {
    vm: { kind: 'vm', name: 'MyHost-OMS1', state: 'ACTIVE', details: { cpuNumber: 1, memoryMib: 1024 } },
    volume: { kind: 'volume', state: 'in-use' },
    // Volumes have zones of their own: the default one.
    zone: null,
    address: { bandwidthMbps: 2 },
  },
};

/** What the orders have become, whichever door they came through. */
function outcomes(cloud: keyof typeof words): void {
  const word = words[cloud];
  it.each([23, 60, 86] as const)('order %i is completed', async (number) => {
    const order = await readOrder(orderIds[number]);
    expect(order.status).toBe('completed');
    expect(order.items.map(({ status }) => status)).toEqual(order.items.map(() => 'completed'));
  });

  it('order 60 is one VM, two disks of their own kind attached to it, and one address bound to it with 2 Mbit/s', async () => {
    const { items } = await readOrder(orderIds[60]);
    const things = await world.cloud.resources();
    const thing = (index: number): CloudResource | undefined => {
      expect(items[index]?.cloudResourceIds).toHaveLength(1);
      return things.find(({ id }) => id === items[index]?.cloudResourceIds[0]);
    };
    expect(items.map(({ resourceType, workOrderItemId }) => [resourceType, workOrderItemId])).toEqual([
      ['EBS', '82'],
      ['VM', '83'],
      ['EBS', '84'],
      ['NETWORK', '85'],
    ]);
    const vm = thing(1);
    expect(vm).toMatchObject({ ...word.vm, details: { ...word.vm.details, rootDiskGib: 40 } });
    // Neither disk names a zone: they are where the VM is.
    const zone = word.zone === null ? {} : { [word.zone]: vm?.details[word.zone] };
    const on = { ...word.volume, attachedTo: vm?.id };
    expect(thing(0)).toMatchObject({ ...on, details: { sizeGib: 80, type: 'SATA', ...zone } });
    expect(thing(2)).toMatchObject({ ...on, details: { sizeGib: 40, type: 'SSD', ...zone } });
    expect(thing(3)).toMatchObject({ kind: 'address', attachedTo: vm?.id, details: word.address });
  });

  it('order 84 is held with its reasons, and nothing is built for it', async () => {
    expect(await readOrder(orderIds[84])).toMatchObject({
      status: 'held',
      items: [{ cloudResourceIds: [] }, { cloudResourceIds: [] }, { cloudResourceIds: [] }],
    });
    const plan = (await (await world.api(worker, `/v1/work-orders/${orderIds[84]}/plan`)).json()) as {
      holds: { code: string; message: string }[];
    };
    expect(plan.holds.map(({ code }) => code)).toEqual(['ITM_ID_REPEATED', 'ITM_OTHER_ORDER']);
    expect(plan.holds[0]?.message).toContain('106');
  });

  it('their users, who were never registered there, have accounts of their own now', async () => {
    const things = await world.cloud.resources();
    const accounts = things.filter(({ kind }) => kind === 'account').map(({ name }) => name);
    const vms = things.filter(({ kind }) => kind === 'vm').map(({ details }) => details['account']);
    expect(accounts.length).toBeGreaterThan(0);
    expect(accounts).toEqual(expect.arrayContaining(vms));
  });

  it('nothing else is in the cloud: three VMs, three disks, two addresses', async () => {
    const things = await world.cloud.resources();
    const count = (kind: string): number => things.filter((one) => one.kind === kind).length;
    expect({ vm: count('vm'), volume: count('volume'), address: count('address') }).toEqual({
      vm: 3,
      volume: 3,
      address: 2,
    });
  });
}

const clouds = Object.keys(words) as (keyof typeof words)[];

it('every cloud is tried', () => {
  expect(clouds).toEqual(cloudKinds);
});

describe.each(clouds)('the samples through Kafka, on %s', (cloud) => {
  beforeAll(async () => {
    await startWorld(cloud);
    // One after the other, so that it is known which of an order's copies is the first.
    for (const [i, [file]] of samples.entries()) {
      const message = { key: null, bytes: bytesOf(file) } as ScenarioMessage;
      await world.billing.send([message]);
      await until(
        `${file} to be stored`,
        async () => {
          const rows = await world.query('select from received_message');
          return { done: rows.length === i + 1, seen: `${rows.length} messages` };
        },
        60_000,
      );
    }
    await untilQuiet(world, samples.length, 60_000);
  }, 240_000);
  afterAll(stopWorld, 60_000);

  it('each becomes what it must', async () => {
    const rows = await world.query<{ verdict: string }>('select verdict from received_message order by received_at');
    expect(samples.map(([file], i) => [file, rows[i]?.verdict])).toEqual(samples);
  });

  it('the damaged ones are told on the topic for what could not be taken, with code and reason', () => {
    // In any order: the two have different keys, and only one key's messages keep theirs.
    const told = world.billing.rejections.map(({ code, workOrderId }) => `${code} ${workOrderId}`);
    expect(told.toSorted()).toEqual([`MSG_JSON_SYNTAX ${orderIds[23]}`, `MSG_JSON_SYNTAX ${orderIds[60]}`].toSorted());
  });

  outcomes(cloud);
});

describe.each(clouds)('the samples over HTTP, on %s', (cloud) => {
  beforeAll(() => startWorld(cloud), 240_000);
  afterAll(stopWorld, 60_000);

  const post = async (path: string, body: string, type: string) => {
    const init = { method: 'POST', body, headers: { 'content-type': type } };
    const answer = await world.api(worker, path, init);
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };

  const statuses: Record<Outcome, number> = { accepted: 202, held: 202, duplicate: 200, 'set-aside': 400 };
  it.each(samples)('POST /v1/work-orders %s: %s', async (file, outcome) => {
    const { status, json } = await post('/v1/work-orders', bytesOf(file).toString(), typeOf(file));
    expect(status).toBe(statuses[outcome]);
    if (outcome === 'set-aside') expect(json).toMatchObject({ code: 'MSG_JSON_SYNTAX', status: 400 });
    else expect(json['verdict']).toBe(outcome);
  });

  const again = (outcome: Outcome): object =>
    outcome === 'set-aside'
      ? { errstatus: 'ERROR', errcode: 400, results: { code: 'MSG_JSON_SYNTAX', duplicate: false } }
      : { errstatus: 'SUCCESS', errcode: 0, results: { duplicate: true } };

  it.each(samples)('POST /api/msg/order/ knows %s again (%s before), as it is', async (file, outcome) => {
    const { json } = await post('/api/msg/order/', bytesOf(file).toString(), typeOf(file));
    expect(json).toMatchObject(again(outcome));
  });

  it.each(samples)(
    'POST /api/msg/order/ knows %s again (%s before), as the field msg of a form',
    async (file, outcome) => {
      const text = bytesOf(file).toString();
      const body = typeOf(file) === formType ? text : new URLSearchParams({ msg: text }).toString();
      const { json } = await post('/api/msg/order/', body, formType);
      expect(json).toMatchObject(again(outcome));
    },
  );

  it('the messages come to their end', () => untilQuiet(world, 3 * samples.length, 60_000), 90_000);

  it('the damaged ones are listed with their code', async () => {
    const answer = await world.api(worker, '/v1/rejected-messages');
    const { messages } = (await answer.json()) as {
      messages: { code: string; verdict: string; workOrderId: string }[];
    };
    expect(messages).toHaveLength(6);
    expect(messages.every(({ code, verdict }) => code === 'MSG_JSON_SYNTAX' && verdict === 'set-aside')).toBe(true);
    expect(new Set(messages.map(({ workOrderId }) => workOrderId))).toEqual(new Set([orderIds[23], orderIds[60]]));
  });

  outcomes(cloud);
});
