import { groupBy } from '../../group-by.js';
import type { JobRef, JobReport } from '../provisioner.js';
import type { OpenStackClient } from './client.js';
import { readBackup, readSnapshot, readVolume, volumeReport, backupReport, snapshotReport } from './volume-jobs.js';
import { readAddress, wiringReport } from './address-jobs.js';
import { readServer, serverReport } from './server-jobs.js';
import { Server, Volume } from './schema.js';
import type { Scope } from './tokens.js';

export type JobKind = 'server' | 'volume' | 'snapshot' | 'backup' | 'address';
/** Where the thing is to end up. `done`: settled, and the action's record says so (reboot, rebuild). */
export type Goal = 'active' | 'shutoff' | 'gone' | 'done' | 'made' | 'attached' | 'detached' | 'settled' | 'wired';

/** Cinder and Nova know no jobs: what there is to ask for is a thing, where it should end up, and the request's record. */
export interface Job {
  kind: JobKind;
  scope: Scope;
  id: string;
  goal: Goal;
  /** `req-<uuid>` of the request; names the record of a Nova action. */
  requestId: string | null;
}

/** A job as the text that the engine keeps; it holds all that is needed to ask, also after a restart. */
export function jobIdOf({ kind, scope, id, goal, requestId }: Job): string {
  return [kind, scope ?? '', id, goal, requestId ?? ''].join(':');
}

export function readJobId(text: string): Job | null {
  const match = /^(server|volume|snapshot|backup|address):([^:]*):([^:]+):([a-z]+):([^:]*)$/.exec(text);
  if (!match) return null;
  const [, kind, scope = '', id = '', goal, requestId = ''] = match;
  return { kind: kind as JobKind, scope: scope || null, id, goal: goal as Goal, requestId: requestId || null };
}

/** From here on one list costs fewer calls than asking one by one. */
const askOneByOneUpTo = 3;
const atOnce = 8;
/** Rows of a list; an administrator's rows of failed servers carry whole stack traces. */
const pageSize = 500;
/** Lists are asked from so long before the oldest job on: whole seconds, and requests that waited for their answer. */
const overlapMs = 120_000;

/**
 * What became of many jobs, with as few calls as possible: one list of the servers that changed since the oldest job (it
 * shows deleted ones), one of the newest volumes, and a single read for each that no list showed. A page that could not
 * be read fails the whole poll: absence may only be concluded from an answer about the thing itself.
 */
export async function pollJobs(client: OpenStackClient, refs: JobRef[]): Promise<Map<string, JobReport>> {
  const reports = new Map<string, JobReport>();
  const asked: { ref: JobRef; job: Job }[] = [];
  for (const ref of refs) {
    const job = readJobId(ref.jobId);
    if (job) asked.push({ ref, job });
    else reports.set(ref.jobId, { state: 'lost' });
  }
  const byKind = groupBy(asked, ({ job }) => job.kind);
  const servers = await listServers(client, byKind.get('server') ?? []);
  const volumes = await listVolumes(client, byKind.get('volume') ?? []);
  await inParallel(asked, async ({ ref, job }) => {
    reports.set(ref.jobId, await reportOf(client, job, servers, volumes));
  });
  return reports;
}

async function reportOf(
  client: OpenStackClient,
  job: Job,
  servers: Map<string, Server>,
  volumes: Map<string, Volume>,
): Promise<JobReport> {
  switch (job.kind) {
    case 'server': {
      const server = servers.get(job.id) ?? (await readServer(client, job.scope, job.id));
      return serverReport(client, job, server);
    }
    case 'volume':
      return volumeReport(client, job, volumes.get(job.id) ?? (await readVolume(client, job.scope, job.id)));
    case 'snapshot':
      return snapshotReport(job, await readSnapshot(client, job.scope, job.id));
    case 'backup':
      return backupReport(job, await readBackup(client, job.scope, job.id));
    case 'address':
      return wiringReport(job, await readAddress(client, job.scope, job.id));
  }
}

type Asked = { ref: JobRef; job: Job }[];

async function listServers(client: OpenStackClient, asked: Asked): Promise<Map<string, Server>> {
  if (asked.length <= askOneByOneUpTo) return new Map();
  const oldestMs = Math.min(...asked.map(({ ref }) => Date.parse(ref.submittedAt)));
  // `changed since` is judged by the server's clock, and ours may be hours off. Its first answers have told it by then.
  await client.version('compute');
  const sinceMs = oldestMs + (client.now() - Date.now()) - overlapMs;
  const rows = await client.list({
    service: 'compute',
    path: '/servers/detail',
    query: {
      'changes-since': `${new Date(sinceMs).toISOString().slice(0, 19)}Z`,
      limit: pageSize,
      ...allTenants(client),
    },
    key: 'servers',
    row: Server,
    isEnough: enoughFor(asked),
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Newest first: what is under way is young. Deleted ones do not show and are asked for by themselves. */
async function listVolumes(client: OpenStackClient, asked: Asked): Promise<Map<string, Volume>> {
  if (asked.length <= askOneByOneUpTo) return new Map();
  const rows = await client.list({
    service: 'volume',
    path: '/volumes/detail',
    query: { sort: 'created_at:desc', limit: pageSize, ...allTenants(client) },
    key: 'volumes',
    row: Volume,
    isEnough: enoughFor(asked),
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** An application credential sees its own project only, and may not ask for others. */
function allTenants(client: OpenStackClient): { all_tenants?: number } {
  return client.isAdministrator ? { all_tenants: 1 } : {};
}

/** All found, or so many pages read that asking for ours alone is cheaper. */
function enoughFor(asked: Asked) {
  const wanted = new Set(asked.map(({ job }) => job.id));
  return (rows: { id: string }[], pages: number): boolean => {
    const seen = new Set(rows.map(({ id }) => id));
    return pages >= wanted.size || [...wanted].every((id) => seen.has(id));
  };
}

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
