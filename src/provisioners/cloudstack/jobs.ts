import { isRefusal, readableText, refusalFor } from './refusals.js';
import { type CloudStackClient, pageSize } from './client.js';
import type { JobRef, JobReport, OperationRequest } from '../provisioner.js';
import { z } from 'zod';
import { Job, JobObject } from './schema.js';

/** From here on one list costs fewer calls than asking one by one. */
const askOneByOneUpTo = 3;
const atOnce = 8;
const dayMs = 24 * 3600_000;

/** `jobstatus` as the server's enum numbers it. The seed's note has 0 and 1 swapped; its own samples prove these. */
const inProgress = 0;
const succeeded = 1;

/** What an order started, or what was begun beside orders (`begin.ts`). */
export type PolledJob = Pick<JobRef, 'jobId' | 'submittedAt'>;

/**
 * What became of many jobs, with as few calls as possible. Up to 4.11 the list of jobs holds the finished ones too; from
 * 4.12 on a finished job leaves the list, so one that is missing from it is asked for by itself. A page that could not be
 * read fails the whole poll: absence may only be concluded from lists that were read to their end.
 */
export async function pollJobs(client: CloudStackClient, jobs: PolledJob[]): Promise<Map<string, JobReport>> {
  const reports = new Map<string, JobReport>();
  if (jobs.length > askOneByOneUpTo) {
    for (const job of await listOurs(client, jobs)) reports.set(job.jobid, reportOf(job));
  }
  const missing = [...new Set(jobs.map(({ jobId }) => jobId))].filter((jobId) => !reports.has(jobId));
  await inParallel(missing, async (jobId) => {
    const job = await queryJob(client, jobId);
    reports.set(jobId, job ? reportOf(job) : { state: 'lost' });
  });
  return reports;
}

/** The jobs among ours that the account's list shows. */
async function listOurs(client: CloudStackClient, jobs: PolledJob[]): Promise<Job[]> {
  const ours = new Set(jobs.map(({ jobId }) => jobId));
  const oldest = Math.min(...jobs.map(({ submittedAt }) => Date.parse(submittedAt)));
  // The server reads a day and nothing else (4.9 and 4.22: `yyyy-MM-dd`, the rest of the text is ignored), in its own
  // time zone; one day back covers every zone.
  const startdate = new Date(oldest - dayMs).toISOString().slice(0, 10);
  const found: Job[] = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const answer = await client.page(
      'listAsyncJobs',
      { listall: true, startdate, page, pagesize: pageSize },
      'asyncjobs',
      z.unknown(),
    );
    for (const row of answer.rows) {
      // Before 4.18 the list also holds internal jobs of other shapes; what is not ours need not be readable.
      const job = Job.safeParse(row).data;
      if (job && ours.has(job.jobid)) found.push(job);
    }
    pages = Math.ceil(answer.count / pageSize);
    // A long history of an old server: asking for ours alone is cheaper than reading it all.
    if (pages > ours.size || answer.rows.length === 0) break;
  }
  return found;
}

/** null: the server does not know the job (made up, or deleted a day after it ended). That is 431, not a list without it. */
export async function queryJob(client: CloudStackClient, jobId: string): Promise<Job | null> {
  try {
    return await client.read('queryAsyncJobResult', { jobid: jobId }, Job);
  } catch (error) {
    if (isRefusal(error, 431)) return null;
    throw error;
  }
}

/**
 * The job that an unanswered request started: we chose its id before sending (`customjobid`, 4.5 and later). A job that
 * failed is no answer here, its thing has to be looked for by the marker; otherwise looking would end in the same failed
 * job for ever.
 */
export async function findJob(client: CloudStackClient, requestId: string): Promise<StartedJob | null> {
  const job = await queryJob(client, requestId);
  return job && goesOnOrSucceeded(job) ? startedJob(job) : null;
}

interface StartedJob {
  state: 'job';
  jobId: string;
  resourceId: string | null;
}

/** A thing that a job names as made by it, and when the job was accepted (ISO 8601, whole seconds, the server's clock). */
export interface MadeByJob {
  id: string;
  jobCreatedAt: string | null;
}

const goesOnOrSucceeded = ({ jobstatus }: Job): boolean => jobstatus === inProgress || jobstatus === succeeded;
const startedJob = (job: Job): StartedJob => ({ state: 'job', jobId: job.jobid, resourceId: job.jobinstanceid });

/**
 * The jobs that this attempt and the earlier ones started. `follow` is the one to wait for: this attempt's, or an earlier
 * one's that still runs. An earlier one that has ended may have been followed before, and looking would end with it for
 * ever: what it made has to be looked at itself. `made`: what all of them made, newest first; what a failed one names may
 * be there all the same.
 */
export async function findJobs(
  client: CloudStackClient,
  { requestId, earlierRequestIds }: Pick<OperationRequest, 'requestId' | 'earlierRequestIds'>,
): Promise<{ follow: StartedJob | null; made: MadeByJob[] }> {
  const ids = [requestId, ...earlierRequestIds];
  const found = new Map<string, Job>();
  await inParallel(ids, async (id) => {
    const job = await queryJob(client, id);
    if (job) found.set(id, job);
  });
  const jobs = ids.flatMap((id) => found.get(id) ?? []);
  const own = found.get(requestId);
  const follow = own && goesOnOrSucceeded(own) ? own : jobs.find(({ jobstatus }) => isPendingJob(jobstatus));
  const made = new Map<string, MadeByJob>();
  for (const { jobinstanceid: id, created } of jobs) {
    if (id !== null && !made.has(id)) made.set(id, { id, jobCreatedAt: created });
  }
  return { follow: follow ? startedJob(follow) : null, made: [...made.values()] };
}

/** Whether nothing but what the job makes, or made, is there. */
export function leadsTo({ resourceId }: { resourceId: string | null }, thing: { id: string } | undefined): boolean {
  return !thing || resourceId === null || resourceId === thing.id;
}

export function isPendingJob(jobstatus: number | null): boolean {
  return jobstatus === inProgress;
}

export function reportOf(job: Job): JobReport {
  if (job.jobstatus === inProgress) return { state: 'pending' };
  const result = job.jobresult ?? null;
  if (job.jobstatus === succeeded) {
    const made = Object.values(result ?? {}).flatMap((value) => JobObject.safeParse(value).data ?? []);
    const password = made.find((one) => one.password !== undefined)?.password;
    return {
      state: 'succeeded',
      resourceId: job.jobinstanceid ?? made[0]?.id ?? null,
      // Printed here and nowhere else; gone when the job expires.
      ...(password === undefined ? {} : { secrets: { rootPassword: password } }),
    };
  }
  // Without a result it was cut off by a restart of the management server, or for blocking its queue: nobody knows how far it came.
  if (result === null && (job.jobresultcode ?? 530) in cutOff) return { state: 'lost' };
  // The outer code is always 530 up to 4.13, the inner one tells.
  const status = result?.errorcode ?? job.jobresultcode ?? 530;
  const text = readableText(result?.errortext ?? 'without a reason', []);
  return {
    state: 'failed',
    ...(refusalFor(status) ?? { disposition: 'retry', code: 'CLD_JOB_FAILED' }),
    message: `CloudStack's job failed with ${status}: ${text}`,
    cloudCode: String(status),
  };
}

/** `jobresultcode` of jobs that ended without a result (reference, section 4). */
const cutOff: Readonly<Record<number, true>> = { 0: true, 530: true };

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
