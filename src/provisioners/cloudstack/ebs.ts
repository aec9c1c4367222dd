import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { findJob, findJobs, isPendingJob, leadsTo } from './jobs.js';
import { readOne } from './lookup.js';
import { isRefusal } from './refusals.js';
import { Success, Volume } from './schema.js';
import { adoptEarlier, input, notOurs, ownMarkers } from '../requests.js';
import { type Account, oldestFirst, submit } from './submit.js';
import { ownerOf } from './tenant.js';

/** What `resolve` decided for a disk. Exactly one of offering and snapshot is set. */
export const EbsSettings = z.object({
  volumeName: z.string(),
  zoneId: z.string(),
  diskOfferingId: z.string().optional(),
  /** GB, only for customised offerings; a fixed one refuses it. */
  sizeGib: z.number().optional(),
  snapshotId: z.string().optional(),
});
export type EbsSettings = z.infer<typeof EbsSettings>;

const isGone = ({ state }: Volume): boolean => ['Destroy', 'Expunging', 'Expunged'].includes(state);
/** A fresh disk is Creating on its way to its first machine. */
const isBusy = ({ state, jobstatus }: Volume): boolean =>
  ['Attaching', 'Creating', 'Migrating'].includes(state) || isPendingJob(jobstatus);
const gibOf = (bytes: number): string => String(Math.round(bytes / 2 ** 30));
const carries = (volume: Volume, marker: string): boolean => volume.name.endsWith(`-${marker}`);

const readVolume = async ({ client }: Account, id: string): Promise<Volume | null> => {
  const volume = await readOne(client, 'listVolumes', id, 'volume', Volume);
  return volume && !isGone(volume) ? volume : null;
};

function describe(volume: Volume, marker: string): Found {
  return {
    resourceId: volume.id,
    facts: { volumeId: volume.id, marker, ...(volume.size === null ? {} : { sizeGib: gibOf(volume.size) }) },
    startedAt: volume.created,
  };
}

/** Nothing in CloudStack minds two volumes of one name: only the look before a repeat keeps a second one away. */
export function ebsCreate(account: Account): OperationHandler {
  const { client } = account;
  const nameOf = (request: OperationRequest): string =>
    `${EbsSettings.parse(request.settings).volumeName}-${request.marker}`;

  const handler: OperationHandler = {
    async send(request) {
      const settings = EbsSettings.parse(request.settings);
      return (
        (await adoptEarlier(account, handler, request)) ??
        submit(account, request, 'createVolume', {
          ...ownerOf(request),
          name: nameOf(request),
          zoneid: settings.zoneId,
          diskofferingid: settings.diskOfferingId,
          size: settings.sizeGib,
          snapshotid: settings.snapshotId,
        })
      );
    },
    async find(request) {
      const { follow, made } = await findJobs(client, request);
      if (follow && request.earlierRequestIds.length === 0) return follow;
      const name = nameOf(request);
      const rows = await client.list('listVolumes', { name, listall: true }, 'volume', Volume);
      const listed = rows.filter((one) => one.name === name && !isGone(one));
      // Lists may lag: a second one may be known by its job alone.
      const unlisted = await Promise.all(
        made.filter(({ id }) => listed.every((one) => one.id !== id)).map(({ id }) => readVolume(account, id)),
      );
      const [volume, ...others] = oldestFirst([
        ...listed,
        ...unlisted.flatMap((one) => (one?.name === name ? [one] : [])),
      ]);
      if (follow && others.length === 0 && leadsTo(follow, volume)) return follow;
      if (!volume) return { state: 'absent' };
      if (others.length === 0 && volume.jobid !== null && isPendingJob(volume.jobstatus)) {
        return { state: 'job', jobId: volume.jobid, resourceId: volume.id };
      }
      return { state: 'found', resourceId: volume.id, others: others.map(({ id }) => id) };
    },
    async inspect(request, resourceId) {
      const volume = await readVolume(account, resourceId);
      if (!volume) return { state: 'absent' };
      // Allocated has no storage yet and is all that a fresh disk ever reaches before its first attach; a restored one
      // passes through it on its way.
      const empty = EbsSettings.parse(request.settings).snapshotId === undefined;
      if (volume.state === 'Ready' || (volume.state === 'Allocated' && empty)) {
        return { state: 'ready', found: describe(volume, request.marker) };
      }
      if (volume.state.endsWith('Error')) {
        return {
          state: 'broken',
          code: 'CLD_RESOURCE_ERROR',
          message: `the volume ${volume.id} is in the state ${volume.state}`,
        };
      }
      return { state: 'pending' };
    },
    async discard(request, resourceId) {
      const volume = await readVolume(account, resourceId);
      if (!volume) return 'gone';
      if (!carries(volume, request.marker)) throw notOurs('the volume', volume.id);
      await client.change('deleteVolume', { id: volume.id }, Success);
      return 'in-progress';
    },
  };
  return handler;
}

