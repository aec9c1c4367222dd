import type { Json, JsonObject } from '../json.js';
import type { DraftPart, OperationName, PlanLine, Preparation } from '../planner/plan.js';
import type { Hold, Warning, WorkOrder } from '../schemas/work-order.js';
import type { AccountLimits } from './pace.js';

/**
 * The one contract between the engine and every cloud. Rules:
 * - no call waits until a resource is ready; a call lasts one or a few HTTP round trips, and has a deadline of its own;
 * - every call may be repeated with the same arguments at any time;
 * - nothing is tried again in here: trying again belongs to the operation machine (docs/operations.md, "Who tries again");
 * - a refusal that certainly had no effect is thrown as `ProvisioningError`, sorted in the cloud's `client.ts`;
 * - when a request with an effect may have been received and no usable answer came back, `OutcomeUnknownError` is thrown;
 * - an adapter knows no database, no order ids, no machine events, and keeps nothing between calls but caches.
 */
export interface Provisioner {
  readonly capabilities: Capabilities;
  /** One handler per operation this cloud can do. A missing one means `unsupported`, and planning says so. */
  readonly operations: Partial<Record<OperationName, OperationHandler>>;
  /**
   * Turns wanted things into the cloud's own (offerings, templates, zones), reading its catalogue (cached). No effect.
   * Returns holds instead of parts when something cannot be resolved (`no_matching_offering` with the nearest three, …).
   * Throws ProvisioningError('retry' | 'ask-human') when the cloud cannot be asked.
   */
  resolve(request: ResolveRequest): Promise<Resolution>;
  /**
   * What registering a user takes here, and what taking the registration back does. No effect. Not given where there are no
   * users to register. Throws as `resolve` does.
   */
  tenancy?(request: TenancyRequest): Promise<Tenancy>;
  /** Asks for many jobs at once. Every id asked for is in the answer. Throws when the cloud could not be asked at all. */
  pollJobs(jobs: JobRef[]): Promise<Map<string, JobReport>>;
  /** Really logs in and reads the catalogue; one line per thing looked at. Never throws. */
  check(): Promise<CheckLine[]>;
  /** Which account the credentials lead to, by the cloud's own id of it; to compare it with another's. Throws what the call throws. */
  accountId?(): Promise<string>;
  /**
   * One cheap read call, to hear whether the cloud answers at all; any answer will do. Throws what the call throws. A cloud
   * whose requests do not pass through the gate (`registry.ts`) needs none.
   */
  probe?(): Promise<void>;
  /** What the cloud takes from one account; the runner keeps to it over all platforms and workers that share the account. */
  readonly limits?: AccountLimits;
  close(): Promise<void>;
}

export interface Capabilities {
  detachedDisk: boolean;
  publicAddress: boolean;
  /**
   * A VM is made with the root password that it is given. Then an order without one is given one when it is planned, so that no
   * lost answer takes it along, and all VMs of an item have the one that is handed over.
   */
  takesRootPassword?: boolean;
}

/** Where an operation leaves something that can be looked for after it has ended. */
export interface Trace {
  /** Whose `find` is asked; `null` for the first stage. */
  stage: string | null;
  /** Name of the fact that the thing's id becomes; not given: it is the operation's own outcome. */
  fact?: string;
  /** Name of the fact without which nothing can be there: the stage makes its thing inside of that one. */
  within?: string;
}

export interface OperationHandler {
  /** What it leaves, stage by stage. Not given: one thing, made by the first stage. */
  traces?: readonly Trace[];
  /** `find` goes by a name that others may use as well, so that not all it finds carries our marker. */
  foundByName?: boolean;
  /** Sends the request (or its next stage). The engine has committed the intent before. */
  send(request: OperationRequest): Promise<Sent>;
  /**
   * Looks for what unanswered requests left behind: first by request id (job), this attempt's and the earlier ones', then by
   * marker. Of several things made the oldest is the one found, the rest are `others`. Reads only, all pages.
   */
  find(request: OperationRequest): Promise<Finding>;
  /** Reads the resource itself, whatever a job said of it (jobs lie). Reads only. */
  inspect(request: OperationRequest, resourceId: string): Promise<Inspection>;
  /** Removes a broken leftover of this operation, by id and only when it carries the marker. Repeat until `gone`. */
  discard(request: OperationRequest, resourceId: string): Promise<'gone' | 'in-progress'>;
  /** The cloud takes what this makes away while it is still being made, too: nobody who gives it up waits for its end. */
  readonly removableWhileBuilding?: boolean;
}

