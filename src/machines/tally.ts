import type { ItemOutcome } from './item.js';
import { LowestFirst } from './lowest-first.js';
import { carryPlaces, placeOfPart, placesOfItem, plannedPart } from './order-index.js';
import type { OperationState, OrderState, PartState, PreparationOutcome } from './order-state.js';
import {
  firstLack,
  failedByItself,
  hasToGo,
  isGivenUp,
  isLost,
  modeOf,
  openOperation,
  ownFailure,
  partOutcome,
  plannedOperations,
  preparationId,
  spoilsItsItem,
} from './part.js';

/** What is counted of one part. */
interface Look {
  outcome: ItemOutcome;
  /** What its loss means to those that need it: `given-up` by a person, lost otherwise, or not lost. */
  loss: 'none' | 'given-up' | 'lost';
  toGo: boolean;
  stuck: boolean;
  spoils: boolean;
  /** Whether it failed, and did not go because of another. */
  byItself: boolean;
  failed: boolean;
  lacks: boolean;
}

const unseen: Look = {
  outcome: 'open',
  loss: 'none',
  toGo: false,
  stuck: false,
  spoils: false,
  byItself: false,
  failed: false,
  lacks: false,
};

/** How the parts of one item stand, in numbers. */
export interface ItemTally extends Record<ItemOutcome, number> {
  toGo: number;
  stuck: number;
  /** Pieces because of which the others cannot stay. */
  spoilers: number;
}

/**
 * How an order stands, in numbers, and what may follow from what has moved since somebody last asked: an order may have thousands
 * of parts, and one event is about one of them. Derived from a state and kept beside it, never in it. It goes along with the
 * state that is made from it (`carryAlong`): a state that another was made from gets a new one if it is ever asked again.
 */
export class Tally {
  /** Parts because of which an item, and parts that, in numbers of the whole order. */
  spoilers = 0;
  /** Parts that failed by themselves. */
  failures = 0;
  /** Parts that wait for what will never be there, while nobody gave it up. */
  lacking = 0;
  /** Parts that have to go and can: neither they nor what stands on them needs a person. */
  going = 0;

  private looks: Look[] = [];
  private items = new Map<number, ItemTally>();
  /** By item: the place of the spoiler that is named as the reason, once somebody has asked. */
  private firstSpoilers = new Map<number, number>();
  /** By the id of a preparation: how many open parts have something ahead that needs it. */
  private readonly wanted = new Map<string, number>();
  /** By the place of a part: the preparations that it was counted for. */
  private wants: string[][] = [];
  /** By the place of a part: the places of those it needs, and of those that need it; ascending. */
  private readonly below: number[][];
  private readonly above: number[][];
  /** Places of the parts that need a preparation, by its id. */
  private readonly preparedFor = new Map<string, number[]>();
  /** By the place of a part: how many of those that need it have to go, and how many need a person. */
  private toGoAbove: number[] = [];
  private stuckAbove: number[] = [];

  /** Places of parts that moved since they were counted. */
  private readonly touched = new Set<number>();
  /** Places of parts that may have a move due. */
  private readonly due = new LowestFirst();
  /** Indexes of items that may stand differently now. */
  private readonly unsettled = new LowestFirst();
  /** What all of it was counted under. */
  private mode: ReturnType<typeof modeOf>;
  private policy: string;
  private ending: string | null;
  private preparations: OrderState['preparations'];

  constructor(
    state: OrderState,
    private readonly plan = state.plan,
    private operations: readonly OperationState[] = state.operations,
  ) {
    this.below = state.parts.map((part) => needsOf(state, part));
    this.above = state.parts.map(() => []);
    for (const [place, places] of this.below.entries()) for (const one of places) this.above[one]?.push(place);
    for (const [place, part] of state.parts.entries()) this.noteNeeds(state, part, place);
    this.mode = modeOf(state);
    this.policy = state.machine.context.policy;
    this.ending = state.machine.context.ending;
    this.preparations = state.preparations;
    this.countAll(state);
  }

  /** Whether it was made for this state, or has come along with it. */
  isOf({ operations, plan }: OrderState): boolean {
    return this.operations === operations && this.plan === plan;
  }

  moveTo({ operations }: OrderState): void {
    this.operations = operations;
  }

  touch(place: number): void {
    this.touched.add(place);
  }

  takeDue(): number | undefined {
    return this.due.take();
  }

  takeUnsettled(): number | undefined {
    return this.unsettled.take();
  }

  ofItem(itemIndex: number): ItemTally {
    let item = this.items.get(itemIndex);
    if (!item) this.items.set(itemIndex, (item = emptyItem()));
    return item;
  }