/** Whether a disk is attached is told by the volume's `virtualmachineid` alone; that is also what `find` looks at. */
export function ebsAttach(account: Account): OperationHandler {
  /** Throws when the disk hangs on another machine: moving it would take it away from someone. */
  async function attachment(request: OperationRequest): Promise<{ volume: Volume; attached: boolean } | null> {
    const volume = await readVolume(account, input(request, 'volumeId'));
    if (!volume) return null;
    const vmId = input(request, 'vmId');
    if (volume.virtualmachineid !== null && volume.virtualmachineid !== vmId) {
      throw new ProvisioningError(
        'ask-human',
        'CLD_CONTRADICTION',
        `the volume ${volume.id} is attached to another VM`,
      );
    }
    return { volume, attached: volume.virtualmachineid === vmId };
  }
  const found = ({ id, deviceid }: Volume): Found => ({
    resourceId: id,
    facts: { volumeId: id, ...(deviceid === null ? {} : { deviceId: String(deviceid) }) },
    startedAt: null,
  });

  return {
    async send(request) {
      const volumeId = input(request, 'volumeId');
      if (request.attempt > 1) {
        const earlier = await attachment(request);
        if (earlier?.attached && earlier.volume.state === 'Ready')
          return { state: 'done', found: found(earlier.volume) };
      }
      try {
        const sent = await submit(account, request, 'attachVolume', {
          id: volumeId,
          virtualmachineid: input(request, 'vmId'),
        });
        return { ...sent, resourceId: volumeId };
      } catch (error) {
        // Refused because it is attached already? Then that was what we wanted.
        if (!isRefusal(error, 431)) throw error;
        const seen = await attachment(request);
        if (seen?.attached && seen.volume.state === 'Ready') return { state: 'done', found: found(seen.volume) };
        throw error;
      }
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return { ...job, resourceId: input(request, 'volumeId') };
      const seen = await attachment(request);
      const begun = seen !== null && (seen.attached || isBusy(seen.volume));
      return begun ? { state: 'found', resourceId: seen.volume.id, others: [] } : { state: 'absent' };
    },
    async inspect(request) {
      const seen = await attachment(request);
      if (!seen) return { state: 'absent' };
      if (seen.attached && seen.volume.state === 'Ready') return { state: 'ready', found: found(seen.volume) };
      return seen.attached || isBusy(seen.volume) ? { state: 'pending' } : { state: 'absent' };
    },
    // An attachment is a state of the volume, there is nothing to be left over.
    discard: async () => 'gone',
  };
}

/** Done when the disk hangs on no machine, or is gone altogether. `find`/`inspect` speak of the effect, as for vm.delete. */
export function ebsDetach(account: Account): OperationHandler {
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'volumeId'),
    facts: {},
    startedAt: null,
  });
  const attachedVolume = async (request: OperationRequest): Promise<Volume | null> => {
    const volume = await readVolume(account, input(request, 'volumeId'));
    return volume?.virtualmachineid ? volume : null;
  };
  return {
    async send(request) {
      const volume = await attachedVolume(request);
      if (!volume) return { state: 'done', found: done(request) };
      if (!ownMarkers(request).some((marker) => carries(volume, marker))) throw notOurs('the volume', volume.id);
      return { ...(await submit(account, request, 'detachVolume', { id: volume.id })), resourceId: volume.id };
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return { ...job, resourceId: input(request, 'volumeId') };
      const volume = await attachedVolume(request);
      return volume ? { state: 'absent' } : { state: 'found', resourceId: input(request, 'volumeId'), others: [] };
    },
    async inspect(request) {
      const volume = await attachedVolume(request);
      if (!volume) return { state: 'ready', found: done(request) };
      return isPendingJob(volume.jobstatus) ? { state: 'pending' } : { state: 'absent' };
    },
    discard: async () => 'gone',
  };
}

/** `deleteVolume` answers at once and refuses an attached disk; destroyVolume would be a job, and exists from 4.14 only. */
export function ebsDelete(account: Account): OperationHandler {
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'volumeId'),
    facts: {},
    startedAt: null,
  });
  return {
    async send(request) {
      const volume = await readVolume(account, input(request, 'volumeId'));
      if (!volume) return { state: 'done', found: done(request) };
      if (!ownMarkers(request).some((marker) => carries(volume, marker))) throw notOurs('the volume', volume.id);
      if (volume.virtualmachineid !== null) {
        throw new ProvisioningError('retry', 'CLD_IN_USE', `the volume ${volume.id} is still attached`);
      }
      await account.client.change('deleteVolume', { id: volume.id }, Success);
      return { state: 'done', found: done(request) };
    },
    async find(request) {
      const volume = await readVolume(account, input(request, 'volumeId'));
      return volume ? { state: 'absent' } : { state: 'found', resourceId: input(request, 'volumeId'), others: [] };
    },
    async inspect(request) {
      const volume = await readVolume(account, input(request, 'volumeId'));
      return volume ? { state: 'absent' } : { state: 'ready', found: done(request) };
    },
    discard: async () => 'gone',
  };
}
