import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { modeOf, preparationId } from '../machines/follow-up.js';
import { OutcomeUnknownError, ProvisioningError } from '../errors.js';
import type { OperationEvent } from '../machines/operation.machine.js';
import { operationOf, partOf, plannedPart } from '../machines/order-index.js';
import type { OperationState, OrderState } from '../machines/order-state.js';
import { type Permission, withPermission } from '../provisioners/permission.js';
import type { CloudSecrets, NextStage, OperationHandler, OperationRequest } from '../provisioners/provisioner.js';
import type { Happening, OpenOrder } from './engine.js';
import type { TurnEnd, Urgency } from './fair-turns.js';
import { type Platforms, saysAway } from './platforms.js';
import { openForPiece, type Seal, sealForPiece } from './piece-secrets.js';
import { operationRequest } from './operation-request.js';
import { operationNames, waysBack } from '../planner/plan.js';
import { UnsealError } from '../secrets.js';
import { isCurrent } from './steps.js';

export type CloudEffect = 'send' | 'lookUp' | 'inspect' | 'discard';

export interface EffectsOptions {
  platforms: Platforms;
  log: Logger;
  report(orderId: string, happening: Happening): void;
  openSecret(orderId: string, itemIndex: number, field: string): Promise<string | undefined>;
  seal: Seal;
  /** Whether this worker is certainly still the owner of what it holds; if not, `mayAct` resolves when it is. */
  mayActNow(): boolean;
  mayAct(): Promise<void>;
  /** Whether the order is still the one this worker holds. */
  isOurs(open: OpenOrder): boolean;
  /** Who an order's work is done for. */
  tenantOf(state: OrderState): string;
}

/**
 * Carries out what the machines asked for, one cloud call each, and reports the answer as an event. Never decides:
 * how an answer is to be taken stands in `operation.machine.ts`. Each has its turn at its cloud account (`fair-turns.ts`);
 * while the cloud is down it waits there and costs the operation none of its tries.
 */
export class Effects {
  constructor(private readonly options: EffectsOptions) {}

  run(effect: CloudEffect, open: OpenOrder, operation: OperationState): void {
    this.options.platforms.take({
      tenant: this.options.tenantOf(open.state),
      platformId: operation.platformId,
      orderId: open.state.orderId,
      urgency: urgencyOf(effect, open.state),
      isRetry: effect === 'send' && operation.machine.context.retries > 0,
      run: () => this.call(effect, open, operation),
    });
  }

  /** Begins nothing more; resolves when no call is under way. What was not begun is taken up by the next owner. */
  async stop(): Promise<void> {
    await this.options.platforms.quiesce();
  }

  private async call(effect: CloudEffect, open: OpenOrder, operation: OperationState): Promise<TurnEnd> {
    const { orderId } = open.state;
    const { partKey, name } = operation;
    const changes = effect === 'send' || effect === 'discard';
    if (changes && !this.options.mayActNow()) await this.options.mayAct();
    // It may have waited for hours, and the order may have gone on without it.
    if (!this.options.isOurs(open) || !isCurrent(open.state, operation)) return 'done';
    const about = () => [
      `${name}${operation.machine.context.stage === null ? '' : `/${operation.machine.context.stage}`}`,
    ];
    crashPoint(`${effect}.before`, about);
    const answer = await (changes
      ? withPermission(this.permission(open), () => this.ask(effect, open, operation))
      : this.ask(effect, open, operation));
    crashPoint(`${effect}.after`, about);
    // Its new owner may be this very worker, with the order taken anew: that one looks for itself.
    if (!this.options.isOurs(open)) return 'done';
    if (answer === 'away') return 'again';
    const { event } = answer;
    const secrets = sealForPiece(this.options.seal, orderId, operation, answer.secrets);
    this.options.report(orderId, { event: { about: 'operation', partKey, name, event, of: operation }, secrets });
    return 'done';
  }

  /** What changes something only leaves while the order is certainly ours. */
  private permission(open: OpenOrder): Permission {
    const { mayActNow, mayAct, isOurs } = this.options;
    return {
      now: () => mayActNow() && isOurs(open),
      later: async () => {
        if (!mayActNow()) await mayAct();
        if (!isOurs(open))
          throw new ProvisioningError('retry', 'SYS_INTERNAL', 'The order belongs to another worker now.');
      },
    };
  }

  private async ask(
    effect: CloudEffect,
    open: OpenOrder,
    operation: OperationState,
  ): Promise<{ event: OperationEvent; secrets?: CloudSecrets | undefined } | 'away'> {
    const platform = this.options.platforms.get(operation.platformId);
    const handler = platform?.provisioner.operations[operation.name];
    if (!handler) {
      return needsOperator('CLD_UNSUPPORTED', `Platform ${operation.platformId} cannot do ${operation.name}.`);
    }
    const unknown = unknownInput(open.state, operation);
    if (unknown !== null) {
      const message = `${unknown} is being looked up again after a restart.`;
      return { event: { type: 'TRY_LATER', code: 'SYS_INTERNAL', message, retryAfterMs: null } };
    }
    if (effect === 'send' && noLongerWanted(open.state, operation)) {
      const message = `${operation.name} was not sent: it is no longer wanted.`;
      return { event: { type: 'TRY_LATER', code: 'CLD_UNAVAILABLE', message, retryAfterMs: null } };
    }
    try {
      return await callHandler(effect, handler, this.request(open, operation), operation);
    } catch (error) {
      // The cloud is down, and nothing was done: it waits for the cloud, and that is no try. A create whose answer is
      // missing is reported: it may have been done, and only a look-up tells.
      const harmless = saysAway(error) || (error instanceof OutcomeUnknownError && effect !== 'send');
      if (harmless && this.options.platforms.isAway(operation.platformId)) return 'away';
      return this.sortError(effect, error, operation);
    }
  }

