import { z } from 'zod';
import type { JsonObject } from '../../json.js';
import { type OpenStackClient, pathOf } from './client.js';
import { Anything } from './schema.js';

/** What a project may have and has; `limit` -1 stands for no limit. */
export type QuotaUse = Record<string, { limit: number; used: number }>;

/** Per service, by the service's own names: `instances`, `cores`, `ram` (MiB); `volumes`, `gigabytes`; `floatingip`, … */
export interface Quotas<T> {
  compute: T;
  volume: T;
  network: T;
}

const Use = z.object({ limit: z.number(), in_use: z.number().optional(), used: z.number().optional() });
/** Beside the quotas stands the project's id. */
const Uses = z.record(z.string(), z.union([Use, z.string()]));

/** For administrators. */
export async function readQuotas(client: OpenStackClient, projectId: string): Promise<Quotas<QuotaUse>> {
  const id = pathOf(projectId);
  const Sets = z.object({ quota_set: Uses });
  const compute = await client.read({ service: 'compute', path: `/os-quota-sets/${id}/detail` }, Sets);
  const volume = await client.read({ service: 'volume', path: `/os-quota-sets/${id}`, query: { usage: true } }, Sets);
  const network = await client.read(
    { service: 'network', path: `/quotas/${id}/details.json` },
    z.object({ quota: Uses }),
  );
  return { compute: usesOf(compute.quota_set), volume: usesOf(volume.quota_set), network: usesOf(network.quota) };
}

/** For administrators. What is not named stays as it is. */
export async function setQuotas(
  client: OpenStackClient,
  projectId: string,
  quotas: Partial<Quotas<Record<string, number>>>,
): Promise<void> {
  const id = pathOf(projectId);
  const put = async (service: 'compute' | 'volume' | 'network', path: string, body: JsonObject): Promise<void> => {
    await client.change({ service, method: 'PUT', path, body }, Anything);
  };
  if (quotas.compute) await put('compute', `/os-quota-sets/${id}`, { quota_set: quotas.compute });
  if (quotas.volume) await put('volume', `/os-quota-sets/${id}`, { quota_set: quotas.volume });
  if (quotas.network) await put('network', `/quotas/${id}`, { quota: quotas.network });
}

function usesOf(rows: z.infer<typeof Uses>): QuotaUse {
  return Object.fromEntries(
    Object.entries(rows).flatMap(([name, row]) =>
      typeof row === 'string' ? [] : [[name, { limit: row.limit, used: row.in_use ?? row.used ?? 0 }]],
    ),
  );
}
