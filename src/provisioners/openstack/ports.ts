import type { OpenStackClient } from './client.js';
import { Port } from './schema.js';
import type { Scope } from './tokens.js';

/** The cards of a server. An administrator's token would show other projects' as well: compared here. */
export async function portsOf(client: OpenStackClient, scope: Scope, serverId: string): Promise<Port[]> {
  const query = { device_id: serverId };
  const rows = await client.list({ service: 'network', scope, path: '/ports', query, key: 'ports', row: Port });
  return rows.filter((port) => port.device_id === serverId);
}
