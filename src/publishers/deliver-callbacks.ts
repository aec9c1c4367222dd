import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { cloudResourceIds, deliveredAt, itemFailure } from '../machines/delivery.js';
import type { ItemStatus, OrderState } from '../machines/order-state.js';
import type { ResourceType, WorkOrder } from '../schemas/work-order.js';
import { type DueCallback, noteCallback, readDocument, takeDueCallbacks } from '../store/callbacks.js';
import type { Sql } from '../store/data-source.js';
import { loadOrders } from '../store/load-orders.js';
import { uuidV5 } from '../uuid.js';
import { callbackBody, type OrderOutcome } from './callback-message.js';
import { nextAttemptDelayMs, sendCallback } from './send-callback.js';
import type { AllowRule } from './url-guard.js';

export interface CallbackOptions {
  sql: Sql;
  allow: AllowRule[];
  /** Added to a url without a path. */
  path: string;
  secrets: string[];
  /** Whether results may go out without a signature where no secret is set. */
  unsigned: boolean;
  log: Logger;
  pollMs?: number;
}

/** Chosen once at random. */
const callbackNamespace = '2f6f1f6e-0b0f-4b9a-9a53-8d3e5a6b7c10';

/** Posts final results to where their orders ask, as long as it takes (Standard Webhooks' schedule), and remembers how it went. */
export class CallbackDelivery {
  private running = true;
  private loop: Promise<void> | null = null;

  constructor(private readonly options: CallbackOptions) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.loop;
  }

  private async run(): Promise<void> {
    while (this.running) {
      const due = await takeDueCallbacks(this.options.sql, 20).catch((): DueCallback[] => []);
      await Promise.all(
        due.map((callback) =>
          this.deliver(callback)
            .then(() => crashPoint('callback.noted'))
            .catch((error: unknown) => {
              this.options.log.error(
                { orderId: callback.orderId, error: (error as Error).stack },
                'callback could not be made',
              );
            }),
        ),
      );
      if (due.length === 0) await new Promise((resolve) => setTimeout(resolve, this.options.pollMs ?? 500));
    }
  }

  private async deliver({ orderId, url, attempts }: DueCallback): Promise<void> {
    const { sql, allow, secrets, unsigned, path, log } = this.options;
    crashPoint('callback.taken');
    const [[loaded], { order, finishedAt }] = await Promise.all([
      loadOrders(sql, [orderId]),
      readDocument(sql, orderId),
    ]);
    if (!loaded) return;
    crashPoint('callback.before');
    const { result, reason, retryAfterMs } = await sendCallback({
      url: withPath(url, path),
      eventId: uuidV5(callbackNamespace, orderId),
      body: callbackBody(outcomeOf(loaded.state, order, finishedAt)),
      secrets,
      unsigned,
      allow,
      now: new Date(),
    });
    crashPoint('callback.sent');
    log.info({ orderId, attempts, result, reason }, 'callback');
    if (result === 'accepted') return noteCallback(sql, orderId, 'accepted', reason, null);
    if (result === 'disabled') return noteCallback(sql, orderId, 'disabled', reason, null);
    const delayMs = nextAttemptDelayMs(attempts, Math.random);
    if (result === 'refused' || delayMs === null) return noteCallback(sql, orderId, 'gave-up', reason, null);
    return noteCallback(sql, orderId, 'due', reason, Math.max(delayMs, retryAfterMs ?? 0));
  }
}

/** The operator's path for platforms that send a bare origin; a url that has a path of its own keeps it. */
function withPath(url: string, path: string): string {
  const parsed = new URL(url);
  return path && parsed.pathname === '/' ? new URL(path, parsed).href : url;
}

/** A finished order as the callback tells it. */
export function outcomeOf(state: OrderState, order: WorkOrder, finishedAt: Date | null): OrderOutcome {
  return {
    order,
    orderId: state.orderId,
    status: state.status as OrderOutcome['status'],
    finishedAt: (finishedAt ?? new Date()).toISOString(),
    items: state.items.map((item, index) => {
      const failure = itemFailure(state, index);
      const facts = state.parts.filter((part) => part.itemIndex === index).map((part) => part.machine.context.facts);
      return {
        workOrderItemId: item.workOrderItemId,
        resourceId: item.resourceId,
        resourceType: item.resourceType as ResourceType,
        platformId: item.platformId,
        status: verdict(item.status),
        cloudResourceIds: cloudResourceIds(state, index),
        startedAt: item.status === 'completed' ? deliveredAt(state, index) : null,
        facts: Object.assign({}, ...facts) as Record<string, string>,
        failure: failure && { class: failure.disposition, code: failure.code, message: failure.message },
      };
    }),
  };
}

function verdict(status: ItemStatus): OrderOutcome['items'][number]['status'] {
  switch (status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'compensated':
      return status;
    case 'pending':
    case 'provisioning':
    case 'held':
    case 'compensating':
      return 'waiting';
  }
}
