import type { Checker } from './facts.js';

/**
 * I13 tenant data: nothing that was for the eyes of one account (an {@link Output} with its `accountId`) names an order
 * or a thing of another. That every route answers 404 for a foreign id is shown by the role tests in test/http.
 */
export const tenantData: Checker = {
  invariant: 'I13',
  check({ rows, evidence, orderById }) {
    const outputs = evidence.outputs?.filter(({ accountId }) => accountId !== undefined) ?? [];
    const accounts = new Set(rows.orders.filter(({ kind }) => kind === 'billing').map(({ accountId }) => accountId));
    if (outputs.length === 0 || accounts.size < 2) return null;
    const wrong: string[] = [];
    // A cloud's id of a thing (deliveredIds) is found by its order: it stands in no answer without it.
    const names = rows.items.flatMap(({ orderId, resourceId }) => {
      const order = orderById.get(orderId);
      if (order?.kind !== 'billing') return [];
      return [resourceId, order.workOrderId, orderId].map((name) => ({ name, accountId: order.accountId }));
    });
    // Two accounts may have been given the same id by billing: it is nobody's secret then.
    for (const { name: output, text, accountId } of outputs) {
      const own = new Set(names.filter((one) => one.accountId === accountId).map(({ name }) => name));
      const foreign = new Set(
        names.filter(({ name }) => !own.has(name) && text.includes(name)).map(({ name }) => name),
      );
      for (const name of foreign) wrong.push(`${output}, for account ${accountId}, names ${name} of another`);
    }
    return wrong;
  },
};
