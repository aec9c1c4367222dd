import { z } from 'zod';
import { type OpenStackClient, orNull, pathOf } from './client.js';
import { isRefusal } from './refusals.js';
import { Anything, SecurityGroupRule } from './schema.js';
import type { Scope } from './tokens.js';

/** What a rule of a security group says; null stands for "any". */
export type RuleFields = Pick<
  SecurityGroupRule,
  'direction' | 'ethertype' | 'protocol' | 'port_range_min' | 'port_range_max' | 'remote_ip_prefix' | 'remote_group_id'
>;

export async function listRules(client: OpenStackClient, scope: Scope, groupId: string): Promise<SecurityGroupRule[]> {
  return client.list({
    service: 'network',
    scope,
    path: '/security-group-rules',
    query: { security_group_id: groupId },
    key: 'security_group_rules',
    row: SecurityGroupRule,
  });
}

const anywhere = '0.0.0.0/0';

/** No prefix and the prefix of everything are the same, and both are written. */
export const isSameRule = (wanted: RuleFields) => (one: SecurityGroupRule) =>
  (Object.keys(wanted) as (keyof RuleFields)[]).every((key) =>
    key === 'remote_ip_prefix'
      ? (one[key] ?? anywhere) === (wanted[key] ?? anywhere)
      : (one[key] ?? null) === (wanted[key] ?? null),
  );

/** All of them in one request: Neutron makes all or none. */
export async function createRules(
  client: OpenStackClient,
  scope: Scope,
  groupId: string,
  rules: RuleFields[],
): Promise<SecurityGroupRule[]> {
  const bodies = rules.map((rule) => ({
    security_group_id: groupId,
    ...Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== null)),
  }));
  const { value } = await client.change(
    {
      service: 'network',
      scope,
      method: 'POST',
      path: '/security-group-rules',
      body: { security_group_rules: bodies },
    },
    z.object({ security_group_rules: z.array(SecurityGroupRule) }),
  );
  return value.security_group_rules;
}

/** A rule that is there already counts as made (reference 7.2). */
export async function createRule(
  client: OpenStackClient,
  scope: Scope,
  groupId: string,
  rule: RuleFields,
): Promise<SecurityGroupRule> {
  try {
    const [made] = await createRules(client, scope, groupId, [rule]);
    if (!made) throw new Error('Neutron made a security group rule and does not show it');
    return made;
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    const existing = (await listRules(client, scope, groupId)).find(isSameRule(rule));
    if (!existing) throw error;
    return existing;
  }
}

/** Gone already is as good as deleted. */
export async function deleteRule(client: OpenStackClient, scope: Scope, id: string): Promise<void> {
  const path = `/security-group-rules/${pathOf(id)}`;
  await orNull(client.change({ service: 'network', scope, method: 'DELETE', path }, Anything));
}
