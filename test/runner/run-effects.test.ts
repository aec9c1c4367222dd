import { beforeAll, describe, expect, it } from '@jest/globals';
import { OutcomeUnknownError, ProvisioningError } from '../../src/errors.js';
import type { OperationEvent } from '../../src/machines/operation.machine.js';
import type { OrderState } from '../../src/machines/order-state.js';
import type { OperationHandler, OperationRequest, Provisioner } from '../../src/provisioners/provisioner.js';
import type { Happening, OpenOrder } from '../../src/runner/engine.js';
import { type CloudEffect, Effects, type EffectsOptions } from '../../src/runner/run-effects.js';
import { UnsealError } from '../../src/secrets.js';
import { bundlePlan, Story, vm } from '../machines/story.js';
import { cloudWith, openOrder, operationOf, platformsWith, silent } from './support.js';

/** Order 60 with its VM requested; the network is known. */
const requested = new Story().planned(bundlePlan()).prepared().state;

async function report(
  effect: CloudEffect,
  cloud: Provisioner | null,
  { state = requested, options = {} }: { state?: OrderState; options?: Partial<EffectsOptions> } = {},
): Promise<{ orderId: string; happening: Happening } | null> {
  const reports: { orderId: string; happening: Happening }[] = [];
  const effects = new Effects({
    platforms: await platformsWith(cloud),
    log: silent,
    report: (orderId, happening) => reports.push({ orderId, happening }),
    openSecret: () => Promise.resolve('hunter2'),
    seal: (orderId, itemIndex, field, value) => Buffer.from(`${orderId}/${itemIndex}/${field}/${value}`),
    mayActNow: () => false,
    mayAct: () => Promise.resolve(),
    isOurs: () => true,
    tenantOf: (state) => state.accountId,
    ...options,
  });
  effects.run(effect, openOrder(state), operationOf(state, 'vm.create'));
  await effects.stop();
  return reports[0] ?? null;
}

async function heard(effect: CloudEffect, handler: Partial<OperationHandler>): Promise<OperationEvent | undefined> {
  const said = await report(effect, cloudWith({ 'vm.create': handler }));
  const event = said?.happening.event;
  return event?.about === 'operation' ? event.event : undefined;
}

const found = { resourceId: 'i-1', facts: { vmId: 'i-1' }, startedAt: null };
const next = { state: 'next', stage: 'tier', memo: { vpcId: 'v' } } as const;
const [code, message] = ['CLD_X', 'Said by the cloud.'];

describe('what a cloud answers', () => {
  it.each<[CloudEffect, string, Partial<OperationHandler>, OperationEvent]>([
    [
      'send',
      'a job',
      { send: async () => ({ state: 'pending', jobId: 'j', resourceId: null }) },
      { type: 'ACCEPTED', jobId: 'j', resourceId: null },
    ],
    ['send', 'done at once', { send: async () => ({ state: 'done', found }) }, { type: 'DONE', ...found }],
    [
      'send',
      'the next stage',
      { send: async () => next },
      { type: 'NEXT_STAGE', stage: 'tier', memo: { vpcId: 'v' }, resourceId: null },
    ],
    ['lookUp', 'nothing', { find: async () => ({ state: 'absent' }) }, { type: 'ABSENT' }],
    [
      'lookUp',
      'a job',
      { find: async () => ({ state: 'job', jobId: 'j', resourceId: 'i-1' }) },
      { type: 'FOUND_JOB', jobId: 'j', resourceId: 'i-1' },
    ],
    [
      'lookUp',
      'two of them',
      { find: async () => ({ state: 'found', resourceId: 'i-1', others: ['i-2'] }) },
      { type: 'FOUND', resourceId: 'i-1', others: ['i-2'] },
    ],
    ['inspect', 'ready', { inspect: async () => ({ state: 'ready', found }) }, { type: 'READY', ...found }],
    [
      'inspect',
      'the next stage',
      { inspect: async () => next },
      { type: 'NEXT_STAGE', stage: 'tier', memo: { vpcId: 'v' }, resourceId: null },
    ],
    ['inspect', 'not ready', { inspect: async () => ({ state: 'pending' }) }, { type: 'PENDING' }],
    [
      'inspect',
      'broken',
      { inspect: async () => ({ state: 'broken', code, message }) },
      { type: 'BROKEN', code, message },
    ],
    ['inspect', 'nothing', { inspect: async () => ({ state: 'absent' }) }, { type: 'ABSENT' }],
    ['discard', 'gone', { discard: async () => 'gone' }, { type: 'GONE' }],
    ['discard', 'going', { discard: async () => 'in-progress' }, { type: 'IN_PROGRESS' }],
  ])('%s, %s', async (effect, _, handler, event) => {
    expect(await heard(effect, handler)).toEqual(event);
  });
});

