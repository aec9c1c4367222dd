import type { Call } from '../call.js';
import { neutronError } from '../errors.js';
import type { NeutronRow } from '../state/network-model.js';

export const policyRefusal = (rule: string) =>
  neutronError(403, 'PolicyNotAuthorized', `rule:${rule} is disallowed by policy`);

/** Whose a new thing will be. Only an administrator makes things for others. @throws 403 */
export function ownerOf(
  call: Call,
  fields: { project_id?: string | undefined; tenant_id?: string | undefined },
): string {
  const wanted = fields.project_id ?? fields.tenant_id;
  if (wanted === undefined) return call.projectId;
  if (!call.isAdmin && wanted !== call.projectId) throw policyRefusal(`create:${call.operation}`);
  return wanted;
}

/** The fields that every new row begins with. */
export function newRow(
  call: Call,
  fields: { name?: string | undefined; description?: string | undefined },
  projectId: string,
): NeutronRow {
  const now = Date.now();
  return {
    id: call.cloud.newId(),
    projectId,
    createdMs: now,
    updatedMs: now,
    name: fields.name ?? '',
    description: fields.description ?? '',
    revision: 1,
    tags: [],
  };
}

export function touch(row: NeutronRow): void {
  row.revision += 1;
  row.updatedMs = Date.now();
}
