import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { readOne } from './lookup.js';
import { createServiceOffering, deleteServiceOffering } from './offering-list.js';
import { ServiceOffering } from './schema.js';
import type { Account } from './submit.js';

/** A size that was sold and that no existing offering has. The name is the shape, so that each shape is made once. */
export const OfferingSettings = z.object({
  name: z.string(),
  cpuCount: z.number(),
  memoryMib: z.number(),
  /** Absent: no bandwidth was sold with it, the zone's default applies. */
  networkRateMbps: z.number().optional(),
  cpuSpeedMhz: z.number(),
});
export type OfferingSettings = z.infer<typeof OfferingSettings>;

/** Names are not unique among offerings, so every send looks first. The seed's platform made one per order, without end. */
export function serviceOfferingEnsure({ client, catalogue }: Account): OperationHandler {
  async function named(settings: OfferingSettings): Promise<ServiceOffering[]> {
    const rows = await client.list('listServiceOfferings', { name: settings.name }, 'serviceoffering', ServiceOffering);
    return rows.filter((one) => one.name === settings.name);
  }

  function describe(offering: ServiceOffering, settings: OfferingSettings): Found {
    const same =
      offering.cpunumber === settings.cpuCount &&
      offering.memory === settings.memoryMib &&
      offering.networkrate === (settings.networkRateMbps ?? null);
    // Building with it would sell one thing and deliver another.
    if (!same) {
      throw new ProvisioningError(
        'ask-human',
        'CLD_CONTRADICTION',
        `the service offering ${settings.name} exists with another shape than its name says`,
      );
    }
    return { resourceId: offering.id, facts: { serviceOfferingId: offering.id }, startedAt: null };
  }

  const settingsOf = (request: OperationRequest): OfferingSettings => OfferingSettings.parse(request.settings);

  return {
    foundByName: true,
    async send(request) {
      const settings = settingsOf(request);
      const [existing] = await named(settings);
      if (existing) return { state: 'done', found: describe(existing, settings) };
      const made = await createServiceOffering(client, {
        name: settings.name,
        displayText: `${settings.name} ${request.marker}`,
        size: settings,
        networkRateMbps: settings.networkRateMbps,
      });
      catalogue.forgetServiceOfferings();
      return { state: 'done', found: describe(made, settings) };
    },
    async find(request) {
      const [offering, ...others] = await named(settingsOf(request));
      return offering
        ? { state: 'found', resourceId: offering.id, others: others.map(({ id }) => id) }
        : { state: 'absent' };
    },
    async inspect(request, resourceId) {
      const offering = await readOne(client, 'listServiceOfferings', resourceId, 'serviceoffering', ServiceOffering);
      return offering ? { state: 'ready', found: describe(offering, settingsOf(request)) } : { state: 'absent' };
    },
    async discard(request, resourceId) {
      const offering = await readOne(client, 'listServiceOfferings', resourceId, 'serviceoffering', ServiceOffering);
      if (!offering) return 'gone';
      if (offering.name !== settingsOf(request).name) {
        throw new ProvisioningError('ask-human', 'CLD_CONTRADICTION', `the service offering ${resourceId} is not ours`);
      }
      await deleteServiceOffering(client, resourceId);
      return 'in-progress';
    },
  };
}
