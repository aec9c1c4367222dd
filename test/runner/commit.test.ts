import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { beginOrder, emptyStep } from '../../src/machines/begin-order.js';
import type { OrderState } from '../../src/machines/order-state.js';
import { orderIdFor } from '../../src/order-id.js';
import { storeGroup } from '../../src/runner/commit.js';
import { insertOrders } from '../../src/store/accept.js';
import { registerWorker } from '../../src/store/ownership.js';
import type { StepToSave } from '../../src/store/steps.js';
import { Story } from '../machines/story.js';
import { bundleOrder } from '../support/orders.js';
import { silent, Site } from './support.js';

describe('a group of steps', () => {
  let site: Site;
  let states: OrderState[];

  beforeEach(async () => {
    site = await Site.open();
    await registerWorker(site.pool, 'w1');
    const steps = ['WO-1', 'WO-poison', 'WO-3'].map((workOrderId) => {
      const order = { ...bundleOrder(), workOrderId };
      for (const item of order.items) item.resourceId = `${item.resourceId} of ${workOrderId}`;
      const step = beginOrder(orderIdFor('default', workOrderId), order, [], new Story().surroundings());
      return { step, order };
    });
    const nothing = { contentHash: '', warnings: [], repairs: [], holds: [], plan: null, secrets: [] };
    await insertOrders(
      site.pool,
      steps.map(({ step, order }) => ({ step, workerId: 'w1', order, ...nothing })),
    );
    states = steps.map(({ step }) => step.state);
  });
  afterEach(() => site.close());

  const saving = (state: OrderState, changes: Partial<StepToSave> = {}): StepToSave => ({
    stepId: state.orderId,
    step: { ...emptyStep(state), changed: true },
    seenRevision: 1,
    epoch: 1,
    storedOperations: 0,
    planDocument: null,
    callbackUrl: null,
    secrets: [],
    audit: [],
    ...changes,
  });
  const secret = { itemIndex: 0, field: 'rootPassword#1', sealed: Buffer.of(1) };

  const act = { actor: 'ops:jo', action: 'orders.replay', subject: 'WO-poison', orderId: null, reason: '', detail: {} };

  // By SQLSTATE class: 21 more rows than can be, 22 a value out of range, 23 a constraint.
  it.each<[string, Partial<StepToSave>]>([
    ['writes one row twice (21)', { secrets: [secret, secret] }],
    ['holds a number that does not fit (22)', { secrets: [{ ...secret, itemIndex: 99_999 }] }],
    ['leaves out what has to be there (23)', { audit: [{ ...act, actor: null as never }] }],
  ])('is stored without the step that PostgreSQL never takes, because it %s', async (_, poison) => {
    const group = states.map((state) => saving(state, state.workOrderId === 'WO-poison' ? poison : {}));
    const fates = await storeGroup(group, { pool: site.pool, identity: { workerId: 'w1' }, log: silent });
    const [first, poisoned, third] = states.map(({ orderId }) => orderId);
    expect(fates).toEqual({ stored: new Set([first, third]), refused: new Set([poisoned]), lost: new Map() });
  });
});