  private sortError(effect: CloudEffect, error: unknown, operation: OperationState): { event: OperationEvent } {
    if (error instanceof ProvisioningError) {
      const { code, message } = error;
      if (error.disposition === 'retry') {
        return { event: { type: 'TRY_LATER', code, message, retryAfterMs: error.details.retryAfterMs ?? null } };
      }
      // A look that is refused says nothing of the thing looked for: a person has to see why.
      const rejected = error.disposition === 'reject' && (effect === 'send' || effect === 'discard');
      return { event: { type: rejected ? 'REJECTED' : 'NEEDS_OPERATOR', code, message } };
    }
    if (error instanceof OutcomeUnknownError) {
      const { code, message, how } = error;
      const looked = effect === 'lookUp' || effect === 'inspect';
      return {
        event: looked
          ? { type: 'TRY_LATER', code, message, retryAfterMs: null }
          : { type: 'OUTCOME_UNKNOWN', code, message, how },
      };
    }
    // Our bug. Whether the request left nobody knows, so nothing is repeated; a person sees it.
    this.options.log.error(
      { effect, operation: operation.name, marker: operation.marker, error: (error as Error).stack },
      'a cloud adapter threw something that is not an answer',
    );
    return needsOperator('SYS_UNEXPECTED', `${operation.name} stopped on an error of Orderwright's own; see the log.`);
  }

  private request({ state }: OpenOrder, operation: OperationState): OperationRequest {
    return operationRequest(state, operation, (name) => {
      const open = (field: string) => this.options.openSecret(state.orderId, operation.itemIndex, field);
      return openForPiece(open, operation.partKey, name).catch((error: unknown) => {
        throw secretNotRead(error);
      });
    });
  }
}

/** What many orders wait for, and what ends something, comes before what begins something. */
function urgencyOf(effect: CloudEffect, { kind }: OrderState): Urgency {
  return effect === 'send' && kind === 'billing' ? 'begin' : 'finish';
}

/**
 * The order was cancelled, or is being undone, while the request waited to be sent: then it need not be sent at all. Nor does anything
 * begin while the order is on hold, has failed, or waits for a person.
 */
function noLongerWanted(state: OrderState, operation: OperationState): boolean {
  const now = operationOf(state, operation.partKey, operation.name);
  const waits = modeOf(state) === 'resting' && !waysBack.includes(operation.name);
  return waits || now?.machine.context.abandoned === true;
}

/**
 * A preparation that the operation was started with and that this worker has not heard of yet: outcomes of preparations
 * are asked for again after a restart, and nothing may be asked of the cloud without them.
 */
function unknownInput(state: OrderState, operation: OperationState): string | null {
  const planned = plannedPart(state, operation.partKey);
  if (!planned?.needs[operation.name]) return null;
  for (const { from } of Object.values(planned.inputs)) {
    if (state.preparations[preparationId(planned.platformId, from)]?.state === 'ready') continue;
    if (partOf(state, from)) continue;
    const begun = operationNames.slice(0, operationNames.indexOf(operation.name) + 1);
    if (begun.some((name) => planned.needs[name]?.includes(from))) return from;
  }
  return null;
}

/** The request has not left: a secret is opened for it, or it is not sent. */
function secretNotRead(error: unknown): ProvisioningError {
  return error instanceof UnsealError
    ? new ProvisioningError('ask-human', 'CLD_SECRET_MISSING', `The password cannot be opened: ${error.message}.`)
    : new ProvisioningError('retry', 'STO_UNAVAILABLE', 'The password could not be read from the database.');
}

async function callHandler(
  effect: CloudEffect,
  handler: OperationHandler,
  request: OperationRequest,
  operation: OperationState,
): Promise<{ event: OperationEvent; secrets?: CloudSecrets | undefined }> {
  const resourceId = operation.machine.context.resourceId ?? '';
  switch (effect) {
    case 'send': {
      const sent = await handler.send(request);
      if (sent.state === 'next') return { event: nextStage(sent) };
      if (sent.state === 'pending')
        return {
          event: { type: 'ACCEPTED', jobId: sent.jobId, resourceId: sent.resourceId },
          secrets: sent.secrets,
        };
      return { event: { type: 'DONE', ...sent.found }, secrets: sent.secrets };
    }
    case 'lookUp': {
      const finding = await handler.find(request);
      if (finding.state === 'absent')
        return { event: { type: 'ABSENT', ...(finding.guarded === true && { guarded: true }) } };
      if (finding.state === 'job')
        return { event: { type: 'FOUND_JOB', jobId: finding.jobId, resourceId: finding.resourceId } };
      return { event: { type: 'FOUND', resourceId: finding.resourceId, others: finding.others } };
    }
    case 'inspect': {
      const inspection = await handler.inspect(request, resourceId);
      if (inspection.state === 'ready') return { event: { type: 'READY', ...inspection.found } };
      if (inspection.state === 'next') return { event: nextStage(inspection) };
      if (inspection.state === 'broken')
        return { event: { type: 'BROKEN', code: inspection.code, message: inspection.message } };
      return { event: { type: inspection.state === 'pending' ? 'PENDING' : 'ABSENT' } };
    }
    case 'discard':
      return { event: { type: (await handler.discard(request, resourceId)) === 'gone' ? 'GONE' : 'IN_PROGRESS' } };
  }
}

function nextStage({ stage, memo, resourceId }: NextStage): OperationEvent {
  return { type: 'NEXT_STAGE', stage, memo, resourceId: resourceId ?? null };
}

function needsOperator(code: string, message: string): { event: OperationEvent } {
  return { event: { type: 'NEEDS_OPERATOR', code, message } };
}
