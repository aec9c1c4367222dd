import { z } from 'zod';
import type { Api, Prepared } from './api.js';

const Servers = z.object({ servers: z.array(z.unknown()) });
const Create = z.object({
  server: z.object({ networks: z.unknown(), block_device_mapping_v2: z.array(z.unknown()).optional() }),
});
const FromImage = z.object({ volume: z.object({ imageRef: z.string() }) });

/**
 * Services that a request hangs on beside its own, as operations that a freeze can name (`neutron.(asked)`). Nova asks them before it
 * writes anything (openstack.md 9, and the review of the real one: a frozen Neutron holds `POST /servers`).
 */
export function servicesAsked(prepared: Prepared, api: Api): string[] {
  const { operation, body } = prepared;
  switch (operation) {
    case 'nova.servers.create': {
      const { data } = Create.safeParse(body);
      const fromVolume = (data?.server.block_device_mapping_v2 ?? []).length > 0;
      // guess: the type of a root disk is asked for at once (inferred in the review, not seen).
      return [
        ...(data?.server.networks === 'none' ? [] : [asked('neutron')]),
        asked('glance'),
        ...(fromVolume ? [asked('cinder')] : []),
      ];
    }
    case 'nova.servers.show':
    case 'nova.interfaces.create':
    case 'nova.interfaces.delete':
    case 'nova.interfaces.list':
      return [asked('neutron')];
    // Of each server that is shown the security groups are asked for; a list without any asks nobody (seen).
    case 'nova.servers.detail':
      return showsServers(prepared, api) ? [asked('neutron')] : [];
    case 'nova.volume_attachments.create':
    case 'nova.volume_attachments.delete':
      return [asked('cinder')];
    case 'nova.servers.action.rebuild':
    case 'nova.servers.action.createImage':
      return [asked('glance')];
    case 'cinder.volumes.create':
      return FromImage.safeParse(body).success ? [asked('glance')] : [];
    default:
      return [];
  }
}

const asked = (service: string): string => `${service}.(asked)`;

function showsServers(prepared: Prepared, api: Api): boolean {
  const { data } = Servers.safeParse(JSON.parse(api.answer(prepared).body));
  return (data?.servers.length ?? 0) > 0;
}
