/** What a cloud is called in the tests that all clouds take: its words for what goes wrong. */
import type { JsonObject } from '../../src/json.js';
import type { FaultRequest } from '../../src/simulators/faults.js';
import type { SimulatedResource } from '../../src/simulators/control.js';
import type { HttpAnswer, HttpRequest, SimulatedCloud } from '../../src/simulators/http.js';
import type { Chance } from '../simulation/chance.js';

/** What a fault strikes, in words that hold on every cloud. */
export type Doing =
  | 'create a VM'
  | 'create a disk'
  | 'reserve an address'
  | 'mark an address'
  | 'attach a disk'
  | 'bind an address'
  | 'destroy a VM'
  | 'make a network'
  | 'make a part of a network'
  | 'make an offering';

/** `impossible`: whatever one tries, for a reason that no waiting mends. */
export type Refusal = 'quota' | 'not yours' | 'no room' | 'impossible';

export interface TestCloud {
  /** What a fault strikes, in the words of its simulator (`/_sim/faults`); null: it does nothing of the kind in a request of its own. */
  operations: Record<Doing, string | null>;
  /** How it says no. */
  refusals: Record<Refusal, JsonObject>;
  world: WorldCloud;
}

/** The cloud of a simulated world (test/simulation), and the words its faults are told in. */
export interface WorldCloud {
  /** With its moods: how long jobs take, how long a log-in lasts. */
  build(random: Chance): SimulatedCloud;
  servicePath: string;
  settings: Readonly<JsonObject>;
  credentials(random: Chance): Record<string, string>;
  /** What makes something that costs money. */
  creates: string[];
  /** Operations, and beginnings of them, that faults of requests strike; and those that faults of effects and jobs do. */
  some: string[];
  changes: string[];
  /** What a job-vanishes may strike instead of this. */
  forgettable(operation: string): string;
  /** A refusal for want of room: at once, nothing done. */
  quota(random: Chance): Partial<FaultRequest>;
  /** Why a job failed: what is said decides whether trying again makes sense. */
  jobError(random: Chance): Partial<FaultRequest>;
  /** What a request is called in the trace. */
  nameOf(method: string, path: string, body: string): string;
  /** Whether a request of that name may change anything; the rest only looks, or logs in. */
  isChange(name: string): boolean;
  /** Operations that make what many orders share. */
  shared: string[];
  /** A refusal that waiting does not mend: somebody has to change something at the cloud. */
  stuck(random: Chance): Partial<FaultRequest>;
  /** Beginnings of what requests are called (`nameOf`) that one service of the cloud answers; an empty one is all of it. */
  services: string[];
  /** Credentials that are good beside those given out before, for a platform whose are changed. */
  rotated(before: Record<string, string>, random: Chance): Record<string, string>;
  /** Somebody who has nothing to do with us and may do everything there. */
  stranger(ask: AskCloud): Stranger;
  /** Whether the cloud takes a second copy of the same request without making a second thing. */
  mayDouble(name: string): boolean;
}

/** Straight to the cloud, over no network. */
export type AskCloud = (request: Partial<HttpRequest> & Pick<HttpRequest, 'method' | 'path'>) => HttpAnswer | 'cut';

/** What somebody else does at the cloud, by its own API. Each says whether the cloud did it. */
export interface Stranger {
  /** Null: there is no way for him to remove such a thing. */
  remove(thing: SimulatedResource): boolean | null;
  rename(thing: SimulatedResource, name: string): boolean | null;
  /** A disk of his own beside another thing; under a marker, as whoever copies one of ours with all that is written on it. @returns its id */
  addDisk(beside: SimulatedResource, name: string, marker: string | null): string | null;
}

/** Part of every simulated cloud's secrets. */
export const adminPassword = 'simulated-admin-password';
export const latencyOf = (random: Chance) => ({ min: 20, max: random.pick([100, 400, 1_500]) });
