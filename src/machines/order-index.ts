import type { OperationName, Plan, PlannedPart } from '../planner/plan.js';
import type { OperationState, OrderState, PartState } from './order-state.js';

/**
 * Where the parts and operations of an order stand, so that nobody has to look through all of them for one: an order may have
 * thousands. Derived from the state, kept beside it and never in it. A place never changes, for parts stay in the order of
 * their plan and operations are only ever added; so one index serves a state and all that follow from it (`carryPlaces`), and what was
 * added later is no business of a state before.
 */
interface PartPlaces {
  byKey: Map<string, number>;
  ofItem: Map<number, number[]>;
}

interface OperationPlaces {
  /** How many are in here: more than a state has when others that followed from it have more. */
  count: number;
  byKey: Map<string, number>;
  ofPart: Map<string, number[]>;
  ofItem: Map<number, number[]>;
}

type WithOperations = Pick<OrderState, 'operations'>;
type WithParts = Pick<OrderState, 'parts'>;

const partPlaces = new WeakMap<readonly PartState[], PartPlaces>();
const operationPlaces = new WeakMap<readonly OperationState[], OperationPlaces>();
const plannedParts = new WeakMap<Plan, Map<string, PlannedPart>>();

/** Names an operation within its order. */
export function operationKey(operation: Pick<OperationState, 'partKey' | 'name'>): string {
  return `${operation.partKey} ${operation.name}`;
}

/** The place of a part in `state.parts`; undefined when there is none of that key. */
export function placeOfPart(state: WithParts, key: string): number | undefined {
  return placesOfParts(state).byKey.get(key);
}

export function partOf(state: WithParts, key: string): PartState | undefined {
  const place = placeOfPart(state, key);
  return place === undefined ? undefined : state.parts[place];
}

/** The places of an item's parts in `state.parts`, ascending. */
export function placesOfItem(state: WithParts, itemIndex: number): readonly number[] {
  return placesOfParts(state).ofItem.get(itemIndex) ?? [];
}

export function partsOfItem(state: WithParts, itemIndex: number): PartState[] {
  return placesOfItem(state, itemIndex).flatMap((place) => state.parts[place] ?? []);
}

export function plannedPart({ plan }: Pick<OrderState, 'plan'>, key: string): PlannedPart | undefined {
  if (!plan) return undefined;
  let byKey = plannedParts.get(plan);
  if (!byKey) plannedParts.set(plan, (byKey = new Map(plan.parts.map((part) => [part.key, part]))));
  return byKey.get(key);
}

/** The place of an operation in `state.operations`, which is its number in the database; undefined when it was not begun. */
export function placeOfOperation(state: WithOperations, key: string): number | undefined {
  const place = placesOfOperations(state).byKey.get(key);
  return place === undefined || place >= state.operations.length ? undefined : place;
}

/** An operation by its key (`operationKey`). */
export function operationByKey(state: WithOperations, key: string): OperationState | undefined {
  const place = placeOfOperation(state, key);
  return place === undefined ? undefined : state.operations[place];
}

export function operationOf(state: WithOperations, partKey: string, name: OperationName): OperationState | undefined {
  return operationByKey(state, operationKey({ partKey, name }));
}

/** A part's operations, in the order in which they were begun. */
export function operationsOfPart(state: WithOperations, partKey: string): OperationState[] {
  return at(state, placesOfOperations(state).ofPart.get(partKey));
}

/** An item's operations, in the order in which they were begun. */
export function operationsOfItem(state: WithOperations, itemIndex: number): OperationState[] {
  return at(state, placesOfOperations(state).ofItem.get(itemIndex));
}

/** Whether anything was begun for an item. */
export function hasOperations(state: WithOperations, itemIndex: number): boolean {
  const first = placesOfOperations(state).ofItem.get(itemIndex)?.[0];
  return first !== undefined && first < state.operations.length;
}

/** The only way to add an operation to a state that is being made. */
export function addOperation(state: WithOperations, operation: OperationState): void {
  const places = placesOfOperations(state);
  state.operations.push(operation);
  note(places, operation);
}

/**
 * A state that is made from another has its parts and operations in the same places. Where something else followed from that
 * one already, and has more operations, the new one gets an index of its own when it is asked for one.
 */
export function carryPlaces(from: OrderState, to: OrderState): void {
  const parts = partPlaces.get(from.parts);
  if (parts) partPlaces.set(to.parts, parts);
  const operations = operationPlaces.get(from.operations);
  if (operations?.count === to.operations.length) operationPlaces.set(to.operations, operations);
}

function at({ operations }: WithOperations, places: readonly number[] = []): OperationState[] {
  const found: OperationState[] = [];
  for (const place of places) {
    const operation = operations[place];
    if (!operation) break;
    found.push(operation);
  }
  return found;
}

function placesOfParts({ parts }: WithParts): PartPlaces {
  let places = partPlaces.get(parts);
  if (places) return places;
  places = { byKey: new Map(), ofItem: new Map() };
  for (const [place, { key, itemIndex }] of parts.entries()) {
    if (!places.byKey.has(key)) places.byKey.set(key, place);
    append(places.ofItem, itemIndex, place);
  }
  partPlaces.set(parts, places);
  return places;
}

function placesOfOperations({ operations }: WithOperations): OperationPlaces {
  let places = operationPlaces.get(operations);
  if (places) return places;
  places = { count: 0, byKey: new Map(), ofPart: new Map(), ofItem: new Map() };
  for (const operation of operations) note(places, operation);
  operationPlaces.set(operations, places);
  return places;
}

function note(places: OperationPlaces, operation: OperationState): void {
  const place = places.count++;
  const key = operationKey(operation);
  if (!places.byKey.has(key)) places.byKey.set(key, place);
  append(places.ofPart, operation.partKey, place);
  append(places.ofItem, operation.itemIndex, place);
}

function append<Key>(lists: Map<Key, number[]>, key: Key, place: number): void {
  const list = lists.get(key);
  if (list) list.push(place);
  else lists.set(key, [place]);
}
