import { randomUUID } from 'node:crypto';
import { OutcomeUnknownError, ProvisioningError } from '../../src/errors.js';
import type { JsonObject } from '../../src/json.js';
import type { OperationName } from '../../src/planner/plan.js';
import type {
  CloudSecrets,
  Finding,
  Found,
  Inspection,
  JobReport,
  NextStage,
  OperationHandler,
  OperationRequest,
  Provisioner,
  Sent,
} from '../../src/provisioners/provisioner.js';

/** What one operation is asked with, before markers and ids. */
export interface Task {
  operation: OperationName;
  settings: JsonObject;
  inputs: Record<string, string>;
  rootPassword?: string;
}

/** What the real engine has beside the contract: how long a request whose answer did not come may be running, ms. */
export interface Manners {
  holdMs?: number;
  cutMs?: number;
  /** Before each request leaves. */
  beforeSend?(request: OperationRequest): Promise<void>;
}

export interface Outcome {
  found: Found;
  secrets: CloudSecrets;
  /** How often an answer was lost on the way. */
  lost: number;
}

const lookAgainMs = 10;
/** Look-ups that have to agree on an absence before a request is sent again: the settle window of a test. */
const looks = 5;
const mostSteps = 400;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lower-case base 32, as the engine makes them. */
export function newMarker(): string {
  const symbols = '0123456789abcdefghijklmnopqrstuv';
  return `ow-${Array.from({ length: 16 }, () => symbols[Math.floor(Math.random() * 32)]).join('')}`;
}

export function requestFor(task: Task, fields: Partial<OperationRequest> = {}): OperationRequest {
  return {
    operation: task.operation,
    stage: null,
    memo: {},
    marker: newMarker(),
    requestId: randomUUID(),
    earlierRequestIds: [],
    attempt: 1,
    settings: task.settings,
    inputs: task.inputs,
    openSecret: () => Promise.resolve(task.rootPassword),
    ...fields,
  };
}

export function handlerOf(provisioner: Provisioner, operation: OperationName): OperationHandler {
  const handler = provisioner.operations[operation];
  if (!handler) throw new Error(`this cloud has no ${operation}`);
  return handler;
}

/**
 * An operation from its first request to a ready thing, by the rules of the contract and nothing else: what a lost answer
 * left is looked for, a job is polled, the thing itself has the last word, stages follow one another.
 */
export async function carryOut(
  provisioner: Provisioner,
  task: Task,
  marker = newMarker(),
  { holdMs = 0, cutMs = 0, beforeSend }: Manners = {},
): Promise<Outcome> {
  const handler = handlerOf(provisioner, task.operation);
  const secrets: CloudSecrets = {};
  let lost = 0;
  let mayRunUntil = 0;
  let request = requestFor(task, { marker });

  for (let step = 0; step < mostSteps; step += 1) {
    let reached: Sent | Finding;
    try {
      await beforeSend?.(request);
      reached = await handler.send(request);
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      lost += 1;
      mayRunUntil = Math.max(mayRunUntil, Date.now() + (error.how === 'silent' ? holdMs : cutMs));
      reached = await lookUp(handler, request, mayRunUntil);
    }
    const seen = await follow(reached);
    if (seen.state === 'ready') return { found: seen.found, secrets, lost };
    if (seen.state === 'next') {
      request = nextOf(request, seen);
    } else if (seen.state === 'absent') {
      request = { ...request, attempt: request.attempt + 1, requestId: randomUUID() };
    } else {
      throw new Error(`${task.operation} ended ${JSON.stringify(seen)}`);
    }
  }
  throw new Error(`${task.operation} does not come to an end`);

  async function follow(reached: Sent | Finding): Promise<Inspection> {
    switch (reached.state) {
      case 'done':
        Object.assign(secrets, reached.secrets);
        return { state: 'ready', found: reached.found };
      case 'next':
        return reached;
      case 'absent':
        return { state: 'absent' };
      case 'found':
        return settled(handler, request, reached.resourceId);
      case 'pending':
      case 'job': {
        if (reached.state === 'pending') Object.assign(secrets, reached.secrets);
        const report = await finished(provisioner, task.operation, reached.jobId);
        if (report.state === 'succeeded') Object.assign(secrets, report.secrets);
        const resourceId = reached.resourceId ?? (report.state === 'succeeded' ? report.resourceId : null);
        return settled(handler, request, resourceId ?? '');
      }
    }
  }
}

/** Attempts count over all stages, and what a stage leaves for later ones adds up. */
export const nextOf = (request: OperationRequest, { stage, memo }: NextStage): OperationRequest => ({
  ...request,
  stage,
  memo: { ...request.memo, ...memo },
  attempt: request.attempt + 1,
  requestId: randomUUID(),
});

/** Sends a request, and those of the stages that follow, up to the one that makes the thing: what it answered, and that request. */
export async function sendThrough(handler: OperationHandler, request: OperationRequest) {
  let sending = request;
  for (let step = 0; step < mostSteps; step += 1) {
    const sent = await handler.send(sending);
    if (sent.state !== 'next') return { sent, request: sending };
    sending = nextOf(sending, sent);
  }
  throw new Error(`${request.operation} has no last stage`);
}

/** Absence counts when it lasts, and not while the request may be running, unless a second one is impossible. */
async function lookUp(handler: OperationHandler, request: OperationRequest, mayRunUntil: number): Promise<Finding> {
  let absent = 0;
  for (let step = 0; step < mostSteps; step += 1) {
    try {
      const finding = await handler.find(request);
      if (finding.state !== 'absent') return finding;
      absent += 1;
      if (absent >= looks && (finding.guarded === true || Date.now() >= mayRunUntil)) return finding;
    } catch (error) {
      if (!(error instanceof ProvisioningError) || error.disposition !== 'retry') throw error;
      // No sign of life: what was not found before it counts no more.
      absent = 0;
    }
    await pause(lookAgainMs);
  }
  throw new Error(`${request.operation} is looked for without an end`);
}

export async function finished(provisioner: Provisioner, operation: OperationName, jobId: string): Promise<JobReport> {
  const job = { jobId, operation, submittedAt: new Date().toISOString() };
  for (let step = 0; step < mostSteps; step += 1) {
    const report = (await provisioner.pollJobs([job])).get(jobId);
    if (!report) throw new Error(`the job ${jobId} was asked for and not answered`);
    if (report.state !== 'pending') return report;
    await pause(lookAgainMs);
  }
  throw new Error(`the job ${jobId} does not end`);
}

export async function settled(
  handler: OperationHandler,
  request: OperationRequest,
  resourceId: string,
): Promise<Inspection> {
  for (let step = 0; step < mostSteps; step += 1) {
    const seen = await handler.inspect(request, resourceId);
    if (seen.state !== 'pending') return seen;
    await pause(lookAgainMs);
  }
  throw new Error(`${resourceId} stays in a state between two others`);
}
