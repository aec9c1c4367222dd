import type { JobReport } from '../provisioner.js';
import { orNull, type OpenStackClient, pathOf } from './client.js';
import type { Job } from './jobs.js';
import { type FloatingIp, FloatingIpRead } from './schema.js';
import type { Scope } from './tokens.js';

export async function readAddress(client: OpenStackClient, scope: Scope, id: string): Promise<FloatingIp | null> {
  if (id === '') return null;
  const path = `/floatingips/${pathOf(id)}`;
  return (await orNull(client.read({ service: 'network', scope, path }, FloatingIpRead)))?.floatingip ?? null;
}

/**
 * Neutron answers a binding at once, and the L3 agent carries it out a second later: DOWN becomes ACTIVE, or ERROR
 * (openstack.md 5). Only then is the machine reached by the address.
 */
export function wiringReport({ id }: Job, address: FloatingIp | null): JobReport {
  if (!address || address.port_id === null) return { state: 'lost' };
  if (address.status === 'ACTIVE') return { state: 'succeeded', resourceId: id };
  if (address.status !== 'ERROR') return { state: 'pending' };
  return { state: 'failed', disposition: 'retry', code: 'CLD_JOB_FAILED', message: wiringFailed(id) };
}

export const wiringFailed = (id: string): string => `the network could not wire the address ${id}: its state is ERROR`;
