import type { CloudStackClient } from './client.js';
import { Template } from './schema.js';

/** `all` is for root administrators. */
export type TemplateFilter =
  'featured' | 'self' | 'selfexecutable' | 'sharedexecutable' | 'executable' | 'community' | 'all';

/** Images (seed C37). One row per zone: the rows of one template share its id. */
export async function listTemplates(
  client: CloudStackClient,
  { filter, name, zoneId }: { filter: TemplateFilter; name?: string; zoneId?: string },
): Promise<Template[]> {
  // `list` keeps one row of each id, so it is not shown any.
  const row = Template.transform((template) => ({ id: null, template }));
  const params = { templatefilter: filter, name, zoneid: zoneId };
  return (await client.list('listTemplates', params, 'template', row)).map(({ template }) => template);
}
