import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input } from '../requests.js';
import { type Account, contradiction } from './account.js';
import { isRefusal } from './refusals.js';
import { SecurityGroup } from './schema.js';
import { createRules, isSameRule, listRules, type RuleFields } from './security-groups.js';

const anywhere = '0.0.0.0/0';

/** SSH, remote desktop and ping from anywhere, anything among themselves, anything out (seed E10). */
function wantedRules(groupId: string): RuleFields[] {
  const open: RuleFields = {
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
  };
  return [
    { ...open, protocol: 'tcp', port_range_min: 22, port_range_max: 22, remote_ip_prefix: anywhere },
    { ...open, protocol: 'tcp', port_range_min: 3389, port_range_max: 3389, remote_ip_prefix: anywhere },
    { ...open, protocol: 'icmp', remote_ip_prefix: anywhere },
    { ...open, remote_group_id: groupId },
    { ...open, direction: 'egress' },
  ];
}

/**
 * The last stage of a tenant. Neutron makes a project's `default` group at the first touch, a list of it included; it has
 * the last two of the five rules from birth. What is missing is added in one request, all or nothing.
 */
export function defaultGroupStage(
  { client }: Account,
  found: (request: OperationRequest, securityGroupId: string) => Found,
): OperationHandler {
  async function group(request: OperationRequest): Promise<string> {
    const projectId = input(request, 'projectId');
    const query = { project_id: projectId, name: 'default' };
    const rows = await client.list({
      service: 'network',
      scope: projectId,
      path: '/security-groups',
      query,
      key: 'security_groups',
      row: SecurityGroup,
    });
    const own = rows.find(({ name, project_id }) => name === 'default' && project_id === projectId);
    if (!own) throw contradiction(`Neutron shows no default security group of the project ${projectId}`);
    return own.id;
  }
  async function missingRules(request: OperationRequest, groupId: string): Promise<RuleFields[]> {
    const rules = await listRules(client, input(request, 'projectId'), groupId);
    return wantedRules(groupId).filter((wanted) => !rules.some(isSameRule(wanted)));
  }
  return {
    async send(request) {
      const groupId = await group(request);
      const missing = await missingRules(request, groupId);
      if (missing.length > 0) {
        try {
          await createRules(client, input(request, 'projectId'), groupId, missing);
        } catch (error) {
          // Another user of the same project was faster; then all of them are there.
          if (!isRefusal(error, 409) || (await missingRules(request, groupId)).length > 0) throw error;
        }
      }
      return { state: 'done', found: found(request, groupId) };
    },
    async find(request) {
      const groupId = await group(request);
      const missing = await missingRules(request, groupId);
      // A rule there is twice is refused.
      return missing.length === 0
        ? { state: 'found', resourceId: groupId, others: [] }
        : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const groupId = await group(request);
      const missing = await missingRules(request, groupId);
      return missing.length === 0 ? { state: 'ready', found: found(request, groupId) } : { state: 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}
