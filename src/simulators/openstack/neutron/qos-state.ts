import type { Call } from '../call.js';
import { neutronError } from '../errors.js';
import type { Cloud } from '../state/cloud.js';
import type { QosPolicy } from '../state/network-model.js';

/** A policy the caller may use. @throws 404 */
export function findPolicy(call: Call, id: string): QosPolicy {
  const policy = call.cloud.qosPolicies.get(id);
  if (policy === undefined || !(call.mayAccess(policy) || policy.shared)) throw missingPolicy(id);
  return policy;
}

export const missingPolicy = (id: string) =>
  neutronError(404, 'QosPolicyNotFound', `QoS policy ${id} could not be found.`);

/** Who uses it, as `network <id>`; null when nobody does. */
export function userOfPolicy(cloud: Cloud, policyId: string): string | null {
  for (const network of cloud.networks.values()) if (network.qosPolicyId === policyId) return `network ${network.id}`;
  for (const port of cloud.ports.values()) if (port.qosPolicyId === policyId) return `port ${port.id}`;
  for (const address of cloud.floatingIps.values()) {
    if (address.qosPolicyId === policyId) return `floatingip ${address.id}`;
  }
  return null;
}
