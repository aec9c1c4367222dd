import { z } from 'zod';
import type { JsonObject } from '../../../json.js';
import { created, noContent, ok, type Call, type Reply } from '../call.js';
import { neutronError } from '../errors.js';
import { routesOf, type Route } from '../route.js';
import type { BandwidthRule, QosPolicy } from '../state/network-model.js';
import { collectionRoutes, commonView, textsOf, visibleRow, type Collection } from './collection.js';
import { newRow, ownerOf, policyRefusal, touch } from './owner.js';
import { missingPolicy, userOfPolicy } from './qos-state.js';

const Fields = z.strictObject({
  name: z.string().max(255).optional(),
  description: z.string().max(255).optional(),
  shared: z.boolean().optional(),
  is_default: z.boolean().optional(),
  project_id: z.string().optional(),
  tenant_id: z.string().optional(),
});
type Fields = z.infer<typeof Fields>;

const policies: Collection<QosPolicy, Fields & { name: string }, Fields> = {
  path: '/qos/policies',
  plural: 'policies',
  singular: 'policy',
  kind: 'qos-policy',
  rows: (call) => call.cloud.qosPolicies.values(),
  get: (cloud, id) => cloud.qosPolicies.get(id),
  isPublic: (policy) => policy.shared,
  missing: missingPolicy,
  filters: ['shared', 'is_default'],
  createSchema: Fields.extend({ name: z.string().max(255) }),
  create(call, fields) {
    requireAdmin(call, 'create_policy');
    return call.cloud.qosPolicies.add({
      ...newRow(call, fields, ownerOf(call, fields)),
      shared: fields.shared ?? false,
      isDefault: fields.is_default ?? false,
      rules: [],
    });
  },
  updateSchema: Fields,
  update(call, policy, fields) {
    requireAdmin(call, 'update_policy');
    policy.name = fields.name ?? policy.name;
    policy.description = fields.description ?? policy.description;
    policy.shared = fields.shared ?? policy.shared;
    policy.isDefault = fields.is_default ?? policy.isDefault;
  },
  remove(call, policy) {
    requireAdmin(call, 'delete_policy');
    const user = userOfPolicy(call.cloud, policy.id);
    if (user !== null) throw neutronError(409, 'QosPolicyInUse', `QoS Policy ${policy.id} is used by ${user}.`);
    call.cloud.qosPolicies.remove(policy);
  },
  view: (_call, policy) => ({
    ...commonView(policy),
    shared: policy.shared,
    is_default: policy.isDefault,
    rules: policy.rules.map((rule) => ({ ...ruleView(rule), type: 'bandwidth_limit', qos_policy_id: policy.id })),
  }),
};

const rulesPath = '/qos/policies/{policyId}/bandwidth_limit_rules';
const operation = 'qos.policies.bandwidth_limit_rules';

export const qosRoutes: Route[] = [
  ...collectionRoutes(policies),
  ...routesOf('neutron', [
    ['GET', rulesPath, `${operation}.list`, listRules],
    ['POST', rulesPath, `${operation}.create`, createRule],
    [
      'GET',
      `${rulesPath}/{ruleId}`,
      `${operation}.show`,
      (call) => ok({ bandwidth_limit_rule: ruleView(findRule(call).rule) }),
    ],
    ['PUT', `${rulesPath}/{ruleId}`, `${operation}.update`, updateRule],
    ['DELETE', `${rulesPath}/{ruleId}`, `${operation}.delete`, deleteRule],
  ]),
];

function requireAdmin(call: Call, rule: string): void {
  if (!call.isAdmin) throw policyRefusal(rule);
}

const RuleFields = z.strictObject({
  max_kbps: z.number().int().min(0),
  max_burst_kbps: z.number().int().min(0).optional(),
  direction: z.enum(['egress', 'ingress']).optional(),
});

function listRules(call: Call): Reply {
  const policy = visibleRow(call, policies, call.param('policyId'));
  const direction = call.query.get('direction');
  const rules = policy.rules.filter((rule) => (direction ?? rule.direction) === rule.direction);
  return ok({ bandwidth_limit_rules: rules.map(ruleView) });
}

function createRule(call: Call): Reply {
  requireAdmin(call, 'create_policy_bandwidth_limit_rule');
  const policy = visibleRow(call, policies, call.param('policyId'));
  const { bandwidth_limit_rule: fields } = call.read(z.object({ bandwidth_limit_rule: RuleFields }));
  const direction = fields.direction ?? 'egress';
  refuseTwin(policy, direction, null);
  const rule: BandwidthRule = {
    id: call.cloud.newId(),
    maxKbps: fields.max_kbps,
    maxBurstKbps: fields.max_burst_kbps ?? 0,
    direction,
  };
  policy.rules.push(rule);
  changed(call, policy);
  return created({ bandwidth_limit_rule: ruleView(rule) });
}

function refuseTwin(policy: QosPolicy, direction: string, exceptId: string | null): void {
  const twin = policy.rules.find((rule) => rule.direction === direction && rule.id !== exceptId);
  if (twin === undefined) return;
  throw neutronError(
    409,
    'QoSRuleParameterConflict',
    `Unable to add the rule with value ${direction} to the policy ${policy.id} as the existing rule of type bandwidth_limit has value ${direction}.`,
  );
}

function findRule(call: Call): { policy: QosPolicy; rule: BandwidthRule } {
  const policy = visibleRow(call, policies, call.param('policyId'));
  const id = call.param('ruleId');
  const rule = policy.rules.find((one) => one.id === id);
  if (rule === undefined) {
    throw neutronError(404, 'QosRuleNotFound', `QoS rule ${id} for policy ${policy.id} could not be found.`);
  }
  return { policy, rule };
}

function updateRule(call: Call): Reply {
  requireAdmin(call, 'update_policy_bandwidth_limit_rule');
  const { policy, rule } = findRule(call);
  const { bandwidth_limit_rule: fields } = call.read(z.object({ bandwidth_limit_rule: RuleFields.partial() }));
  if (fields.direction !== undefined) refuseTwin(policy, fields.direction, rule.id);
  rule.direction = fields.direction ?? rule.direction;
  rule.maxKbps = fields.max_kbps ?? rule.maxKbps;
  rule.maxBurstKbps = fields.max_burst_kbps ?? rule.maxBurstKbps;
  changed(call, policy);
  return ok({ bandwidth_limit_rule: ruleView(rule) });
}

function deleteRule(call: Call): Reply {
  requireAdmin(call, 'delete_policy_bandwidth_limit_rule');
  const { policy, rule } = findRule(call);
  policy.rules = policy.rules.filter((one) => one !== rule);
  changed(call, policy);
  return noContent();
}

function changed(call: Call, policy: QosPolicy): void {
  touch(policy);
  call.effect('changed', 'qos-policy', policy.id, textsOf(policy));
}

function ruleView(rule: BandwidthRule): JsonObject {
  return { id: rule.id, max_kbps: rule.maxKbps, max_burst_kbps: rule.maxBurstKbps, direction: rule.direction };
}
