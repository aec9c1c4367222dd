import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { created, noContent, ok, type Call, type Reply } from '../call.js';
import { conflict, forbidden, notFound } from '../errors.js';
import { routesOf } from '../route.js';
import type { Domain, Project } from '../state/identity-model.js';
import { listLinks, requireAdmin, selfLink } from './policy.js';

const Tag = z.string().min(1).max(255);
const ProjectFields = z.object({
  name: z.string().min(1).max(64),
  domain_id: z.string().optional(),
  parent_id: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
  enabled: z.boolean().optional(),
  tags: z.array(Tag).max(80).optional(),
  is_domain: z.boolean().optional(),
  options: z.object({}).optional(),
});
const DomainFields = z.object({
  name: z.string().min(1).max(64),
  description: z.string().nullable().optional(),
  enabled: z.boolean().optional(),
});

export const projectRoutes = routesOf('keystone', [
  ['POST', '/projects', 'projects.create', createProject],
  ['GET', '/projects', 'projects.list', listProjects],
  ['GET', '/projects/{id}', 'projects.show', showProject],
  ['PATCH', '/projects/{id}', 'projects.update', updateProject],
  ['DELETE', '/projects/{id}', 'projects.delete', deleteProject],
  ['GET', '/projects/{id}/tags', 'projects.tags.list', (call) => ok({ tags: find(call).tags, links: {} })],
  ['PUT', '/projects/{id}/tags', 'projects.tags.replace', replaceTags],
  ['PUT', '/projects/{id}/tags/{tag}', 'projects.tags.add', addTag],
  ['DELETE', '/projects/{id}/tags/{tag}', 'projects.tags.delete', removeTag],
  ['POST', '/domains', 'domains.create', createDomain],
  ['GET', '/domains', 'domains.list', listDomains],
  ['GET', '/domains/{id}', 'domains.show', (call) => ok({ domain: domainView(call, findDomain(call)) })],
  ['PATCH', '/domains/{id}', 'domains.update', updateDomain],
  ['DELETE', '/domains/{id}', 'domains.delete', deleteDomain],
]);

function createProject(call: Call): Reply {
  requireAdmin(call, 'create_project');
  const { project: fields } = call.read(z.object({ project: ProjectFields }));
  const { cloud } = call;
  const domainId = fields.domain_id ?? call.caller.user.domainId;
  if (!cloud.domains.has(domainId)) throw notFound(`Could not find domain: ${domainId}.`);
  refuseTwin(call, domainId, fields.name, null);
  const project: Project = {
    id: cloud.newHexId(),
    name: fields.name,
    domainId,
    description: fields.description ?? '',
    enabled: fields.enabled ?? true,
    tags: [...new Set(fields.tags ?? [])],
    createdMs: Date.now(),
    seeded: false,
  };
  cloud.projects.set(project.id, project);
  call.effect('created', 'account', project.id, textsOf(project));
  return created({ project: projectView(call, project) });
}

/** What may carry a marker. */
export const textsOf = (project: Project) => [project.name, project.description, ...project.tags];

function refuseTwin(call: Call, domainId: string, name: string, exceptId: string | null): void {
  for (const other of call.cloud.projects.values()) {
    if (other.domainId !== domainId || other.name !== name || other.id === exceptId) continue;
    throw conflict(
      `Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is ${name}, project id ${other.id}.`,
    );
  }
}

function listProjects(call: Call): Reply {
  requireAdmin(call, 'list_projects');
  const { query, cloud } = call;
  const wantedTags = split(query.get('tags'));
  const anyTags = split(query.get('tags-any'));
  const projects = [...cloud.projects.values()].filter(
    (project) =>
      (query.get('name') ?? project.name) === project.name &&
      (query.get('domain_id') ?? project.domainId) === project.domainId &&
      (query.get('parent_id') ?? project.domainId) === project.domainId &&
      isEnabledAs(query, project.enabled) &&
      wantedTags.every((tag) => project.tags.includes(tag)) &&
      (anyTags.length === 0 || anyTags.some((tag) => project.tags.includes(tag))) &&
      query.get('is_domain') !== 'true' &&
      !cloud.hidden.has(project.id),
  );
  return ok({ projects: projects.map((project) => projectView(call, project)), links: listLinks(call, '/projects') });
}

/** `enabled` of a query: missing is any; `0` and `false` are false, everything else is true. */
export function isEnabledAs(query: URLSearchParams, enabled: boolean): boolean {
  const wanted = query.get('enabled');
  return wanted === null || (wanted !== '0' && wanted.toLowerCase() !== 'false') === enabled;
}

const split = (text: string | null) => (text === null || text === '' ? [] : text.split(','));

function find(call: Call): Project {
  const id = call.param('id');
  const project = call.cloud.projects.get(id);
  if (project === undefined) throw notFound(`Could not find project: ${id}.`);
  return project;
}

function showProject(call: Call): Reply {
  const project = find(call);
  if (call.caller.project?.id !== project.id) requireAdmin(call, 'get_project');
  return ok({ project: projectView(call, project) });
}

