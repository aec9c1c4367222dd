import { OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import { stageMarker } from '../../planner/marker.js';
import { z } from 'zod';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import type { Account } from './account.js';
import { orNull, pathOf, type Call } from './client.js';
import { Anything, type Project } from './schema.js';
import { isOurProject, readProjectById } from './tenant.js';

/** What a project can hold. Deleting the project would leave all of it behind, unbilled and out of reach. */
const kinds: { what: string; call: Omit<Call, 'query'>; key: string; isAllTenants: boolean }[] = [
  { what: 'server', call: { service: 'compute', path: '/servers' }, key: 'servers', isAllTenants: true },
  { what: 'volume', call: { service: 'volume', path: '/volumes' }, key: 'volumes', isAllTenants: true },
  { what: 'snapshot', call: { service: 'volume', path: '/snapshots' }, key: 'snapshots', isAllTenants: true },
  { what: 'floating IP', call: { service: 'network', path: '/floatingips' }, key: 'floatingips', isAllTenants: false },
  { what: 'router', call: { service: 'network', path: '/routers' }, key: 'routers', isAllTenants: false },
  { what: 'network', call: { service: 'network', path: '/networks' }, key: 'networks', isAllTenants: false },
];
const Row = z.object({ id: z.string(), project_id: z.string().nullish(), tenant_id: z.string().nullish() });

/**
 * The way back of `tenant.ensure`. Input `projectId`, and `userId` and `marker` where known. Only a project of ours, only
 * when it holds nothing any more, and only when no other user of the same account still needs it; his user goes at once.
 */
export function tenantRemove(account: Account): OperationHandler {
  const { client } = account;
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'projectId'),
    facts: {},
    startedAt: null,
  });
  const tagsOfOthers = ({ tags }: Project, request: OperationRequest): string[] =>
    tags.filter((tag) => tag.startsWith('ow-') && !ownMarkers(request).includes(tag));
  const ownTags = ({ tags }: Project, request: OperationRequest): string[] =>
    tags.filter((tag) => ownMarkers(request).includes(tag));

  /** Null when nothing of this tenant's is left. */
  async function remaining(request: OperationRequest): Promise<Project | null> {
    const project = await readProjectById(account, input(request, 'projectId'));
    if (!project) return null;
    // Shared with others and without our mark: our part of it is gone.
    return ownTags(project, request).length === 0 && tagsOfOthers(project, request).length > 0 ? null : project;
  }

  async function contents(projectId: string): Promise<string[]> {
    const found: string[] = [];
    for (const { what, call, key, isAllTenants } of kinds) {
      const query = { project_id: projectId, ...(isAllTenants ? { all_tenants: 1 } : {}) };
      const rows = await client.list({ ...call, query, key, row: Row });
      const ids = rows
        .filter((row) => (row.project_id ?? row.tenant_id ?? projectId) === projectId)
        .map(({ id }) => id);
      if (ids.length > 0)
        found.push(`${ids.length} ${what}${ids.length === 1 ? '' : 's'} (${ids.slice(0, 5).join(', ')})`);
    }
    return found;
  }

  const remove = (path: string) => orNull(client.change({ service: 'identity', method: 'DELETE', path }, Anything));

  /** His user, when we made it: its description is the mark of the stage that did. */
  async function removeUser(request: OperationRequest): Promise<void> {
    const userId = request.inputs['userId'];
    if (userId === undefined) return;
    const path = `/users/${pathOf(userId)}`;
    const User = z.object({ user: z.object({ description: z.string().nullish() }) });
    const read = await orNull(client.read({ service: 'identity', path }, User));
    const marks = ownMarkers(request).map((marker) => stageMarker(marker, 'user'));
    if (read && marks.includes(read.user.description ?? '')) await remove(path);
  }

  return {
    async send(request) {
      const projectId = input(request, 'projectId');
      const project = await remaining(request);
      if (!project) return { state: 'done', found: done(request) };
      const own = ownTags(project, request);
      if (!isOurProject(project) || own.length === 0) throw notOurs('the project', project.id);
      if (tagsOfOthers(project, request).length === 0) {
        const left = await contents(projectId);
        if (left.length > 0) {
          const message = `the project ${project.name} (${projectId}) still holds ${left.join(', ')}`;
          throw new ProvisioningError('ask-human', 'CLD_IN_USE', message);
        }
        await removeUser(request);
        await remove(`/projects/${pathOf(projectId)}`);
      } else {
        await removeUser(request);
        for (const tag of own) await remove(`/projects/${pathOf(projectId)}/tags/${pathOf(tag)}`);
      }
      // "Not found" is also what a Keystone says that does not know such a call (seen): what counts is what is left.
      if (await remaining(request)) {
        throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', `the project ${projectId} still carries our mark`);
      }
      return { state: 'done', found: done(request) };
    },
    async find(request) {
      const project = await remaining(request);
      return project ? { state: 'absent' } : { state: 'found', resourceId: input(request, 'projectId'), others: [] };
    },
    async inspect(request) {
      return (await remaining(request)) ? { state: 'absent' } : { state: 'ready', found: done(request) };
    },
    discard: () => Promise.resolve('gone'),
  };
}
