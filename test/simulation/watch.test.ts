/** The watch is watched: each rule is told a good story and a bad one, and the whole of it a worker that is not there. */
import { describe, expect, it } from '@jest/globals';
import { RefusedError } from '../../src/errors.js';
import type { OrderEvent } from '../../src/machines/advance.js';
import { emptyStep } from '../../src/machines/begin-order.js';
import type { OperationState, OrderState, Step } from '../../src/machines/order-state.js';
import type { OpenOrder } from '../../src/runner/engine.js';
import type { Turn } from '../../src/runner/fair-turns.js';
import { SimulatedProcess } from './virtual-time.js';
import { Watch } from './watch.js';
import type { Asked } from './watch-calls.js';
import { insideOf } from './watch-inside.js';
import { auditProblem, forecastProblem, type Pull, refusedChangeProblem, silenceProblem } from './watch-levers.js';
import { type Around, lacksOf, waitsFor } from './watch-progress.js';
import { reportProblem } from './watch-reports.js';
import { arrivalProblem, type IntentRow, intentProblem, undoingProblem } from './watch-requests.js';
import { Races, sqlProblem, stepsOf } from './watch-store.js';
import { isWanted, type OpenRow } from './watch-wanted.js';

const operation = (value = 'requesting', change: Partial<OperationState> = {}, context = {}): OperationState => ({
  partKey: 'VM/r1#1',
  itemIndex: 0,
  name: 'vm.create',
  platformId: 'dc-1',
  marker: 'ow-1',
  requestId: 'request-1',
  dueAt: null,
  createdAt: 0,
  submittedAt: null,
  finishedAt: null,
  machine: { value, context: { attempt: 1, jobId: null, abandoned: false, ...context } as never },
  ...change,
});

const orderWith = (
  operations: OperationState[],
  value = 'provisioning',
  change: Partial<OrderState> = {},
): OrderState =>
  ({
    orderId: 'o1',
    kind: 'billing',
    workOrderId: 'WO-1',
    status: 'provisioning',
    dueAt: null,
    plan: null,
    machine: { value, context: { ending: null } },
    items: [{ master: false }],
    parts: [],
    operations,
    preparations: {},
    ...change,
  }) as unknown as OrderState;

const asked = (effect: Asked['effect'] = 'send', state = orderWith([operation()])): Asked => ({
  effect,
  orderId: 'o1',
  operation: operation(effect === 'discard' ? 'discarding' : 'requesting'),
  atStart: state,
});

describe('A request that changes something', () => {
  const row: IntentRow = {
    state: 'requesting',
    requestId: 'request-1',
    attempt: 1,
    marker: 'ow-1',
    workerId: 'w1',
    status: 'provisioning',
    orderState: 'provisioning',
  };
  it('leaves for what is committed, in the name of the order’s worker', () => {
    expect(intentProblem('deploy', asked(), row, 'w1')).toBeNull();
    expect(intentProblem('destroy', asked('discard'), { ...row, state: 'discarding' }, 'w1')).toBeNull();
  });
  it.each<[string, Asked | null, IntentRow | null]>([
    ['no operation has asked for it', null, row],
    ['no such operation is committed', asked(), null],
    ['which is committed as lookingUp', asked(), { ...row, state: 'lookingUp' }],
    ['which is committed as requesting', asked('discard'), row],
    ['request-2 is committed (attempt 2)', asked(), { ...row, requestId: 'request-2', attempt: 2 }],
    ['ow-2 is committed', asked(), { ...row, marker: 'ow-2' }],
    ['belongs to w2', asked(), { ...row, workerId: 'w2' }],
    ['who only looks changes nothing', asked('inspect'), row],
  ])('is seen when %s', (says, by, found) => {
    expect(intentProblem('deploy', by, found, 'w1')).toContain(says);
  });

  it('may arrive when its operation has gone on, and not before it is there', () => {
    expect(arrivalProblem('deploy', asked(), { ...row, state: 'lookingUp', attempt: 3, requestId: 'x' })).toBeNull();
    expect(arrivalProblem('deploy', asked(), null)).toContain('nothing is committed');
    expect(arrivalProblem('deploy', asked(), { ...row, attempt: 0 })).toContain('attempt 0 is committed');
  });

  it('makes nothing for an order that is on its way back, but for the master that is kept', () => {
    expect(undoingProblem('deploy', asked())).toBeNull();
    for (const value of ['undoing', 'undoStuck', 'cancelled', 'completed']) {
      expect(undoingProblem('deploy', asked('send', orderWith([], value)))).toContain(`WO-1, which is ${value}`);
    }
    expect(undoingProblem('destroy', asked('discard', orderWith([], 'undoing')))).toBeNull();
    const removal = {
      ...asked('send', orderWith([], 'undoing')),
      operation: operation('requesting', { name: 'vm.delete' }),
    };
    expect(undoingProblem('destroy', removal)).toBeNull();
    const kept = orderWith([], 'undoing', { items: [{ master: true }] as OrderState['items'] });
    Object.assign(kept.machine.context, { ending: 'partial' });
    expect(undoingProblem('deploy', asked('send', kept))).toBeNull();
  });
});

