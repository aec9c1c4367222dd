import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type OperationName, preparationOperations } from '../../../src/planner/plan.js';
import type { OperationRequest } from '../../../src/provisioners/provisioner.js';
import { ControlSide } from '../../support/control-side.js';
import {
  carryOut,
  handlerOf,
  type Manners,
  newMarker,
  requestFor,
  sendThrough,
} from '../../conformance/small-engine.js';
import { aCloud, building } from './building.js';

/** The adapter gives up long before a service goes on; a login on a busy machine has to fit in. */
const patience = { requestTimeoutMs: 2_000 };
const aWhile = 10 * 60_000;

async function frozenUnder(
  operation: OperationName,
  isTheOne: (request: OperationRequest) => boolean,
  service: string,
) {
  const base = await building({ settings: patience });
  const { cloud, provisioner, task } = base;
  const control = ControlSide.at(new URL(cloud.config.serviceUrl).origin);
  let isFrozen = false;
  const beforeSend = async (request: OperationRequest) => {
    if (isFrozen || !isTheOne(request)) return;
    isFrozen = true;
    await control.fault({ operation: service, kind: 'freeze', forMs: aWhile });
  };
  const marker = newMarker();
  /** Until so many requests of one name have come. */
  const came = async (name: string, times: number) => {
    while (((await control.calls())[name] ?? 0) < times) await sleep(20);
  };
  const building_ = (manners: Manners = {}) =>
    carryOut(provisioner, task(operation), marker, { holdMs: aWhile, cutMs: aWhile, beforeSend, ...manners });
  const made = async () => (await cloud.alive(marker)).map(({ id }) => id);
  return { ...base, control, marker, came, carryOn: building_, made, thaw: () => control.clearFaults() };
}

const onPorts = ({ stage }: OperationRequest): boolean => stage === 'server';
const always = (): boolean => true;

describe('a service that is frozen for longer than our patience and then does all it was asked', () => {
  it.each([
    ['neutron.*', 'neutron.ports.list'],
    ['glance.*', 'glance.images.list'],
    ['cinder.*', 'cinder.volumes.list'],
  ])(
    '(%s) under the creation of a VM leaves one server',
    async (service, sign) => {
      const { carryOn, came, thaw, made, control } = await frozenUnder('vm.create', onPorts, service);
      // Nothing hangs on how long a request is thought to run.
      const carried = carryOn({ holdMs: 0, cutMs: 0 });
      await came('nova.servers.create', 1);
      const calls = async (name: string) => (await control.calls())[name] ?? 0;
      const signs = await calls(sign);
      // Two looks were put off for want of a sign of life, or the request has been sent again.
      while ((await calls(sign)) < signs + 2 && (await calls('nova.servers.create')) < 2) await sleep(20);
      await thaw();
      const { found, lost } = await carried;
      expect(lost).toBe(1);
      expect(await made()).toEqual([found.resourceId]);
    },
    60_000,
  );

  it('(Nova’s own creation of servers), and a second request sent in the meantime, leave one server', async () => {
    const { carryOn, came, thaw, made, marker, cloud } = await frozenUnder('vm.create', onPorts, 'nova.servers.create');
    const carried = carryOn({ holdMs: 0, cutMs: 0 });
    // Everything else answers, so nothing is found, and the first request is disarmed before the second leaves.
    await came('nova.servers.create', 2);
    await thaw();
    const { found } = await carried;
    expect(await made()).toEqual([found.resourceId]);
    const vm = (await cloud.resources()).find(({ id }) => id === found.resourceId);
    expect(vm).toMatchObject({ state: 'ACTIVE', marker });
    expect(vm?.details['portIds']).toHaveLength(1);
  }, 60_000);

  it('under the creation of a VM that is then not wanted any more leaves none', async () => {
    const { provisioner, task, control, marker, made, thaw, cloud } = await frozenUnder('vm.create', always, 'none');
    const handler = handlerOf(provisioner, 'vm.create');
    const ports = await handler.send(requestFor(task('vm.create'), { marker }));
    if (ports.state !== 'next') throw new Error(ports.state);
    await control.fault({ operation: 'nova.servers.create', kind: 'freeze', forMs: aWhile });
    const request = requestFor(task('vm.create'), { marker, stage: ports.stage, memo: ports.memo, attempt: 2 });
    await expect(handler.send(request)).rejects.toMatchObject({ name: 'OutcomeUnknownError', how: 'silent' });
    expect(await handler.find(request)).toEqual({ state: 'absent', guarded: true });
    expect(await handler.discard(request, ports.resourceId ?? '')).toBe('gone');
    await thaw();
    expect(await made()).toEqual([]);
    expect((await cloud.resources()).filter(({ kind }) => kind === 'port')).toEqual([]);
  }, 60_000);

  it.each([
    ['ebs.create', 'cinder.volumes.create'],
    ['network.reserve', 'neutron.floatingips.create'],
  ] as const)(
    '(%s) that has no handle is waited for as long as it may be held, and made once',
    async (operation, name) => {
      const { carryOn, came, thaw, made, control } = await frozenUnder(operation, always, name);
      const carried = carryOn();
      await came(name, 1);
      await came(listOf[operation], 12);
      expect((await control.calls())[name]).toBe(1);
      await thaw();
      const { found } = await carried;
      expect(await made()).toEqual([found.resourceId]);
    },
    60_000,
  );

  it.each([
    ['ebs.create', 'cinder.volumes.create'],
    ['network.reserve', 'neutron.floatingips.create'],
  ] as const)(
    '(%s) for even longer than that makes two, and a later look names both',
    async (operation, name) => {
      const { carryOn, came, thaw, made, provisioner, task, marker } = await frozenUnder(operation, always, name);
      const carried = carryOn({ holdMs: 0, cutMs: 0 });
      await came(name, 2);
      await thaw();
      const { found } = await carried;
      const both = await made();
      expect(both).toHaveLength(2);
      const later = await handlerOf(provisioner, operation).find(requestFor(task(operation), { marker }));
      if (later.state !== 'found') throw new Error(later.state);
      expect([later.resourceId, ...later.others].toSorted()).toEqual(both.toSorted());
      expect(both).toContain(found.resourceId);
    },
    60_000,
  );
});

