import type { CloudStackClient, Params } from './client.js';
import { JobAccepted } from './schema.js';

/** A job the server has taken; `pollJobs` tells what became of it. */
export interface BegunJob {
  jobId: string;
  /** What is being made, for commands that make a record before their job; else null. */
  resourceId: string | null;
}

/**
 * Sends a command that starts a job, for everything that is done beside orders (orders use `submit`). Nothing waits and
 * nothing is tried again.
 *
 * @param requestId lower-case uuid, new for every request, which the caller stores before; it becomes the job's id
 *   (`customjobid`, 4.5 and later; older servers ignore it), so that after `OutcomeUnknownError` `findJob` can ask for it.
 *   A second request with the same one is refused with 431, but only after a `create` command has made its record.
 * @throws ProvisioningError for a refusal, OutcomeUnknownError when no usable answer came
 */
export async function begin(
  client: CloudStackClient,
  command: string,
  params: Params,
  requestId: string,
): Promise<BegunJob> {
  const { jobid, id } = await client.change(command, { ...params, customjobid: requestId }, JobAccepted);
  return { jobId: jobid, resourceId: id };
}

/** Whose a thing is to be, or whose things are listed; without one the account's that calls. */
export type Owner = { account: string; domainId: string } | { projectId: string };

/** An account is named together with its domain, anything else is 431. */
export function ownerParams(owner: Owner | undefined): Params {
  if (owner === undefined) return {};
  return 'projectId' in owner ? { projectid: owner.projectId } : { account: owner.account, domainid: owner.domainId };
}

/** How far a list looks. */
export interface ListScope {
  owner?: Owner | undefined;
  /** Everything the caller may see: without it even an administrator sees only what is his own. */
  all?: boolean | undefined;
}

export function scopeParams({ owner, all }: ListScope): Params {
  return { ...ownerParams(owner), listall: all };
}