  /**
   * The piece of an item because of which the part at this place, of the same item, cannot stay: rather one that failed than one
   * that went because of it. Undefined when there is none, or none but itself.
   */
  spoilerFor(state: OrderState, place: number, itemIndex: number): number | undefined {
    const others = this.ofItem(itemIndex).spoilers - Number(this.spoils(place));
    if (others === 0) return undefined;
    const known = this.firstSpoilers.get(itemIndex);
    if (known !== undefined && known !== place) return known;
    let first: number | undefined;
    for (const one of placesOfItem(state, itemIndex)) {
      if (one === place || !this.spoils(one)) continue;
      if (first === undefined || this.isRather(one, first)) first = one;
    }
    // Where it is one itself, the others may be behind it.
    if (first !== undefined && !this.spoils(place)) this.firstSpoilers.set(itemIndex, first);
    return first;
  }

  private spoils(place: number): boolean {
    return this.looks[place]?.spoils === true;
  }

  private isRather(one: number, other: number): boolean {
    const [a, b] = [this.looks[one]?.byItself === true, this.looks[other]?.byItself === true];
    return a === b ? one < other : a;
  }

  private noteSpoiler(place: number, itemIndex: number): void {
    const first = this.firstSpoilers.get(itemIndex);
    if (first === place) this.firstSpoilers.delete(itemIndex);
    else if (first !== undefined && this.spoils(place) && this.isRather(place, first)) {
      this.firstSpoilers.set(itemIndex, place);
    }
  }

  /** Places of the parts it needs, ascending. */
  neededBy(place: number): readonly number[] {
    return this.below[place] ?? [];
  }

  /** Whether a part that needs this one has to go. */
  carriesWhatHasToGo(place: number): boolean {
    return (this.toGoAbove[place] ?? 0) > 0;
  }

  /** Whether anything that is still to be made needs a preparation. */
  isWanted(preparation: string): boolean {
    return (this.wanted.get(preparation) ?? 0) > 0;
  }

  private countWants(state: OrderState, part: PartState, place: number): void {
    // Nearly all orders share one thing or two.
    if (this.preparedFor.size === 0) return;
    for (const id of this.wants[place] ?? []) this.wanted.set(id, (this.wanted.get(id) ?? 0) - 1);
    const now = preparationsAhead(state, part);
    for (const id of now) this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1);
    this.wants[place] = now;
  }

  /** Counts what has moved, and notes who may be concerned by it. */
  catchUp(state: OrderState): void {
    const { policy, ending } = state.machine.context;
    if (policy !== this.policy || ending !== this.ending) {
      this.policy = policy;
      this.ending = ending;
      this.countAll(state);
    }
    const mode = modeOf(state);
    if (mode !== this.mode) {
      this.mode = mode;
      this.concernAll(state);
    }
    if (state.preparations !== this.preparations) {
      for (const id of changedIds(this.preparations, state.preparations)) {
        for (const place of this.preparedFor.get(id) ?? []) this.touched.add(place);
      }
      this.preparations = state.preparations;
    }
    // Counting one may touch others.
    for (const place of this.touched) {
      this.touched.delete(place);
      this.count(state, place);
    }
  }

  private countAll(state: OrderState): void {
    this.looks = state.parts.map(() => unseen);
    this.wanted.clear();
    this.wants = [];
    this.items = new Map();
    this.firstSpoilers = new Map();
    for (const { itemIndex } of state.parts) this.ofItem(itemIndex).open += 1;
    this.toGoAbove = state.parts.map(() => 0);
    this.stuckAbove = state.parts.map(() => 0);
    this.spoilers = this.failures = this.lacking = this.going = 0;
    for (const place of state.parts.keys()) this.touched.add(place);
    this.concernAll(state);
  }

  private concernAll(state: OrderState): void {
    for (const place of state.parts.keys()) this.due.put(place);
    for (const itemIndex of state.items.keys()) this.unsettled.put(itemIndex);
  }

  private count(state: OrderState, place: number): void {
    const part = state.parts[place];
    if (!part) return;
    const before = this.looks[place] ?? unseen;
    const now = lookAt(state, part);
    this.countWants(state, part, place);
    this.due.put(place);
    this.unsettled.put(part.itemIndex);
    this.going -= this.goes(place);
    this.looks[place] = now;
    const item = this.ofItem(part.itemIndex);
    item[before.outcome] -= 1;
    item[now.outcome] += 1;
    const change = (of: keyof Look) => Number(now[of]) - Number(before[of]);
    this.failures += change('failed');
    this.lacking += change('lacks');
    item.toGo += change('toGo');
    item.stuck += change('stuck');
    if (now.toGo !== before.toGo) {
      for (const one of this.neededBy(place)) {
        this.toGoAbove[one] = (this.toGoAbove[one] ?? 0) + change('toGo');
        if (this.toGoAbove[one] === 0) this.due.put(one);
      }
    }
    if (now.stuck !== before.stuck) {
      for (const one of this.neededBy(place)) {
        this.going -= this.goes(one);
        this.stuckAbove[one] = (this.stuckAbove[one] ?? 0) + change('stuck');
        this.going += this.goes(one);
      }
    }
    this.going += this.goes(place);
    if (now.outcome !== before.outcome || now.loss !== before.loss) {
      for (const one of this.above[place] ?? []) this.touched.add(one);
    }
    if (now.spoils !== before.spoils || now.byItself !== before.byItself) this.noteSpoiler(place, part.itemIndex);
    if (now.spoils !== before.spoils) {
      this.spoilers += change('spoils');
      item.spoilers += change('spoils');
      // With one spoiler all pieces but itself are spoiled, with two all of them: a third changes nothing for anybody.
      if (Math.min(item.spoilers, item.spoilers - change('spoils')) < 2) this.concernItem(state, part.itemIndex);
    }
  }

  /** Whether it is among those that are on their way out: 1 or 0. */
  private goes(place: number): number {
    const look = this.looks[place];
    return look?.toGo && !look.stuck && this.stuckAbove[place] === 0 ? 1 : 0;
  }

  /** The pieces of an item, and all that stands on one of them, near and far. */
  private concernItem(state: OrderState, itemIndex: number): void {
    const seen = new Set(placesOfItem(state, itemIndex));
    for (const place of seen) {
      this.due.put(place);
      for (const one of this.above[place] ?? []) seen.add(one);
    }
  }

  private noteNeeds(state: OrderState, part: PartState, place: number): void {
    const planned = plannedPart(state, part.key);
    for (const need of new Set(Object.values(planned?.needs ?? {}).flat())) {
      if (placeOfPart(state, need) !== undefined) continue;
      const id = preparationId(planned?.platformId ?? '', need);
      const places = this.preparedFor.get(id);
      if (places) places.push(place);
      else this.preparedFor.set(id, [place]);
    }
  }
}