describe('A statement', () => {
  const process = new SimulatedProcess('worker-1');
  const save = (workerId: string, revision: number, epoch: number) => ({
    name: 'save-steps-oi',
    text: 'with saved as (update … from rows from (unnest($2::uuid[]), unnest($3::int[]), unnest($4::int[])) as given (order_id, seen_revision, seen_epoch) …)',
    values: [workerId, '{o1,o2}', `{${revision},7}`, `{${epoch},1}`],
  });

  it('tells which steps it stores, by the names of its columns', () => {
    expect(stepsOf(save('w1', 3, 1))).toEqual([
      { orderId: 'o1', workerId: 'w1', seenRevision: 3, epoch: 1 },
      { orderId: 'o2', workerId: 'w1', seenRevision: 7, epoch: 1 },
    ]);
    expect(stepsOf({ text: 'select 1' })).toEqual([]);
  });

  it('that lost a race has a winner', () => {
    const races = new Races();
    races.executed(process, save('w1', 3, 1));
    expect(races.problem(process, 'o1', { workerId: 'w2', epoch: 2, revision: 3 })).toBeNull();
    expect(races.problem(process, 'o1', { workerId: 'w1', epoch: 2, revision: 5 })).toBeNull();
    expect(races.problem(process, 'o1', { workerId: 'w1', epoch: 1, revision: 4 })).toContain('the row is its own');
  });

  it('ends with no error of PostgreSQL’s own', () => {
    expect(sqlProblem(process, save('w1', 1, 1), { code: 'ECONNRESET', message: 'cut' })).toBeNull();
    expect(sqlProblem(process, save('w1', 1, 1), { code: '23505', message: 'twice' })).toContain(
      '23505 twice (save-steps-oi)',
    );
  });
});

describe('A shared thing', () => {
  const network = { platformId: 'dc-1', key: 'default-network/u1' };
  const tenant = { platformId: 'dc-1', key: 'tenant/u1' };
  const row = (orderId: string, value: string, change: Partial<OpenRow> = {}): OpenRow => ({
    orderId,
    kind: 'billing',
    workOrderId: orderId,
    value,
    preparations: [],
    makes: null,
    ...change,
  });
  const makes = (orderId: string, made: typeof network, preparations: (typeof network)[] = []): OpenRow =>
    row(orderId, 'provisioning', { kind: 'preparation', makes: made, preparations });

  it('is wanted by an open order, near and far', () => {
    const rows = [row('o1', 'held', { preparations: [network] }), makes('n', network, [tenant]), makes('t', tenant)];
    expect([isWanted('n', rows), isWanted('t', rows)]).toEqual([true, true]);
  });
  it('is not wanted by one that is being undone, nor by what such a one wants', () => {
    const rows = [
      row('o1', 'undoing', { preparations: [network, tenant] }),
      makes('n', network, [tenant]),
      makes('t', tenant),
    ];
    expect([isWanted('n', rows), isWanted('t', rows)]).toEqual([false, false]);
    expect(isWanted('t', rows, new Set(['dc-1 tenant/u1']))).toBe(true);
  });
  it('is another on another platform', () => {
    expect(
      isWanted('n', [
        row('o1', 'planned', { preparations: [{ ...network, platformId: 'dc-2' }] }),
        makes('n', network),
      ]),
    ).toBe(false);
  });
});

