import type { JsonObject } from '../../../json.js';
import type { Call } from '../call.js';
import { withoutNulls } from '../envelope.js';
import type { SecurityGroup, SecurityGroupRule } from '../state/model.js';

/** `rules` narrows what is shown: authorizing prints only the new ones. */
export function securityGroupView(
  call: Call,
  group: SecurityGroup,
  rules: SecurityGroupRule[] = group.rules,
): JsonObject {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    ...call.ownerFields(group),
    ingressrule: rules.filter((rule) => rule.direction === 'ingress').map(ruleView),
    egressrule: rules.filter((rule) => rule.direction === 'egress').map(ruleView),
    tags: call.tagFields(group.id),
  };
}

function ruleView(rule: SecurityGroupRule): JsonObject {
  return withoutNulls({
    ruleid: rule.id,
    protocol: rule.protocol,
    startport: rule.startPort,
    endport: rule.endPort,
    icmptype: rule.icmpType,
    icmpcode: rule.icmpCode,
    cidr: rule.cidr,
    account: rule.group?.account,
    securitygroupname: rule.group?.name,
    tags: [],
  });
}
