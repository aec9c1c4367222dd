import { begin, type BegunJob, type Owner, ownerParams, type ListScope, scopeParams } from './begin.js';
import type { CloudStackClient } from './client.js';
import { Project } from './schema-operations.js';

/** Projects: things that several accounts share (seed C6 to C9). */

/** Its record is `Disabled` until the job is done. @throws ProvisioningError 'reject' (431) when the name is taken */
export function createProject(
  client: CloudStackClient,
  { name, displayText = name, owner }: { name: string; displayText?: string; owner?: Owner },
  requestId: string,
): Promise<BegunJob> {
  // Required up to 4.9.
  return begin(client, 'createProject', { ...ownerParams(owner), name, displaytext: displayText }, requestId);
}

/** Before 4.19 a project keeps its name: a given one is ignored by the server. */
export function updateProject(
  client: CloudStackClient,
  { id, name, displayText }: { id: string; name?: string; displayText?: string },
  requestId: string,
): Promise<BegunJob> {
  return begin(client, 'updateProject', { id, name, displaytext: displayText }, requestId);
}

/** With everything in it. */
export function deleteProject(client: CloudStackClient, id: string, requestId: string): Promise<BegunJob> {
  return begin(client, 'deleteProject', { id }, requestId);
}

export function listProjects(
  client: CloudStackClient,
  { name, ...scope }: ListScope & { name?: string } = {},
): Promise<Project[]> {
  return client.list('listProjects', { ...scopeParams(scope), name }, 'project', Project);
}