describe('what a cloud refuses', () => {
  const later = { type: 'TRY_LATER', code, message, retryAfterMs: 3_000 } as const;
  const person = { type: 'NEEDS_OPERATOR', code, message } as const;
  const rejected = { type: 'REJECTED', code, message } as const;
  const retry = new ProvisioningError('retry', code, message, { retryAfterMs: 3_000 });
  const reject = new ProvisioningError('reject', code, message);
  const ask = new ProvisioningError('ask-human', code, message);
  const unknown = new OutcomeUnknownError(code, message);
  const bug = new TypeError('x is not a function');
  const ours = { type: 'NEEDS_OPERATOR', code: 'SYS_UNEXPECTED' } as const;

  it.each<[CloudEffect, string, Error, object]>([
    ['send', 'later', retry, later],
    ['send', 'never', reject, rejected],
    ['send', 'ask a person', ask, person],
    ['send', 'no usable answer', unknown, { type: 'OUTCOME_UNKNOWN', code, message }],
    ['send', 'our own bug', bug, ours],
    ['lookUp', 'later', retry, later],
    ['lookUp', 'never: that says nothing of the thing looked for', reject, person],
    ['lookUp', 'ask a person', ask, person],
    ['lookUp', 'no usable answer: a look is harmless', unknown, { ...later, retryAfterMs: null }],
    ['lookUp', 'our own bug', bug, ours],
    ['inspect', 'later', retry, later],
    ['inspect', 'never: that says nothing of the thing looked at', reject, person],
    ['inspect', 'ask a person', ask, person],
    ['inspect', 'no usable answer: a look is harmless', unknown, { ...later, retryAfterMs: null }],
    ['inspect', 'our own bug', bug, ours],
    ['discard', 'later', retry, later],
    ['discard', 'never', reject, rejected],
    ['discard', 'ask a person', ask, person],
    ['discard', 'no usable answer', unknown, { type: 'OUTCOME_UNKNOWN', code, message }],
    ['discard', 'our own bug', bug, ours],
  ])('%s, %s', async (effect, _, error, event) => {
    const fail = () => Promise.reject(error);
    expect(await heard(effect, { send: fail, find: fail, inspect: fail, discard: fail })).toMatchObject(event);
  });

  it('is an operation that it does not have', async () => {
    const said = await report('send', cloudWith({}));
    expect(said?.happening.event).toMatchObject({ event: { type: 'NEEDS_OPERATOR', code: 'CLD_UNSUPPORTED' } });
  });
});

describe('a request', () => {
  let request: OperationRequest | undefined;
  const cloud = cloudWith({
    'vm.create': {
      send: async (given) => {
        request = given;
        return { state: 'done', found, secrets: { rootPassword: (await given.openSecret('rootPassword')) ?? '' } };
      },
    },
  });
  let said: Awaited<ReturnType<typeof report>>;
  beforeAll(async () => {
    said = await report('send', cloud);
  });

  it('names its marker, attempt, request id and inputs as they are stored', () => {
    const { marker, requestId } = operationOf(requested, 'vm.create');
    expect(request).toMatchObject({ marker, requestId, attempt: 1, stage: null, inputs: { networkId: 'n-1' } });
  });

  it('brings what the cloud shows once back sealed, to be stored with the answer', () => {
    expect(said?.happening.event).toMatchObject({ about: 'operation', partKey: vm, name: 'vm.create' });
    const [secret] = said?.happening.secrets ?? [];
    expect(secret).toMatchObject({ itemIndex: 1, field: 'rootPassword#1' });
    expect(String(secret?.sealed)).toBe(`${requested.orderId}/1/rootPassword#1/hunter2`);
  });

  it('does not leave after a restart before the network it belongs to is known again', async () => {
    const said = await report('send', cloud, { state: { ...requested, preparations: {} } });
    expect(said?.happening.event).toMatchObject({ event: { type: 'TRY_LATER' } });
  });

  it('leaves later when the password cannot be read because the database is away', async () => {
    const openSecret = () => Promise.reject(new Error('ECONNREFUSED'));
    const said = await report('send', cloud, { options: { openSecret } });
    expect(said?.happening.event).toMatchObject({ event: { type: 'TRY_LATER', code: 'STO_UNAVAILABLE' } });
  });

  it('waits for a person when no configured key opens the password', async () => {
    const openSecret = () => Promise.reject(new UnsealError('Sealed with key 1'));
    const said = await report('send', cloud, { options: { openSecret } });
    expect(said?.happening.event).toMatchObject({ event: { type: 'NEEDS_OPERATOR', code: 'CLD_SECRET_MISSING' } });
  });

  it('does not leave for an order that belongs to another worker by now', async () => {
    const isOurs = (_: OpenOrder) => false;
    let sent = 0;
    const send = async () => ({ state: 'pending' as const, jobId: `j-${(sent += 1)}`, resourceId: null });
    expect(await report('send', cloudWith({ 'vm.create': { send } }), { options: { isOurs } })).toBeNull();
    expect(sent).toBe(0);
  });

  it('is asked for again before it leaves whether it may, and a look is not', async () => {
    const asked: string[] = [];
    const mayAct = () => Promise.resolve(void asked.push('may I?'));
    await report('send', cloud, { options: { mayAct } });
    const look = { inspect: async () => ({ state: 'pending' as const }) };
    await report('inspect', cloudWith({ 'vm.create': look }), { options: { mayAct } });
    expect(asked).toEqual(['may I?']);
  });
});
