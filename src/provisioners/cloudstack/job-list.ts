import { z } from 'zod';
import { type ListScope, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { Job } from './schema.js';
import { orNull, Text } from './wire-values.js';

/** A job as the list shows it; `reportOf` reads what became of it. */
export const ListedJob = Job.extend({
  /** A Java class name, `…DeployVMCmd` or `…DeployVMCmdByAdmin`: good to show, and to look for a part of it. */
  cmd: Text,
  jobinstancetype: orNull(Text),
});
export type ListedJob = z.infer<typeof ListedJob>;

/** Work that an administrator's list also shows before 4.18, parts of jobs and no jobs of anybody. */
const internal = /^com\.cloud\.vm\.VmWork/;

/**
 * The jobs of an account, oldest first (seed C31). Up to 4.11 the finished ones too until they expire; from 4.12 on only
 * those under way, so a job that is missing here is asked for by itself (`queryJob`).
 *
 * @param filter.command part of `cmd`, such as `DeployVM`
 */
export async function listJobs(
  client: CloudStackClient,
  { command, ...scope }: ListScope & { command?: string } = {},
): Promise<ListedJob[]> {
  const row = z.unknown().transform((given) => ({ id: null, job: ListedJob.safeParse(given).data ?? null }));
  const rows = await client.list('listAsyncJobs', { ...scopeParams(scope), keyword: command }, 'asyncjobs', row);
  return rows.flatMap(({ job }) => (job && !internal.test(job.cmd) ? [job] : []));
}
