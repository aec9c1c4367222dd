import { z } from 'zod';
import type { OperationRequest } from '../provisioner.js';
import { input } from '../requests.js';
import { markerKey } from './account.js';
import type { Server } from './schema.js';

/** What `resolve` decided for a VM. */
export const VmSettings = z.object({
  name: z.string(),
  flavorId: z.string(),
  imageId: z.string(),
  /** Absent: the server boots from the image, on the disk of its flavor. */
  rootVolume: z.object({ sizeGib: z.number(), volumeType: z.string().optional() }).optional(),
  availabilityZone: z.string().optional(),
  /** Absent for the tenant's default network; then it is an input. The first is the default card's. */
  networkIds: z.array(z.string()).optional(),
  /** Absent for the tenant's default group; then it is an input, or there are no tenants and the project's `default` is taken. */
  securityGroupId: z.string().optional(),
  keyPair: z.string().optional(),
  hasRootPassword: z.boolean(),
});
export type VmSettings = z.infer<typeof VmSettings>;

export const carriesMarker = (server: Server, ...markers: string[]): boolean =>
  markers.some((marker) => server.metadata[markerKey] === marker || server.tags.includes(marker));

export const settingsOf = (request: OperationRequest): VmSettings => VmSettings.parse(request.settings);
export const networkIdsOf = (request: OperationRequest): string[] =>
  settingsOf(request).networkIds ?? [input(request, 'networkId')];
export const groupIdOf = (request: OperationRequest): string | undefined =>
  settingsOf(request).securityGroupId ?? request.inputs['securityGroupId'];

/** The ports that were made for the server, in the order of its cards; none where none can be made beforehand. */
export const portIdsOf = ({ memo }: OperationRequest): string[] => (memo['ports'] ?? '').split(',').filter(Boolean);
