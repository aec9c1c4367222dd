import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.js';
import { groupBy } from '../group-by.js';
import { ProvisioningError } from '../errors.js';
import { assemblePlan } from '../planner/assemble.js';
import { draftPlan } from '../planner/draft.js';
import { holdFor } from '../planner/hold-reasons.js';
import type { Plan } from '../planner/plan.js';
import { heldFor } from '../machines/begin-order.js';
import { finalStatuses, type OrderState, type OrderStatus } from '../machines/order-state.js';
import type { Hold, WorkOrder } from '../schemas/work-order.js';
import type { ClaimConflict } from '../store/accept.js';
import type { Happening, OpenOrder } from './engine.js';
import { type Seal, sealForPiece } from './piece-secrets.js';
import type { Platforms } from './platforms.js';
import type { UserBook } from './user-book.js';

export interface PlanningOptions {
  /** Claims the order's things; returns those that another standing order keeps. */
  claim(state: OrderState): Promise<ClaimConflict[]>;
  platforms: Platforms;
  seal: Seal;
  users: Pick<UserBook, 'isClosed' | 'generation'>;
  log: Logger;
  readOrder(orderId: string): Promise<WorkOrder>;
}

/** As much of an open order as planning needs to know. */
export type ToPlan = Pick<OpenOrder, 'state' | 'order' | 'claimed'>;

/**
 * Plans one order: its things claimed, its items put in order, and what each of them is in its cloud's own terms read
 * from the catalogue. Nothing is built here. Never throws: what goes wrong becomes an event, and the order waits or is held.
 */
export async function planOrder(open: ToPlan, options: PlanningOptions): Promise<Happening> {
  // A preparation was placed with its plan.
  if (open.state.kind === 'preparation' && open.state.plan) {
    return { event: { about: 'order', event: { type: 'PLANNED' }, plan: open.state.plan } };
  }
  try {
    const order = open.order ?? (await options.readOrder(open.state.orderId));
    // What the intake claimed holds for the first planning. Whoever is planned once more may have been held in between, and its
    // things given to another order (`claimResources`).
    const isClaimed = open.claimed;
    open.claimed = false;
    const conflicts = isClaimed ? [] : await options.claim(open.state);
    crashPoint('plan.claimed');
    if (options.users.isClosed(order.userId)) {
      const message = `the user ${order.userId} is deactivated or removed; activate the user, then replay`;
      return held([holdFor('tenant_disabled', 'userId', message)]);
    }
    const drafted = draftPlan(order, options.platforms.summaries());
    const holds: Hold[] = [
      ...conflicts.map((conflict) => ({
        path: itemPath(order, conflict.resourceId),
        code: 'SEM_RESOURCE_OWNED',
        message: alreadyOrdered(conflict),
      })),
      ...('holds' in drafted ? drafted.holds : []),
    ];
    if (holds.length > 0 || 'holds' in drafted) return held(holds);
    const { draft } = drafted;
    const resolutions = await Promise.all(
      [...groupBy(draft.parts, (part) => part.platformId)].map(async ([platformId, parts]) => {
        const platform = options.platforms.get(platformId);
        if (!platform)
          throw new ProvisioningError('ask-human', 'CFG_PLATFORM_UNKNOWN', `Platform ${platformId} is not configured.`);
        return platform.provisioner.resolve({
          order,
          parts,
          generation: options.users.generation(order.userId, platformId),
        });
      }),
    );
    crashPoint('plan.resolved');
    const refused = resolutions.flatMap((resolution) => (resolution.state === 'held' ? resolution.holds : []));
    if (refused.length > 0) return held(refused);
    const plan = assemblePlan(
      draft,
      resolutions.filter((resolution) => resolution.state === 'resolved'),
    );
    return { ...planned(plan), secrets: rootPasswords(open.state.orderId, order, plan, options) };
  } catch (error) {
    return away(error, open, options.log);
  }
}