function updateProject(call: Call): Reply {
  requireAdmin(call, 'update_project');
  const project = find(call);
  const { project: fields } = call.read(z.object({ project: ProjectFields.partial() }));
  if (fields.name !== undefined) {
    refuseTwin(call, project.domainId, fields.name, project.id);
    project.name = fields.name;
  }
  project.description = fields.description ?? project.description;
  project.enabled = fields.enabled ?? project.enabled;
  project.tags = fields.tags ?? project.tags;
  call.effect('changed', 'account', project.id, textsOf(project));
  return ok({ project: projectView(call, project) });
}

/** Servers, networks and volumes of the project stay behind. */
function deleteProject(call: Call): Reply {
  requireAdmin(call, 'delete_project');
  const project = find(call);
  removeProject(call, project);
  return noContent();
}

function removeProject(call: Call, project: Project): void {
  const { cloud } = call;
  cloud.projects.delete(project.id);
  cloud.grants = cloud.grants.filter((grant) => grant.targetId !== project.id);
  for (const credential of cloud.applicationCredentials.values()) {
    if (credential.projectId === project.id) cloud.applicationCredentials.delete(credential.id);
  }
  call.effect('deleted', 'account', project.id, textsOf(project));
}

function replaceTags(call: Call): Reply {
  requireAdmin(call, 'update_project_tags');
  const project = find(call);
  project.tags = [...new Set(call.read(z.object({ tags: z.array(Tag).max(80) })).tags)];
  call.effect('changed', 'account', project.id, textsOf(project));
  return ok({ tags: project.tags, links: {} });
}

function addTag(call: Call): Reply {
  requireAdmin(call, 'create_project_tag');
  const project = find(call);
  project.tags = [...new Set([...project.tags, call.param('tag')])];
  call.effect('changed', 'account', project.id, textsOf(project));
  return { status: 201 };
}

function removeTag(call: Call): Reply {
  requireAdmin(call, 'delete_project_tag');
  const project = find(call);
  const tag = call.param('tag');
  if (!project.tags.includes(tag)) throw notFound(`Could not find project tag: ${tag}.`);
  project.tags = project.tags.filter((one) => one !== tag);
  call.effect('changed', 'account', project.id, textsOf(project));
  return noContent();
}

export function projectView(call: Call, project: Project): JsonObject {
  return {
    id: project.id,
    name: project.name,
    domain_id: project.domainId,
    parent_id: project.domainId,
    description: project.description,
    enabled: project.enabled,
    is_domain: false,
    tags: project.tags,
    options: {},
    links: { self: selfLink(call, `/projects/${project.id}`) },
  };
}

function createDomain(call: Call): Reply {
  requireAdmin(call, 'create_domain');
  const { domain: fields } = call.read(z.object({ domain: DomainFields }));
  const { cloud } = call;
  if ([...cloud.domains.values()].some((other) => other.name === fields.name)) {
    throw conflict(
      `Conflict occurred attempting to store domain - it is not permitted to have two domains with the same name: ${fields.name}.`,
    );
  }
  const domain: Domain = {
    id: cloud.newHexId(),
    name: fields.name,
    description: fields.description ?? '',
    enabled: fields.enabled ?? true,
  };
  cloud.domains.set(domain.id, domain);
  call.effect('created', 'domain', domain.id, [domain.name, domain.description]);
  return created({ domain: domainView(call, domain) });
}

function listDomains(call: Call): Reply {
  requireAdmin(call, 'list_domains');
  const name = call.query.get('name');
  const domains = [...call.cloud.domains.values()].filter(
    (domain) => (name ?? domain.name) === domain.name && isEnabledAs(call.query, domain.enabled),
  );
  return ok({ domains: domains.map((domain) => domainView(call, domain)), links: listLinks(call, '/domains') });
}

function findDomain(call: Call): Domain {
  const id = call.param('id');
  const domain = call.cloud.domains.get(id);
  if (domain === undefined) throw notFound(`Could not find domain: ${id}.`);
  return domain;
}

function updateDomain(call: Call): Reply {
  requireAdmin(call, 'update_domain');
  const domain = findDomain(call);
  const { domain: fields } = call.read(z.object({ domain: DomainFields.partial() }));
  domain.name = fields.name ?? domain.name;
  domain.description = fields.description ?? domain.description;
  domain.enabled = fields.enabled ?? domain.enabled;
  call.effect('changed', 'domain', domain.id, [domain.name, domain.description]);
  return ok({ domain: domainView(call, domain) });
}

function deleteDomain(call: Call): Reply {
  requireAdmin(call, 'delete_domain');
  const domain = findDomain(call);
  if (domain.enabled) throw forbidden('Cannot delete a domain that is enabled, please disable it first.');
  const { cloud } = call;
  for (const project of cloud.projects.values()) if (project.domainId === domain.id) removeProject(call, project);
  for (const user of cloud.users.values()) if (user.domainId === domain.id) cloud.users.delete(user.id);
  cloud.domains.delete(domain.id);
  call.effect('deleted', 'domain', domain.id, [domain.name, domain.description]);
  return noContent();
}

function domainView(call: Call, domain: Domain): JsonObject {
  const { id, name, description, enabled } = domain;
  return { id, name, description, enabled, tags: [], options: {}, links: { self: selfLink(call, `/domains/${id}`) } };
}
