import { type OperationName, waysBack } from '../planner/plan.js';
import type { Hold } from '../schemas/work-order.js';
import type { Surroundings } from './advance.js';
import { courseOf } from './course.js';
import { openOperation, operationsOf, partOutcome, preparationId } from './follow-up.js';
import type { ItemOutcome } from './item.js';
import { type Lever, leverProblem } from './lever-problem.js';
import { finalStatuses, type OperationState, type OrderState, type PartState } from './order-state.js';

export { type Lever, leverProblem } from './lever-problem.js';

/** What would become of one part of an order. */
export interface ForecastLine {
  partKey: string;
  /** Null for what is shared with other orders. */
  itemIndex: number | null;
  /**
   * `reused`: done, and stays as it is. `asked-first`: the cloud is asked what there is of it before anything is sent.
   * `repeated`: sent again. `made`: not begun yet, will be. `awaited`: on its way, goes on. `undone`: removed again.
   * `given-up`: never made. `stays`: kept, or left by the cloud. `held`: waits for a person.
   */
  what: 'reused' | 'asked-first' | 'repeated' | 'made' | 'awaited' | 'undone' | 'given-up' | 'stays' | 'held';
  operation: OperationName | null;
  /** The cloud's id of what it is about, where it is known. */
  resourceId: string | null;
  /** Whether doing so can make a second one of anything, or lose something: it never can unless this says so. */
  note: string;
}

export interface Forecast {
  allowed: { code: string; message: string } | null;
  /** The status that the order has at once, and the one it ends with if nothing else goes wrong. */
  outcome: { status: string; ends: string };
  lines: ForecastLine[];
}

/** What is known beyond the order's own state. */
export interface Known {
  /** What planning would hold it for if it were planned now; not given: nobody has tried. */
  holds?: Hold[];
  canDiscardWhileBuilding?: Surroundings['canDiscardWhileBuilding'];
}

/**
 * What pulling a lever would do, part by part, from how the order stands now. Pure, and told before anything is done: the machines
 * themselves are run, with a cloud on which nothing goes wrong any more, and what they come to is put in words. So it cannot say
 * anything else than what they would do; that what is said is what then happens is tested for every lever in every state.
 */
export function forecast(state: OrderState, lever: Lever, known: Known = {}): Forecast {
  const allowed = leverProblem(state, lever);
  if (allowed) return { allowed, outcome: { status: state.status, ends: state.status }, lines: [] };
  const { first, last } = courseOf(state, lever, known.canDiscardWhileBuilding);
  const { status } = first;
  if (last.parts.length === 0 && !finalStatuses.includes(last.status))
    return { allowed, ...beforePlan(last, status, known) };
  const isUndone = last.machine.context.ending !== null;
  const parts = isUndone ? undoOrder(last) : last.parts;
  const lines = [
    ...(last.parts.length === 0 ? unplannedLines(last) : parts.map((part) => lineOf(state, part, lever, last, known))),
    ...(isUndone ? keptShared(last) : askedShared(state, lever)),
  ];
  return { allowed, outcome: { status, ends: last.status }, lines };
}

/** An order without a plan: what its plan will be nobody knows, but that it will be built by it, or what stands against that. */
function beforePlan(last: OrderState, status: string, { holds }: Known): Pick<Forecast, 'outcome' | 'lines'> {
  const { value, context } = last.machine;
  const waits = value !== 'received' && value !== 'waitingForCloud';
  const before = waits ? context.reason : null;
  const ends = waits || holds?.length ? 'held' : 'completed';
  const lines = last.items.map((item, itemIndex): ForecastLine => {
    const path = `workOrderItems[${itemIndex}]`;
    const [hold] = [...(holds ?? []).filter((one) => one.path.startsWith(path)), ...(holds ?? [])];
    const note = waits
      ? `Not planned before the order goes on${before ? `: ${before.message}` : '.'}`
      : hold
        ? `held again at once: ${hold.message}`
        : holds
          ? 'Planned anew, and then built: nothing stands against it.'
          : 'Planned anew, and then built, unless planning finds something against it.';
    return { ...unplanned(item, itemIndex), what: waits || hold ? 'held' : 'made', note };
  });
  return { outcome: { status, ends }, lines };
}

