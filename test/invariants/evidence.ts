/**
 * What can be seen of a run from outside: what was sent and answered, what the clouds show, what consumers received, and
 * the tables. Nothing here comes from the code under test. A part that a run does not have is left out; the checkers that
 * need it then say "not looked at" instead of "holds".
 */

/** Anything with `query(text, values)`: a pg pool or client, PGlite. */
export interface Sql {
  query<Row extends object>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

export interface Evidence {
  sql: Sql;
  clouds: CloudEvidence[];
  /** Every message that a sender handed over, copies and damaged ones too. */
  sent?: SentMessage[];
  /** What the broker shows of the topic that orders come in by. */
  intake?: IntakeTopic;
  /** What one consumer saw of the events from the first on, in the order in which it saw them, repetitions included. */
  events?: SeenEvent[];
  /** What others saw of the events who read them from the first to the last: SSE, GET /v1/events. */
  readers?: EventReader[];
  /** What a consumer saw of the rejected messages, likewise. */
  rejected?: SeenRejection[];
  /** Every post that a callback receiver saw, in the order in which they came. */
  callbacks?: SeenCallback[];
  /** What operators asked for, and what they were answered. */
  levers?: SentLever[];
  /** Whatever was written or answered and can be searched: logs, the PostgreSQL log, answers, metrics. */
  outputs?: Output[];
  /** Every secret that was anywhere in the run: root passwords, keys of clouds, tokens. */
  secrets?: string[];
  /** The clouds' lists are complete after so long: nothing younger may be taken for absent. Each cloud may have its own. */
  settleWindowMs?: number;
}

/** One simulated cloud; several platforms may be accounts of the same one. */
export interface CloudEvidence {
  name: string;
  /** Everything alive, as `/_sim/resources` shows it. */
  resources: CloudResource[];
  /** The audit log of effects, oldest first, as `/_sim/effects` shows it. */
  effects: CloudEffect[];
  /** Effects that the log no longer has. */
  droppedEffects?: number;
  /** Ids of things that were there before us or belong to others: they may not be touched. */
  foreignIds?: string[];
  /** Ids of ours that somebody else has deleted or changed: nothing is to be expected of them any more. */
  touchedIds?: string[];
  /**
   * What others have added under a marker of ours, by its id, ISO 8601 by the database's clock: nobody knows of it before the first look
   * after its order's end that comes later than it.
   */
  addedByOthers?: Record<string, string>;
  settleWindowMs?: number;
}

export interface CloudResource {
  kind: string;
  id: string;
  name: string | null;
  marker: string | null;
  state: string | null;
  attachedTo: string | null;
  details: Record<string, unknown>;
}

export interface CloudEffect {
  /** ISO 8601, by the clock of the cloud. */
  at: string;
  operation: string;
  effect: 'created' | 'deleted' | 'changed';
  kind: string;
  id: string;
  marker: string | null;
}

export interface SentMessage {
  channel: 'kafka' | 'http' | 'cli';
  bytes: Uint8Array;
  /** For words only. */
  workOrderId?: string | null;
  /**
   * HTTP status; for a record `acknowledged`. Null when no answer came: nobody knows whether it arrived, and the sender
   * sends it again as another SentMessage.
   */
  answer: number | 'acknowledged' | null;
  /** Where the record stands, if the sender knows. */
  place?: { topic: string; partition: number; offset: number | string };
}

export interface IntakeTopic {
  topic: string;
  /** By partition: what the group has committed (null: nothing yet), and where the partition ends. */
  partitions: { partition: number; committed: number | null; end: number }[];
}

export interface SeenEvent {
  id: string;
  type: string;
  /** Billing's workOrderId. */
  subject: string;
  sequence: number;
  data: Record<string, unknown>;
  /** Byte for byte, headers included if there are any. */
  text: string;
  /** Kafka's key; undefined where there is none. */
  key?: string | null;
}

export interface EventReader {
  name: string;
  events: Pick<SeenEvent, 'type' | 'subject' | 'sequence'>[];
  /** Whose events it may see; left out for those who see all. */
  accountId?: string;
}

export interface SeenRejection {
  messageId: string;
  code: string;
  text: string;
}

export interface SeenCallback {
  /** `webhook-id`. */
  id: string;
  workOrderId: string;
  body: string;
  /** What the receiver answered; null when it did not. */
  answer: number | null;
}

export interface SentLever {
  action: string;
  workOrderId: string;
  reason: string;
  /** HTTP status, or 200 for a command that ended with 0; null when no answer came. */
  answer: number | null;
  dryRun?: boolean;
}

export interface Output {
  name: string;
  text: string;
  /** Whose eyes it was for: nothing of another account may be in it. Left out for what operators read. */
  accountId?: string;
}