describe('A lever', () => {
  const process = new SimulatedProcess('worker-1');
  const pull = (fate: Pull['fate'], change: Partial<Pull> = {}): Pull => ({
    process,
    at: 'pull',
    orderId: 'o1',
    lever: { act: 'cancel', reason: 'why' },
    fate,
    waitedMs: 0,
    isTold: false,
    excuse: null,
    ...change,
  });
  const done = pull({ state: 'done', ends: 'cancelled', at: 0 });
  const refused = pull({ state: 'refused', code: 'OPS_VERSION_STALE' });

  it('is answered within half a minute of its worker’s life, and told of once', () => {
    expect(silenceProblem(pull({ state: 'waiting' }, { waitedMs: 30_000 }))).toBeNull();
    expect(silenceProblem(pull({ state: 'waiting' }, { waitedMs: 31_000 }))).toContain('is not answered');
    expect(silenceProblem(pull({ state: 'waiting' }, { waitedMs: 31_000, isTold: true }))).toBeNull();
    expect(silenceProblem(pull({ state: 'unclear' }, { waitedMs: 31_000 }))).toBeNull();
  });
  it('is written down once when it was done, and not when it was refused', () => {
    expect(auditProblem([done], 1)).toBeNull();
    expect(auditProblem([done], 0)).toContain('written down 0 times');
    expect(auditProblem([done], 2, true)).toContain('written down 2 times');
    expect(auditProblem([refused], 0)).toBeNull();
    expect(auditProblem([refused], 1)).toContain('refused 1 times, and is written down 1 times');
    expect(auditProblem([pull({ state: 'unclear' })], 1, true)).toBeNull();
    expect(auditProblem([pull({ state: 'unclear' })], 0, true)).toBeNull();
  });
  it('changes nothing when it was refused', () => {
    expect(refusedChangeProblem(refused, 'another reason')).toBeNull();
    expect(refusedChangeProblem(refused, 'why')).toContain('gives "why" as its reason');
    expect(refusedChangeProblem(done, 'why')).toBeNull();
  });
  it('keeps its word unless something else came between', () => {
    expect(forecastProblem(done, 'WO-1', 'cancelled')).toBeNull();
    expect(forecastProblem(done, 'WO-1', 'failed')).toContain('said that it ends cancelled');
    expect(forecastProblem({ ...done, excuse: 'hold came after it' }, 'WO-1', 'failed')).toBeNull();
    expect(forecastProblem({ ...done, at: 'pullHere' }, 'WO-1', 'failed')).toBeNull();
  });
});

describe('An open operation', () => {
  const around = (change: Partial<Around> = {}): Around => ({
    now: 1_000_000,
    calls: [],
    hasJob: () => false,
    inPreparation: new Set<string>(),
    ...change,
  });
  const lacks = (one: OperationState, change: Partial<Around> = {}, isMoving = false): string[] =>
    lacksOf({ state: orderWith([one]), revision: 1, isMoving }, around(change));

  it.each(['requesting', 'lookingUp', 'verifying', 'discarding'])('that is %s has a call under way', (value) => {
    const one = operation(value);
    expect(lacks(one, { calls: [{ operation: one }] })).toEqual([]);
    expect(lacks(one)).toEqual([`vm.create (ow-1) is ${value}, attempt 1, and no call is under way`]);
    expect(lacks(one, { calls: [{ operation: operation(value, { requestId: 'older' }) }] })).toHaveLength(1);
    expect(lacks(one, { calls: [{ operation: operation('backingOff') }] })).toHaveLength(1);
    expect(lacks(one, {}, true)).toEqual([]);
  });
  it.each(['settling', 'watching', 'leaving', 'backingOff'])(
    'that is %s has an alarm that is not long over',
    (value) => {
      expect(lacks(operation(value, { dueAt: 990_000 }))).toEqual([]);
      expect(lacks(operation(value))[0]).toContain('has no alarm');
      expect(lacks(operation(value, { dueAt: 800_000 }))[0]).toContain('its alarm is 200 s late');
    },
  );
  it('that is in flight is asked about by its job', () => {
    const one = operation('inFlight', {}, { jobId: 'job-2' });
    expect(lacks(one, { hasJob: (_, jobId) => jobId === 'job-2' })).toEqual([]);
    expect(lacks(one, { hasJob: (_, jobId) => jobId === 'job-1' })[0]).toContain('nobody asks about job job-2');
  });
  it('that needs a person or is at its end lacks nothing', () => {
    expect([...lacks(operation('stuck')), ...lacks(operation('done', { finishedAt: 5 }))]).toEqual([]);
  });

  it('keeps its order from being silent, and so do an alarm, a person’s turn and what is shared', () => {
    const waits = (state: OrderState, change: Partial<Around> = {}) =>
      waitsFor({ state, revision: 1, isMoving: false }, around(change));
    const network = { platformId: 'dc-1', key: 'default-network/u1' };
    const planned = orderWith([], 'planned', { plan: { preparations: [network] } as unknown as OrderState['plan'] });
    expect(waits(orderWith([operation()]))).toBe('an operation');
    expect(waits(orderWith([], 'failing', { dueAt: 990_000 }))).toBe('its alarm');
    expect(waits(orderWith([operation('stuck')], 'needsOperator'))).toBe('a person');
    expect(waits(planned, { inPreparation: new Set(['dc-1 default-network/u1']) })).toBe('what is shared');
    expect(waits(orderWith([], 'received'), { calls: [{ operation: null }] })).toBe('a call');
    expect(waits(planned)).toBeNull();
    expect(waits(orderWith([operation('stuck')], 'undoing'))).toBeNull();
    expect(waits(orderWith([], 'compensating'))).toBeNull();
    expect(waits(orderWith([], 'failing', { dueAt: 100_000 }))).toBeNull();
  });
});

