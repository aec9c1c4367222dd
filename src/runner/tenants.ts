import type { OrderState } from '../machines/order-state.js';

/**
 * For whom an order's work at a cloud is done. Preparations are orders of our own, and are done for the tenant whose order
 * asked first: under one name for all of them, a tenant with a thousand new users would make everybody else's network wait.
 */
export class Tenants {
  private readonly askers = new Map<string, string>();

  /** An order asks for what it shares with others. Also after a restart, when nobody remembers who was first. */
  asks(state: OrderState): void {
    for (const { platformId, key } of state.plan?.preparations ?? []) {
      const preparation = `${platformId}/${key}`;
      if (!this.askers.has(preparation)) this.askers.set(preparation, this.tenantOf(state));
    }
  }

  tenantOf({ kind, accountId, workOrderId }: OrderState): string {
    if (kind === 'billing') return accountId;
    return this.askers.get(workOrderId.slice(0, workOrderId.lastIndexOf('#'))) ?? accountId;
  }
}