const tallies = new WeakMap<readonly PartState[], Tally>();

/** How an order stands now, in numbers. */
export function tallyOf(state: OrderState): Tally {
  let tally = tallies.get(state.parts);
  if (!tally?.isOf(state)) tallies.set(state.parts, (tally = new Tally(state)));
  tally.catchUp(state);
  return tally;
}

/** A state is being made from another, with copies of its parts and operations: what is known of the one goes along. */
export function carryAlong(from: OrderState, to: OrderState): void {
  carryPlaces(from, to);
  const tally = tallies.get(from.parts);
  if (!tally?.isOf(from)) return;
  tallies.delete(from.parts);
  tally.moveTo(to);
  tallies.set(to.parts, tally);
}

/** A part of a state that is being made, or an operation of it, is another now. */
export function touchPart(state: OrderState, partKey: string): void {
  const tally = tallies.get(state.parts);
  const place = tally?.isOf(state) && placeOfPart(state, partKey);
  if (typeof place === 'number') tally?.touch(place);
}

function lookAt(state: OrderState, part: PartState): Look {
  const outcome = partOutcome(state, part);
  return {
    outcome,
    loss: !isLost(outcome) ? 'none' : isGivenUp(part.machine.context.failure) ? 'given-up' : 'lost',
    toGo: hasToGo(state, part),
    stuck: openOperation(state, part.key)?.machine.value === 'stuck',
    spoils: spoilsItsItem(state, part),
    byItself: failedByItself(part),
    failed: ownFailure(state, part) !== null,
    lacks: firstLack(state, part) !== null,
  };
}

function emptyItem(): ItemTally {
  return {
    open: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    compensated: 0,
    remains: 0,
    toGo: 0,
    stuck: 0,
    spoilers: 0,
  };
}

/** What an open part will need yet of what its order shares with others, by its ids. */
function preparationsAhead(state: OrderState, part: PartState): string[] {
  if (partOutcome(state, part) !== 'open') return [];
  const { ahead, needs, platformId } = plannedOperations(state, part);
  const shared = ahead.flatMap((name) => needs[name] ?? []).filter((need) => placeOfPart(state, need) === undefined);
  return [...new Set(shared)].map((need) => preparationId(platformId, need));
}

/** The places of the other parts that a part needs, ascending. */
function needsOf(state: OrderState, part: PartState): number[] {
  const keys = new Set(Object.values(plannedPart(state, part.key)?.needs ?? {}).flat());
  keys.delete(part.key);
  return [...keys].flatMap((key) => placeOfPart(state, key) ?? []).toSorted((a, b) => a - b);
}

function changedIds(before: Record<string, PreparationOutcome>, now: Record<string, PreparationOutcome>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((id) => before[id] !== now[id]);
}
