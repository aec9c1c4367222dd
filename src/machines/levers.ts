import type { OperationName } from '../planner/plan.js';
import { operationsOf, openOperation, partOutcome } from './follow-up.js';
import { type Lever, leverProblem } from './lever-problem.js';
import type { OperationState, OrderState, PartState } from './order-state.js';

export { type Lever, leverProblem } from './lever-problem.js';

/** What would become of one part of an order. */
export interface ForecastLine {
  partKey: string;
  /** Null for what is shared with other orders. */
  itemIndex: number | null;
  /**
   * `reused`: done, and stays as it is. `asked-first`: the cloud is asked what there is of it before anything is sent.
   * `repeated`: sent again. `made`: not begun yet, will be. `awaited`: on its way, goes on. `undone`: removed again.
   * `given-up`: never made. `stays`: kept, or left by the cloud.
   */
  what: 'reused' | 'asked-first' | 'repeated' | 'made' | 'awaited' | 'undone' | 'given-up' | 'stays';
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

/**
 * What pulling a lever would do, part by part, from how the order stands now. Pure, and told before anything is done. That what
 * is said is what then happens is tested at every step of a bundle.
 */
export function forecast(state: OrderState, lever: Lever): Forecast {
  const allowed = leverProblem(state, lever);
  if (allowed) return { allowed, outcome: { status: state.status, ends: state.status }, lines: [] };
  switch (lever.act) {
    case 'cancel':
      return { allowed, outcome: { status: 'compensating', ends: 'cancelled' }, lines: undoLines(state) };
    case 'hold':
      return { allowed, outcome: { status: 'held', ends: 'held' }, lines: holdLines(state) };
    case 'resume':
    case 'replay': {
      const undoing = state.status === 'compensating';
      const ends = undoing ? (state.machine.context.ending ?? 'failed') : 'completed';
      return {
        allowed,
        outcome: { status: undoing ? 'compensating' : 'provisioning', ends },
        lines: replayLines(state),
      };
    }
    case 'skip':
      return {
        allowed,
        outcome: { status: 'provisioning', ends: 'partial' },
        lines: state.parts.map((part) =>
          isGivenUpWith(state, part, lever.itemIndex) ? undoLine(state, part) : goOn(state, part),
        ),
      };
    case 'mark-done':
      return {
        allowed,
        outcome: { status: 'provisioning', ends: 'completed' },
        lines: state.parts.map((part) =>
          part.itemIndex === lever.itemIndex
            ? {
                ...line(state, part, 'asked-first'),
                resourceId: lever.resourceId,
                note: `${lever.resourceId} is looked at before it is taken as the outcome.`,
              }
            : goOn(state, part),
        ),
      };
  }
}

function line(state: OrderState, part: PartState, what: ForecastLine['what']): ForecastLine {
  const { partKey, operation, resourceId } = standing(state, part);
  return { partKey, itemIndex: part.itemIndex, what, operation: operation?.name ?? null, resourceId, note: '' };
}

function standing(state: OrderState, part: PartState) {
  const operations = state.operations.filter((one) => one.partKey === part.key);
  const operation: OperationState | null = openOperation(state, part.key) ?? operations.at(-1) ?? null;
  const resourceId = operations.map((one) => one.machine.context.resourceId).find((id) => id !== null) ?? null;
  return { partKey: part.key, operation, resourceId };
}

const undoNotes = {
  'given-up': 'Nothing of it is on the cloud.',
  asked: 'A request is out or its outcome is not known: what the cloud has of it by its marker is removed.',
  undone: 'Removed by its id, and only when it carries our marker.',
  stays: 'The cloud would not remove it; it is listed among the orphans.',
};

/** The last thing first, as it is done. */
function undoLines(state: OrderState): ForecastLine[] {
  if (state.parts.length === 0) {
    return state.items.map((item, itemIndex) => ({
      partKey: `${item.resourceType}/${item.resourceId}`,
      itemIndex,
      what: 'given-up',
      operation: null,
      resourceId: null,
      note: undoNotes['given-up'],
    }));
  }
  return [...undoOrder(state).map((part) => undoLine(state, part)), ...sharedLines(state)];
}

/** What the order uses together with others is nobody's to undo. */
function sharedLines(state: OrderState): ForecastLine[] {
  return (state.plan?.preparations ?? []).map(({ key }) => ({
    partKey: key,
    itemIndex: null,
    what: 'stays',
    operation: null,
    resourceId: null,
    note: 'Shared with other orders.',
  }));
}

/** Parts so that whatever stands on another comes before it. */
function undoOrder(state: OrderState): PartState[] {
  const depth = (key: string): number => {
    const planned = state.plan?.parts.find((one) => one.key === key);
    const needs = Object.values(planned?.needs ?? {})
      .flat()
      .filter((need) => state.parts.some((one) => one.key === need));
    return needs.length === 0 ? 0 : 1 + Math.max(...needs.map(depth));
  };
  return state.parts.toSorted((a, b) => depth(b.key) - depth(a.key));
}

function undoLine(state: OrderState, part: PartState): ForecastLine {
  const open = openOperation(state, part.key);
  const outcome = partOutcome(state, part);
  if (outcome === 'remains') return { ...line(state, part, 'stays'), note: undoNotes.stays };
  if (open && open.machine.value !== 'backingOff') return { ...line(state, part, 'undone'), note: undoNotes.asked };
  const made = Object.keys(part.machine.context.facts).length > 0;
  const what = made ? 'undone' : 'given-up';
  return { ...line(state, part, what), note: undoNotes[what] };
}

function holdLines(state: OrderState): ForecastLine[] {
  return state.parts.map((part) => {
    if (openOperation(state, part.key)) return { ...line(state, part, 'awaited'), note: 'What is under way ends.' };
    const done = partOutcome(state, part) === 'completed';
    return done
      ? { ...line(state, part, 'reused'), note: 'Delivered.' }
      : { ...line(state, part, 'given-up'), what: 'made', note: 'Not begun before the order is resumed.' };
  });
}

function replayLines(state: OrderState): ForecastLine[] {
  return state.parts.map((part) => {
    const open = openOperation(state, part.key);
    const outcome = partOutcome(state, part);
    if (open?.machine.value === 'stuck') {
      return {
        ...line(state, part, 'asked-first'),
        note: 'The cloud is asked by its marker what there is; sent again only if nothing is.',
      };
    }
    if (!open && (outcome === 'failed' || outcome === 'remains')) {
      return {
        ...line(state, part, 'repeated'),
        note: 'The cloud had refused it, and nothing was done: a repeat cannot make a second one.',
      };
    }
    return goOn(state, part);
  });
}

/** What becomes of a part that a lever does not touch. */
function goOn(state: OrderState, part: PartState): ForecastLine {
  if (openOperation(state, part.key)) return { ...line(state, part, 'awaited'), note: 'On its way.' };
  const outcome = partOutcome(state, part);
  if (outcome === 'completed') return { ...line(state, part, 'reused'), note: 'Stays as it is.' };
  if (outcome !== 'open') return { ...line(state, part, 'stays'), note: 'Has its verdict.' };
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  const begun = new Set(state.operations.filter((one) => one.partKey === part.key).map((one) => one.name));
  const next = operationsOf(planned?.needs ?? {}).find((name) => !begun.has(name)) ?? null;
  return { ...line(state, part, 'made'), operation: next, note: 'When what it needs is there.' };
}

/** An item's parts, and whatever stands on them. */
function isGivenUpWith(state: OrderState, part: PartState, itemIndex: number): boolean {
  if (part.itemIndex === itemIndex) return true;
  const planned = state.plan?.parts.find((one) => one.key === part.key);
  const needs = Object.values(planned?.needs ?? {}).flat();
  return state.parts.some((one) => one.itemIndex === itemIndex && needs.includes(one.key));
}
