import type pg from 'pg';
import type { Logger } from 'pino';
import { OutcomeUnknownError, ProvisioningError, RefusedError } from '../errors.js';
import type { OperationState, OrderState } from '../machines/order-state.js';
import type { OperationName } from '../planner/plan.js';
import { decideOrphan, noteOrphan, type Orphan, orphansToDestroy, readOrphan } from '../store/orphans.js';
import type { Platforms } from './platforms.js';
import { laterRequest } from './operation-request.js';
import { belongingOf, readWhole } from './stored-orders.js';

export interface OrphansOptions {
  pool: pg.Pool;
  platforms: Pick<Platforms, 'get'>;
  log: Logger;
}

/** Who decides, for whom, and why. */
export interface Decision {
  actor: string;
  reason: string;
  /** The account that asks; null: all. */
  tenant: string | null;
}

/** How long the cloud is left alone between two tries to remove one. */
const quietMs = 5_000;

/**
 * Leftovers that a person decides about: adopted (somebody keeps it, outside of any order) or destroyed. Destroying asks the
 * cloud again and again until it is gone, on whatever worker, by id and only while it carries its marker (I8).
 */
export class Orphans {
  private timer: NodeJS.Timeout | null = null;
  private busy: Promise<void> | null = null;

  constructor(private readonly options: OrphansOptions) {}

  start(everyMs = 2_000): void {
    this.timer = setInterval(() => {
      this.busy ??= this.destroyDue().finally(() => (this.busy = null));
    }, everyMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.busy;
  }

  /** @throws RefusedError API_NOT_FOUND, OPS_LEVER_STATE */
  async adopt(platformId: string, resourceId: string, decision: Decision, dryRun: boolean): Promise<Orphan> {
    return this.decide(platformId, resourceId, 'adopted', decision, dryRun);
  }

  /** Removed by the workers from now on. @throws RefusedError API_NOT_FOUND, OPS_LEVER_STATE */
  async destroy(platformId: string, resourceId: string, decision: Decision, dryRun: boolean): Promise<Orphan> {
    return this.decide(platformId, resourceId, 'destroying', decision, dryRun);
  }

  private async decide(
    platformId: string,
    resourceId: string,
    state: 'adopted' | 'destroying',
    { actor, reason, tenant }: Decision,
    dryRun: boolean,
  ): Promise<Orphan> {
    const { pool } = this.options;
    const orphan = await readOrphan(pool, tenant, platformId, resourceId);
    if (!orphan) throw new RefusedError('API_NOT_FOUND', 'There is no such orphan.');
    if (orphan.state === 'destroyed' || orphan.state === state) {
      throw new RefusedError('OPS_LEVER_STATE', `It is ${orphan.state} already.`);
    }
    if (state === 'destroying') {
      const objection = orphan.why === 'missing' ? notThere : await this.neededBy(orphan);
      if (objection !== null) throw new RefusedError('OPS_LEVER_STATE', objection);
    }
    if (dryRun) return { ...orphan, state };
    await decideOrphan(pool, orphan, state, {
      actor,
      action: state === 'adopted' ? 'orphans.adopt' : 'orphans.destroy',
      subject: `${platformId}/${resourceId}`,
      orderId: orphan.orderId,
      reason,
      detail: { operation: orphan.operation, marker: orphan.marker },
    });
    return { ...orphan, state };
  }

  private async destroyDue(): Promise<void> {
    const { pool, log } = this.options;
    try {
      for (const orphan of await orphansToDestroy(pool, quietMs, 20)) await this.destroyOne(orphan);
    } catch (error) {
      log.warn({ code: (error as { code?: string }).code }, 'orphans could not be looked at');
    }
  }

  private async destroyOne(orphan: Orphan): Promise<void> {
    const { pool, platforms, log } = this.options;
    const { platformId, resourceId, stage } = orphan;
    const handler = platforms.get(platformId)?.provisioner.operations[orphan.operation as OperationName];
    const { state, operation } = await this.madeBy(orphan);
    if (!handler || !state || !operation) {
      await noteOrphan(pool, orphan, 'destroying', `Nobody knows how to remove it: its platform or its order is gone.`);
      return;
    }
    // Since it was decided, another try at what is shared may have taken it over.
    const objection = await this.neededBy(orphan);
    if (objection !== null) {
      await noteOrphan(pool, orphan, objection === delivered ? 'adopted' : 'destroying', objection);
      return;
    }
    const { memo } = operation.machine.context;
    const facts = state.parts.find((one) => one.key === operation.partKey)?.machine.context.facts;
    const request = laterRequest(state, operation, stage, stage === null ? {} : { ...memo, ...facts });
    try {
      const outcome = await handler.discard(request, resourceId);
      await noteOrphan(pool, orphan, outcome === 'gone' ? 'destroyed' : 'destroying', outcome);
    } catch (error) {
      if (!(error instanceof ProvisioningError || error instanceof OutcomeUnknownError)) {
        log.error({ platformId, resourceId, error: (error as Error).stack }, 'an orphan could not be removed');
      }
      await noteOrphan(pool, orphan, 'destroying', (error as Error).message.slice(0, 300));
    }
  }

  private async madeBy(orphan: Orphan): Promise<{ state?: OrderState; operation?: OperationState }> {
    const [state] = await readWhole(this.options.pool, [orphan.orderId]);
    const operation = state?.operations.find((one) => one.marker === orphan.marker && one.name === orphan.operation);
    return { ...(state && { state }), ...(operation && { operation }) };
  }

  /** Why it must not go, however it came to be listed; null when nobody has it. */
  private async neededBy(orphan: Orphan): Promise<string | null> {
    const { state, operation } = await this.madeBy(orphan);
    if (!state || !operation) return null;
    const belonging = await belongingOf(this.options.pool, state, operation.partKey);
    if (belonging.state === 'open') {
      if (state.kind === 'preparation') return stillMade;
      // What an open order could not undo may go; what it goes on with may not.
      const isOutcome = operation.machine.context.resourceId === orphan.resourceId;
      return orphan.why === 'twin' && isOutcome ? stillMade : null;
    }
    const has = [belonging.resourceId, ...Object.values(belonging.facts)].includes(orphan.resourceId);
    return has ? delivered : null;
  }
}

const notThere = 'It is not there to be removed; "orphans adopt" says that you know.';
const delivered = 'It is what was delivered.';
const stillMade = 'What it belongs to is being made, or taken back; wait for its end.';