describe('An answer', () => {
  const event: OrderEvent = {
    about: 'operation',
    partKey: 'VM/r1#1',
    name: 'vm.create',
    event: { type: 'JOB_FAILED', disposition: 'retry', code: 'CLD_JOB_FAILED', message: '' },
  };
  const judge = (present: OperationState, source: Parameters<typeof reportProblem>[3], isTaken = true) => {
    const state = orderWith([present]);
    const step = { ...emptyStep(state), changedOperations: isTaken ? [present] : [] };
    return reportProblem(state, event, step, source);
  };
  const inFlight = operation('inFlight', {}, { jobId: 'job-2' });

  it('moves the operation that waits for it', () => {
    expect(judge(inFlight, { jobId: 'job-2' })).toBeNull();
    expect(judge(operation(), { asked: asked() })).toBeNull();
    expect(judge(inFlight, undefined)).toBeNull();
  });
  it('is seen when it is the verdict on another job, or the answer to another request or another question', () => {
    expect(judge(inFlight, { jobId: 'job-1' })).toContain('it was said of job job-1, and job job-2 is asked about');
    expect(judge(operation('requesting', { requestId: 'request-2' }), { asked: asked() })).toContain(
      'request-2 is out',
    );
    expect(judge(operation('lookingUp'), { asked: asked() })).toContain('it is lookingUp');
  });
  it('may come late when nothing is made of it', () => {
    expect(judge(inFlight, { jobId: 'job-1' }, false)).toBeNull();
  });
});

/** A worker as the watch sees it, of which the test says what it does. */
class StandIn {
  workerId = 'w1';
  readonly orders = new Map<string, OpenOrder>();
  readonly turns: Turn[] = [];
  readonly engine = {
    get: (orderId: string) => this.orders.get(orderId),
    decide: (state: OrderState, _event: OrderEvent): Step | null => ({ ...emptyStep(state), changed: true }),
    options: { now: () => 1_000_000 },
  };
  readonly platforms = { take: (turn: Turn) => void this.turns.push(turn), isAway: () => false };
  readonly effects = {
    options: { report: () => undefined },
    run: (_effect: string, _open: OpenOrder, _operation: OperationState): void =>
      this.platforms.take({
        tenant: 'a1',
        platformId: 'dc-1',
        orderId: 'o1',
        urgency: 'begin' as const,
        isRetry: false,
        run: () => this.work(),
      }),
  };
  readonly poller = { options: { report: () => undefined }, take: () => undefined, jobs: new Map() };
  readonly levers = {
    pull: (_orderId: string, _lever: object, _puller: object): Promise<unknown> => new Promise(() => undefined),
    pullHere: () => new Promise(() => undefined),
  };
  work: () => Promise<'done' | 'again'> = () => Promise.resolve('done');
}