describe('what can be there only once', () => {
  it.each([
    ['a subnet', 'default-network', 'neutron.subnets.create', 'subnet'],
    ['a project', 'tenant', 'keystone.projects.create', 'account'],
    ['a user', 'tenant', 'keystone.users.create', 'user'],
  ] as const)(
    '(%s) is asked for again before the first request is done, and made once',
    async (_, kind, name, thing) => {
      const cloud = await aCloud({ settings: patience });
      const control = ControlSide.at(new URL(cloud.config.serviceUrl).origin);
      const resolution = await cloud.provisioner.resolve(cloud.request);
      if (resolution.state === 'held') throw new Error(JSON.stringify(resolution.holds));
      const inputs: Record<string, string> = {};
      const prepare = async (wanted: string) => {
        const { settings, kind: made } = resolution.preparations.find((one) => one.kind === wanted) ?? missing(wanted);
        const task = { operation: preparationOperations[made], settings, inputs };
        const { found } = await carryOut(cloud.provisioner, task, newMarker(), { holdMs: aWhile, cutMs: aWhile });
        Object.assign(inputs, found.facts);
      };
      if (kind !== 'tenant') await prepare('tenant');
      await control.fault({ operation: name, kind: 'freeze', forMs: aWhile });
      const prepared = prepare(kind);
      while (((await control.calls())[name] ?? 0) < 2) await sleep(20);
      await control.clearFaults();
      await prepared;
      expect((await control.resources()).filter((one) => one.kind === thing)).toHaveLength(1);
    },
    60_000,
  );
});

function missing(what: string): never {
  throw new Error(`the order needs no ${what}`);
}

const listOf = { 'ebs.create': 'cinder.volumes.detail', 'network.reserve': 'neutron.floatingips.list' } as const;

describe('a look-up of a VM in doubt', () => {
  it.each(['neutron.*', 'glance.*', 'cinder.*'])(
    'says nothing while %s gives no sign of life',
    async (service) => {
      const { provisioner, task, control, marker, thaw } = await frozenUnder('vm.create', always, 'none');
      const handler = handlerOf(provisioner, 'vm.create');
      await control.fault({ operation: 'nova.servers.create', kind: 'drop-request' });
      const first = await handler.send(requestFor(task('vm.create'), { marker }));
      if (first.state !== 'next') throw new Error(first.state);
      const request = requestFor(task('vm.create'), { marker, stage: first.stage, memo: first.memo, attempt: 2 });
      await expect(handler.send(request)).rejects.toMatchObject({ how: 'cut' });
      await control.fault({ operation: service, kind: 'freeze', forMs: aWhile });
      await expect(handler.find(request)).rejects.toMatchObject({ name: 'ProvisioningError', disposition: 'retry' });
      await thaw();
      expect(await handler.find(request)).toEqual({ state: 'absent', guarded: true });
    },
    30_000,
  );
});

describe('the ports of a VM', () => {
  it('that a server has already are proof that it was asked for: its request is looked up, not refused', async () => {
    const { provisioner, task, control } = await frozenUnder('vm.create', always, 'none');
    const handler = handlerOf(provisioner, 'vm.create');
    const { request, sent } = await sendThrough(handler, requestFor(task('vm.create')));
    if (sent.state !== 'pending') throw new Error(sent.state);
    await carryOut(provisioner, task('vm.create'));
    // Not shown, so that only the port can tell.
    const twin = { ...request, marker: newMarker() };
    while ((await control.resources()).some(({ id, state }) => id === sent.resourceId && state !== 'ACTIVE'))
      await sleep(20);
    await expect(handler.send(twin)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
  }, 30_000);
});