export interface OperationRequest {
  operation: OperationName;
  /** `null` for the first stage; later what `Sent.next.stage` said. */
  stage: string | null;
  /** What earlier stages left for this one (`memo` of `Sent.next`). */
  memo: Record<string, string>;
  /** Short text `ow-<16 of [0-9a-v]>`, the same for every attempt of this operation; every resource made carries it. */
  marker: string;
  /** A uuid, new for every attempt and stage, stored before the request leaves (CloudStack's `customjobid`). */
  requestId: string;
  /**
   * Ids that earlier attempts may have used at this stage, newest first and not without end: an answer that was lost for
   * longer than the settle window may still have done its work. Some were never sent.
   */
  earlierRequestIds: readonly string[];
  attempt: number;
  /** `settings` of the planned part or preparation. */
  settings: JsonObject;
  /** The resolved `inputs` of the planned part: `{ vmId, networkId, … }`. */
  inputs: Record<string, string>;
  /** Opens sealed secrets; call it only to put the value into the one request. Missing secret: undefined. */
  openSecret(field: 'rootPassword'): Promise<string | undefined>;
}

/** Facts about a resource that others need or billing wants: `vmId`, `volumeId`, `addressId`, `ipAddress`, `privateIp`, `networkId`, … */
export type Facts = Record<string, string>;

/** A resource as the cloud shows it. `resourceId` is the cloud's id. */
export interface Found {
  resourceId: string;
  facts: Facts;
  /** When it came to life by the cloud's own clock (ISO 8601), if the cloud says. */
  startedAt: string | null;
}

export type Sent =
  /**
   * The cloud works on it. `resourceId` when the answer already names it. `secrets`: what the cloud shows once; the engine
   * seals them in the commit that notes the job.
   */
  | { state: 'pending'; jobId: string; resourceId: string | null; secrets?: CloudSecrets }
  /** Done in the answer itself. */
  | { state: 'done'; found: Found; secrets?: CloudSecrets }
  /** This stage is done; call `send` again with that stage and memo. */
  | NextStage;

/**
 * `resourceId`: what the whole operation is about, when this stage made it; if a later stage is refused for good, it is
 * discarded. Leave it out when what was made may stay (a VPC that the next try finds again).
 */
export interface NextStage {
  state: 'next';
  stage: string;
  memo: Record<string, string>;
  resourceId?: string;
}

export type Finding =
  /**
   * `guarded`: sending again is safe, whatever an unanswered request may still do. The cloud refuses a second one (a name that only one can
   * have), it changes nothing (a deletion), or `send` takes from the first what it needs before it sends (a port).
   */
  | { state: 'absent'; guarded?: boolean }
  /** The request was received and is being worked on. */
  | { state: 'job'; jobId: string; resourceId: string | null }
  /** Made. `others`: more resources with the same marker, newest last, to be listed as orphans. */
  | { state: 'found'; resourceId: string; others: string[] };

export type Inspection =
  | { state: 'ready'; found: Found }
  /** This stage is ready, another follows (multi-stage operations). */
  | NextStage
  /** In a transitional state: look again. */
  | { state: 'pending' }
  /** There, and will never be usable (state Error). */
  | { state: 'broken'; code: string; message: string }
  | { state: 'absent' };

export interface JobRef {
  jobId: string;
  operation: OperationName;
  submittedAt: string;
}

export type JobReport =
  | { state: 'pending' }
  /** `secrets`: as in `Sent`, where the job's result shows them. */
  | { state: 'succeeded'; resourceId: string | null; secrets?: CloudSecrets }
  | {
      state: 'failed';
      disposition: 'retry' | 'reject' | 'ask-human';
      code: string;
      message: string;
      cloudCode?: string;
    }
  /** The cloud does not know the job (expired, restarted): the resource has to tell. */
  | { state: 'lost' };

export interface CloudSecrets {
  rootPassword?: string;
}

export interface ResolveRequest {
  order: WorkOrder;
  parts: DraftPart[];
  /** Which registration of the order's user on this platform it is built under (`userKey`); 1 when left out. */
  generation?: number;
}

export interface TenancyRequest {
  platformId: string;
  userId: string;
  accountId: string;
  /** See `userKey`. */
  generation: number;
  /** His default network as well, before an order needs it. */
  withNetwork: boolean;
}

export type Tenancy =
  | {
      state: 'resolved';
      /** Each behind what it stands on. */
      made: Preparation[];
      /** How what is named by `of` is taken back, each behind what has to be gone first. */
      undone: { of: string; preparation: Preparation }[];
    }
  | { state: 'held'; holds: Hold[] };

export type Resolution =
  | { state: 'resolved'; parts: ResolvedPart[]; preparations: Preparation[]; warnings: Warning[] }
  | { state: 'held'; holds: Hold[] };

export interface ResolvedPart {
  key: string;
  settings: JsonObject;
  /** Preparation keys by operation, e.g. `{ 'vm.create': ['default-network/u1'] }`. */
  needs: Partial<Record<OperationName, string[]>>;
  inputs: Record<string, { from: string; fact: string }>;
  lines: PlanLine[];
}

export interface CheckLine {
  what: string;
  ok: boolean;
  /** What was found, or what is missing and what to do. */
  detail: string;
}

/** A configured data centre, as the registry's factories get it. Credentials are opened by the caller. */
export interface PlatformConfig {
  /** Billing's `platformId`. */
  id: string;
  name: string;
  kind: string;
  serviceUrl: string;
  credentials: Record<string, string>;
  /** Cloud-specific settings, checked by the cloud's own schema. */
  settings: Record<string, Json>;
}