describe('The watch', () => {
  const setUp = (rows: (text: string) => Record<string, unknown>[] = () => []) => {
    const said: string[] = [];
    const process = new SimulatedProcess('worker-1');
    const standIn = new StandIn();
    const watch = new Watch({
      now: () => 0,
      as: (_, look) => look(),
      isPeace: () => true,
      ask: rows,
      isReachable: () => true,
      isChange: (name) => name !== 'list',
      report: (text) => said.push(text),
    });
    watch.attach(process, standIn, () => true);
    const open = {
      state: orderWith([operation()]),
      revision: 1,
      saving: false,
      waiting: [],
    } as unknown as OpenOrder;
    standIn.orders.set('o1', open);
    const live = (seconds: number) => {
      for (let i = 0; i < seconds; i++) watch.tick();
    };
    return { said, process, standIn, watch, open, live };
  };
  const openRow = {
    orderId: 'o1',
    workOrderId: 'WO-1',
    kind: 'billing',
    workerId: 'w1',
    revision: 1,
    value: 'provisioning',
    part: null,
  };
  const intent = { state: 'requesting', requestId: 'request-1', attempt: 1, marker: 'ow-1', workerId: 'w1' };

  it('is blind to a worker that is built differently, and says so', () => {
    const { platforms, poller, levers, effects } = new StandIn();
    expect(() => insideOf({ platforms, poller, levers, effects, engine: { get: () => undefined } })).toThrow(
      'engine.decide',
    );
  });

  it('knows which operation a request leaves for', async () => {
    const { said, process, standIn, watch, open } = setUp((text) => (text.includes('c.state') ? [intent] : []));
    standIn.work = async () => {
      await Promise.resolve();
      expect(watch.requestLeaves(process, 'list', '')).toBeNull();
      watch.requestArrives(watch.requestLeaves(process, 'deploy', 'customjobid=11111111-1111-4111-8111-111111111111'));
      return 'done';
    };
    standIn.effects.run('send', open, operation());
    await standIn.turns[0]?.run();
    expect(said).toEqual(['I4: deploy leaves as job 11111111-1111-4111-8111-111111111111 for request request-1']);
    expect(watch.seen).toMatchObject({ changes: 1, arrivals: 1 });
  });

  it('sees a request that leaves for nothing', () => {
    const { said, process, watch } = setUp();
    watch.requestLeaves(process, 'deploy', '');
    expect(said).toEqual(['I4: deploy leaves, and no operation has asked for it']);
  });

  it('takes a shared thing for wanted while the worker that places it has not heard that its order is over', () => {
    const network = { platformId: 'dc-1', key: 'default-network/u1' };
    const order = { orderId: 'o1', kind: 'billing', workOrderId: 'WO-1', preparations: [network], part: null };
    const placed = { orderId: 'n', kind: 'preparation', workOrderId: 'n#1', preparations: [], part: network };
    const { said, process, standIn, watch, open } = setUp((text) => {
      if (text.includes('producer = $1')) return [{ order_id: 'n', work_order_id: 'n#1' }];
      if (!text.includes("p.plan -> 'preparations'")) return [];
      const rows = [
        { ...order, value: 'cancelled', isOver: true },
        { ...placed, value: 'planned', isOver: false },
      ];
      return text.includes('finished_at is null') ? rows.filter(({ isOver }) => !isOver) : rows;
    });
    const place = () => watch.sqlAnswered(process, { name: 'insert-orders', text: '' }, { rows: [{ order_id: 'n' }] });
    standIn.orders.set('o1', { ...open, state: orderWith([], 'planned') });
    place();
    expect(said).toEqual([]);
    standIn.orders.delete('o1');
    place();
    expect(said).toEqual(['I8: n#1 is placed, and no open order wants it']);
  });

  it.each([
    ['lets a shared thing be made that was wanted when it was placed, while its worker could not look again', true],
    ['sees one that is made when the wish has been over for a while', false],
  ])('%s', async (_, isAsleep) => {
    const network = { platformId: 'dc-1', key: 'default-network/u1' };
    const placed = { orderId: 'o1', kind: 'preparation', workOrderId: 'n#1', preparations: [], part: network };
    const order = { orderId: 'w', kind: 'billing', workOrderId: 'WO-1', preparations: [network], part: null };
    let value = 'planned';
    const { said, process, standIn, watch, live } = setUp((text) => {
      if (text.includes('producer = $1')) return [{ order_id: 'o1', work_order_id: 'n#1' }];
      if (!text.includes("p.plan -> 'preparations'")) return [];
      return [
        { ...order, value, isOver: false },
        { ...placed, value: 'provisioning', isOver: false },
      ];
    });
    standIn.orders.clear();
    watch.sqlAnswered(process, { name: 'insert-orders', text: '' }, { rows: [{ order_id: 'o1' }] });
    value = 'undoing';
    process.frozen = isAsleep;
    live(6);
    process.frozen = false;
    const state = orderWith([operation()], 'provisioning', { kind: 'preparation', workOrderId: 'n#1' });
    const open = { state, revision: 1, saving: false, waiting: [] } as unknown as OpenOrder;
    standIn.orders.set('o1', open);
    standIn.work = () => {
      watch.requestLeaves(process, 'deploy', '');
      return Promise.resolve('done');
    };
    standIn.effects.run('send', open, operation());
    await standIn.turns[0]?.run();
    const unwanted = said.filter((text) => text.startsWith('I8'));
    expect(unwanted).toEqual(isAsleep ? [] : ['I8: deploy leaves for n#1, which no open order wants']);
  });

  it('sees an operation for which nothing is under way, and only after a while', () => {
    const { said, standIn, live, open } = setUp((text) => (text.includes('o.kind') ? [openRow] : []));
    standIn.effects.run('send', open, operation());
    live(120);
    expect(said).toEqual([]);
    standIn.orders.set('o1', { ...open, state: orderWith([operation('requesting', { requestId: 'request-2' })]) });
    live(15);
    expect(said).toEqual([]);
    live(15);
    expect(said).toEqual([
      expect.stringContaining('vm.create (ow-1) is requesting, attempt 1, and no call is under way'),
    ]);
  });

  it('sees an order that its worker does not know of, unless that worker is frozen', () => {
    const { said, standIn, live, process } = setUp((text) => (text.includes('o.kind') ? [openRow] : []));
    standIn.orders.clear();
    process.frozen = true;
    live(200);
    expect(said).toEqual([]);
    process.frozen = false;
    live(45);
    expect(said).toEqual([expect.stringContaining('belongs to worker-1, which does not know of it')]);
  });

  it('sees a lever that nobody answers', () => {
    const { said, standIn, live, process } = setUp();
    void standIn.levers.pull('o1', { act: 'hold', reason: 'why' }, { actor: 'ops', seenRevision: null });
    process.frozen = true;
    live(60);
    process.frozen = false;
    live(30);
    expect(said).toEqual([]);
    live(2);
    expect(said).toEqual([expect.stringContaining('I19: hold of o1 (why) at worker-1 is not answered')]);
  });

  it('sees a lever that was refused and is written down', async () => {
    const { said, process } = setUp();
    const standIn = new StandIn();
    standIn.levers.pull = () => Promise.reject(new RefusedError('OPS_VERSION_STALE', 'look again'));
    const watch = new Watch({
      now: () => 0,
      as: (_, look) => look(),
      isPeace: () => true,
      isReachable: () => true,
      isChange: () => true,
      ask: (text) => (text.includes('from audit') ? [{}] : []),
      report: (text) => said.push(text),
    });
    watch.attach(process, standIn, () => true);
    const answer = standIn.levers.pull('o1', { act: 'hold', reason: 'why' }, {});
    await expect(answer).rejects.toThrow('look again');
    expect(said).toEqual([
      expect.stringContaining('was done 0 times and refused 1 times, and is written down 1 times'),
    ]);
  });

  it('sees a lost race without a winner', () => {
    const { said, process, watch } = setUp((text) =>
      text.includes('epoch') ? [{ workerId: 'w1', epoch: 1, revision: 4 }] : [],
    );
    const text =
      'rows from (unnest($2::uuid[]), unnest($3::int[]), unnest($4::int[])) as given (order_id, seen_revision, seen_epoch)';
    watch.sqlAnswered(process, { name: 'save-steps-o', text, values: ['w1', '{o1}', '{3}', '{1}'] }, { rows: [] });
    watch.logLine(process, { orderId: 'o1' }, 'order was taken over by another worker');
    expect(said).toEqual([expect.stringContaining('I6: worker-1 says that o1 was taken over')]);
  });

  it('sees an error of PostgreSQL’s, but not one that the world made up', () => {
    const { said, process, watch } = setUp();
    const error = Object.assign(new Error('twice'), { code: '23505' });
    watch.sqlAnswered(process, { text: 'insert' }, error, { isInjected: true });
    expect(said).toEqual([]);
    watch.sqlAnswered(process, { text: 'insert' }, error);
    expect(said).toEqual(['SQL: worker-1: 23505 twice (insert)']);
  });

  it('says each thing once', () => {
    const { said, process, watch } = setUp();
    watch.requestLeaves(process, 'deploy', '');
    watch.requestLeaves(process, 'deploy', '');
    expect(said).toHaveLength(1);
  });
});