const unplanned = (item: OrderState['items'][number], itemIndex: number) => ({
  partKey: `${item.resourceType}/${item.resourceId}`,
  itemIndex,
  operation: null,
  resourceId: null,
});

/** What was never planned, of an order that ends. */
function unplannedLines({ items }: OrderState): ForecastLine[] {
  return items.map((item, index) => ({ ...unplanned(item, index), what: 'given-up', note: notes.givenUp }));
}

const notes = {
  givenUp: 'Nothing of it is on the cloud.',
  asked: 'A request is out or its outcome is not known: what the cloud has of it by its marker is removed.',
  awaitedThenRemoved: 'It is being built, and this cloud removes it only once it is there: the end waits for that.',
  removedAtOnce: 'It is being built, and this cloud removes it at once.',
  undone: 'Removed by its id, and only when it carries our marker.',
  remains: 'The cloud would not remove it; it is listed among the orphans.',
  verdict: 'Has its verdict.',
  reused: 'Stays as it is.',
  askedFirst: 'The cloud is asked by its marker what there is; sent again only if nothing is.',
  repeated: 'The cloud had refused it, and nothing was done: a repeat cannot make a second one.',
  onItsWay: 'On its way.',
  ends: 'What is under way ends.',
  askedWhileOnHold: 'The cloud is asked what became of its request; what was not done waits until the order goes on.',
  sentLater: 'Sent when the order goes on.',
  needs: 'When what it needs is there.',
  notBegun: 'Not begun before the order goes on.',
};

/** What becomes of one part, by how it stands now and how it stands at the end of the course. */
function lineOf(before: OrderState, end: PartState, lever: Lever, last: OrderState, known: Known): ForecastLine {
  const part = before.parts.find((one) => one.key === end.key) ?? end;
  const open = openOperation(before, part.key);
  const was = partOutcome(before, part);
  const is = partOutcome(last, end);
  const line = (what: ForecastLine['what'], note: string) => ({ ...standing(before, part), what, note });
  if (is === 'remains') return line('stays', notes.remains);
  if (last.machine.value === 'paused' && isAskedAbout(open)) return line('awaited', notes.askedWhileOnHold);
  if (isLost(is)) {
    if (is === was && !open) return line('stays', notes.verdict);
    if (lever.act === 'mark-done' && lever.itemIndex === part.itemIndex && was === 'remains')
      return { ...line('undone', `${lever.resourceId} is said to be gone.`), resourceId: lever.resourceId };
    // There now, or made on the way because the order stood where it builds.
    const isMade = last.operations.some((one) => one.partKey === part.key && one.machine.value === 'done');
    return isMade || mayBeThere(part, open) ? line('undone', undoNote(open, known)) : line('given-up', notes.givenUp);
  }
  const isNamed =
    lever.act === 'mark-done' &&
    lever.itemIndex === part.itemIndex &&
    (open?.machine.value === 'stuck' || was === 'failed');
  if (isNamed) {
    const note = `${lever.resourceId} is looked at before it is taken as the outcome.`;
    return { ...line('asked-first', note), resourceId: lever.resourceId };
  }
  if (is === 'completed' && was === 'completed') return line('reused', notes.reused);
  if (is === 'open') return waiting(line, last, end, open);
  if (open?.machine.value === 'stuck') return line('asked-first', notes.askedFirst);
  if (open) return line('awaited', notes.onItsWay);
  if (was === 'failed') return line('repeated', notes.repeated);
  return { ...line('made', notes.needs), operation: nextOperation(before, part) };
}