/**
 * What planning would hold an order for if it were planned now: nothing is claimed, and nothing is asked of any cloud but its catalogue.
 * Empty too when a cloud cannot be asked soon: then nobody knows.
 *
 * @param conflicts those of `claimConflicts`
 */
export async function dryPlan(
  state: OrderState,
  options: Omit<PlanningOptions, 'claim'> & { conflicts(state: OrderState): Promise<ClaimConflict[]> },
): Promise<Hold[]> {
  const open = { state, order: null, claimed: false };
  const planning = planOrder(open, { ...options, claim: options.conflicts });
  const late = new AbortController();
  const patience = sleep(dryPlanMs, null, { signal: late.signal }).catch(() => null);
  const happening = await Promise.race([planning, patience]);
  late.abort();
  return happening?.planned?.holds ?? [];
}

/** Somebody waits for a forecast; a cloud that is away makes no turn. */
const dryPlanMs = 3_000;

/**
 * Q20: a VM that is ordered with neither a password nor a key gets a password of ours, where the cloud takes one; each of several
 * gets one of its own. It is sealed in the commit that stores the plan, long before anything is sent.
 */
function rootPasswords(
  orderId: string,
  order: WorkOrder,
  plan: Plan,
  { platforms, seal }: PlanningOptions,
): NonNullable<Happening['secrets']> {
  return plan.parts.flatMap(({ key, itemIndex, platformId }) => {
    const item = order.items[itemIndex];
    const isWithout = item?.resourceType === 'VM' && !item.config.hasRootPassword && item.config.keyPairId === null;
    if (!isWithout || platforms.get(platformId)?.provisioner.capabilities.takesRootPassword !== true) return [];
    // Letters of both cases, digits and a sign, which every system takes and Windows asks for.
    const rootPassword = `Ow1-${randomBytes(15).toString('base64url')}`;
    return sealForPiece(seal, orderId, { itemIndex, partKey: key }, { rootPassword });
  });
}

function planned(plan: Plan): Happening {
  return {
    event: { about: 'order', event: { type: 'PLANNED' }, plan },
    planned: { warnings: plan.warnings, holds: [] },
  };
}

function held(holds: Hold[]): Happening {
  const [{ code, message } = { code: 'held', message: 'Held.' }] = holds;
  const more = holds.length > 1 ? ` (and ${holds.length - 1} more)` : '';
  return {
    event: { about: 'order', event: heldFor({ code, message: message + more }, holds) },
    planned: { warnings: [], holds },
  };
}

/** The cloud, or our own database, could not be asked: the order waits and is planned again. */
function away(error: unknown, open: ToPlan, log: Logger): Happening {
  const { code, message } =
    error instanceof ProvisioningError
      ? error
      : { code: 'SYS_UNEXPECTED', message: 'Planning stopped on an error of our own; see the log.' };
  if (!(error instanceof ProvisioningError)) {
    log.error({ orderId: open.state.orderId, error: (error as Error).stack }, 'an order could not be planned');
  }
  return { event: { about: 'order', event: { type: 'CLOUD_AWAY', code, message } } };
}

function itemPath(order: WorkOrder, resourceId: string): string {
  return `workOrderItems[${order.items.findIndex((item) => item.resourceId === resourceId)}].resourceId`;
}

/** The hold stays as it was written, long after the other order has moved on: so it says what helps then. */
function alreadyOrdered({ resourceId, workOrderId, status }: ClaimConflict): string {
  if (workOrderId === null) return `${resourceId} is already ordered by another account. Use another resourceId.`;
  if (finalStatuses.includes(status as OrderStatus)) {
    return `${resourceId} was delivered by ${workOrderId}. Cancel this order, or order it again under another resourceId.`;
  }
  return (
    `${resourceId} was already ordered by ${workOrderId}, which was ${status} when this order was planned. Cancel this order; or cancel ` +
    `${workOrderId} and, once it has ended without it, resume this order.`
  );
}