/** A part that is not through when the order rests. */
function waiting(
  line: (what: ForecastLine['what'], note: string) => ForecastLine,
  last: OrderState,
  end: PartState,
  before: OperationState | undefined,
): ForecastLine {
  const open = openOperation(last, end.key);
  if (open?.machine.value === 'stuck') {
    return line('held', `Waits for a person: ${open.machine.context.failure?.message ?? 'no reason was given.'}`);
  }
  if (open) return line('awaited', notes.sentLater);
  if (before) return line('awaited', notes.ends);
  return {
    ...line(last.machine.value === 'paused' ? 'made' : 'held', notes.notBegun),
    operation: nextOperation(last, end),
  };
}

/** Whether nobody knows whether its request was carried out. */
const isAskedAbout = (open: OperationState | undefined) =>
  open !== undefined && ['lookingUp', 'settling'].includes(open.machine.value);

const isLost = (outcome: ItemOutcome) => ['failed', 'cancelled', 'compensated'].includes(outcome);

/** Whether the cloud has anything of a part, or may have: something made, or a request of which nobody knows what it came to. */
function mayBeThere(part: PartState, open: OperationState | undefined): boolean {
  if (Object.keys(part.machine.context.facts).length > 0) return true;
  return open !== undefined && (open.machine.value !== 'backingOff' || open.machine.context.resourceId !== null);
}

function undoNote(open: OperationState | undefined, { canDiscardWhileBuilding }: Known): string {
  if (!open || open.machine.value === 'backingOff' || waysBack.includes(open.name)) return notes.undone;
  if (!['inFlight', 'verifying', 'watching'].includes(open.machine.value)) return notes.asked;
  const atOnce = canDiscardWhileBuilding?.(open.platformId, open.name) && open.machine.context.resourceId !== null;
  return atOnce ? notes.removedAtOnce : notes.awaitedThenRemoved;
}

function standing(state: OrderState, part: PartState): Omit<ForecastLine, 'what' | 'note'> {
  const operations = state.operations.filter((one) => one.partKey === part.key);
  const operation = openOperation(state, part.key) ?? operations.at(-1);
  const resourceId = operations.map((one) => one.machine.context.resourceId).find((id) => id !== null) ?? null;
  return { partKey: part.key, itemIndex: part.itemIndex, operation: operation?.name ?? null, resourceId };
}

function nextOperation(state: OrderState, part: PartState): OperationName | null {
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  const begun = new Set(state.operations.filter((one) => one.partKey === part.key).map((one) => one.name));
  return operationsOf(planned?.needs ?? {}).find((name) => !begun.has(name)) ?? null;
}

/** What the order uses together with others is nobody's to undo. */
function keptShared({ plan, kind }: OrderState): ForecastLine[] {
  return (kind === 'billing' ? (plan?.preparations ?? []) : []).map(({ key }) =>
    shared(key, 'stays', `${key}: shared with other orders.`),
  );
}

/** What could not be prepared is asked for anew by a replay. */
function askedShared({ plan, preparations }: OrderState, { act }: Lever): ForecastLine[] {
  if (act !== 'replay') return [];
  return (plan?.preparations ?? []).flatMap(({ key, platformId }) => {
    const outcome = preparations[preparationId(platformId, key)]?.state;
    return outcome === 'failed' || outcome === 'stuck'
      ? [shared(key, 'repeated', `${key}: asked for anew; it is looked for before it is made.`)]
      : [];
  });
}

function shared(partKey: string, what: ForecastLine['what'], note: string): ForecastLine {
  return { partKey, itemIndex: null, what, operation: null, resourceId: null, note };
}

/** Parts so that whatever stands on another comes before it: the last thing first, as it is done. */
function undoOrder(state: OrderState): PartState[] {
  const needsOf = new Map(
    (state.plan?.parts ?? []).map(({ key, needs }) => [key, Object.values(needs).flat()] as const),
  );
  const depths = new Map<string, number>();
  const depth = (key: string): number => {
    const known = depths.get(key);
    if (known !== undefined) return known;
    const below = (needsOf.get(key) ?? []).filter((need) => needsOf.has(need));
    const own = below.length === 0 ? 0 : 1 + Math.max(...below.map(depth));
    depths.set(key, own);
    return own;
  };
  return state.parts.toSorted((a, b) => depth(b.key) - depth(a.key));
}
