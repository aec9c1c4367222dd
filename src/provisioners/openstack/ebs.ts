import { z } from 'zod';
import { OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import { type Account, adoptEarlier, contradiction, markerKey, oldestFirst, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { type Goal, jobIdOf } from './jobs.js';
import { isRefusal } from './refusals.js';
import { Anything, Volume, VolumeRead } from './schema.js';
import { isBrokenStatus, readVolume, volumeFault } from './volume-jobs.js';

/** What `resolve` decided for a disk. */
export const EbsSettings = z.object({
  volumeName: z.string(),
  sizeGib: z.number(),
  /** Absent: the cloud's default type. */
  volumeType: z.string().optional(),
  availabilityZone: z.string().optional(),
  /** At most one of the two: what the disk is made from. */
  snapshotId: z.string().optional(),
  backupId: z.string().optional(),
});
export type EbsSettings = z.infer<typeof EbsSettings>;

const settled = ['available', 'in-use'];
const carries = (volume: Volume, ...markers: string[]): boolean => markers.includes(volume.metadata[markerKey] ?? '');

const volumeOf = ({ client }: Account, request: OperationRequest): Promise<Volume | null> =>
  readVolume(client, scopeOf(request), input(request, 'volumeId'));

const jobOf = (request: OperationRequest, id: string, goal: Goal, requestId: string | null): string =>
  jobIdOf({ kind: 'volume', scope: scopeOf(request), id, goal, requestId });

/** Cinder minds two volumes of one name as little as two of one mark: the look before a repeat keeps a second one away. */
export function ebsCreate(account: Account): OperationHandler {
  const { client } = account;

  async function marked(request: OperationRequest): Promise<Volume[]> {
    const rows = await client.list({
      service: 'volume',
      scope: scopeOf(request),
      path: '/volumes/detail',
      // Cinder reads the value as a Python dictionary.
      query: { metadata: `{'${markerKey}':'${request.marker}'}` },
      key: 'volumes',
      row: Volume,
    });
    return oldestFirst(rows.filter((one) => carries(one, request.marker) && one.status !== 'deleting'));
  }

  const handler: OperationHandler = {
    async send(request) {
      const adopted = await adoptEarlier(account, handler, request);
      if (adopted) return adopted;
      const settings = EbsSettings.parse(request.settings);
      const { value, requestId } = await client.change(
        {
          service: 'volume',
          scope: scopeOf(request),
          method: 'POST',
          path: '/volumes',
          body: {
            volume: {
              name: settings.volumeName,
              size: settings.sizeGib,
              metadata: { [markerKey]: request.marker },
              ...(settings.volumeType === undefined ? {} : { volume_type: settings.volumeType }),
              ...(settings.availabilityZone === undefined ? {} : { availability_zone: settings.availabilityZone }),
              ...(settings.snapshotId === undefined ? {} : { snapshot_id: settings.snapshotId }),
              ...(settings.backupId === undefined ? {} : { backup_id: settings.backupId }),
            },
          },
        },
        VolumeRead,
      );
      const { id } = value.volume;
      return { state: 'pending', jobId: jobOf(request, id, 'made', requestId), resourceId: id };
    },
    async find(request) {
      const [volume, ...others] = await marked(request);
      if (!volume) return { state: 'absent' };
      if (others.length === 0 && ['creating', 'downloading'].includes(volume.status)) {
        return { state: 'job', jobId: jobOf(request, volume.id, 'made', null), resourceId: volume.id };
      }
      return { state: 'found', resourceId: volume.id, others: others.map(({ id }) => id) };
    },
    async inspect(request, resourceId) {
      const scope = scopeOf(request);
      const volume = await readVolume(client, scope, resourceId);
      if (!volume || volume.status === 'deleting') return { state: 'absent' };
      if (settled.includes(volume.status)) return { state: 'ready', found: describe(volume, request.marker) };
      if (!isBrokenStatus(volume.status)) return { state: 'pending' };
      const { message } = await volumeFault(client, scope, volume);
      return { state: 'broken', code: 'CLD_RESOURCE_ERROR', message };
    },
    async discard(request, resourceId) {
      const volume = await readVolume(client, scopeOf(request), resourceId);
      if (!volume) return 'gone';
      if (!carries(volume, request.marker)) throw notOurs('the volume', volume.id);
      if (volume.status !== 'deleting') await remove(account, request, volume.id);
      return 'in-progress';
    },
  };
  return handler;
}

function describe(volume: Volume, marker: string): Found {
  return {
    resourceId: volume.id,
    facts: { volumeId: volume.id, marker, ...(volume.size === null ? {} : { sizeGib: String(volume.size) }) },
    startedAt: volume.created_at,
  };
}

/** Whether a disk is attached is told by the volume, not by the server's list of attachments, which shows it early. */
export function ebsAttach(account: Account): OperationHandler {
  /** Throws when the disk hangs on another server: moving it would take it away from someone. */
  async function look(request: OperationRequest): Promise<'absent' | 'free' | 'busy' | Volume> {
    const volume = await volumeOf(account, request);
    if (!volume) return 'absent';
    const vmId = input(request, 'vmId');
    if (volume.attachments.some(({ server_id }) => server_id !== vmId)) {
      throw contradiction(`the volume ${volume.id} is attached to another server`);
    }
    if (volume.status === 'in-use' && volume.attachments.length > 0) return volume;
    return ['reserved', 'attaching'].includes(volume.status) ? 'busy' : 'free';
  }
  const attached = ({ id, attachments }: Volume): Found => {
    const device = attachments[0]?.device ?? null;
    return { resourceId: id, facts: { volumeId: id, ...(device === null ? {} : { device }) }, startedAt: null };
  };

  return {
    async send(request) {
      const volumeId = input(request, 'volumeId');
      const scope = scopeOf(request);
      const path = `/servers/${pathOf(input(request, 'vmId'))}/os-volume_attachments`;
      try {
        const body = { volumeAttachment: { volumeId } };
        const { requestId } = await account.client.change(
          { service: 'compute', scope, method: 'POST', path, body },
          Anything,
        );
        return { state: 'pending', jobId: jobOf(request, volumeId, 'attached', requestId), resourceId: volumeId };
      } catch (error) {
        // Refused because it is attached already, or about to be? Then that was what we wanted.
        if (!isRefusal(error, 400, 409)) throw error;
        const seen = await look(request);
        if (typeof seen === 'object') return { state: 'done', found: attached(seen) };
        if (seen !== 'busy') throw error;
        const message = `ebs.attach: the volume ${volumeId} is being attached already`;
        throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);
      }
    },
    async find(request) {
      const seen = await look(request);
      const begun = typeof seen === 'object' || seen === 'busy';
      return begun ? { state: 'found', resourceId: input(request, 'volumeId'), others: [] } : { state: 'absent' };
    },
    async inspect(request) {
      const seen = await look(request);
      if (typeof seen === 'object') return { state: 'ready', found: attached(seen) };
      return { state: seen === 'busy' ? 'pending' : 'absent' };
    },
    // An attachment is a state of the volume, there is nothing to be left over.
    discard: () => Promise.resolve('gone'),
  };
}

const done = (request: OperationRequest): Found => ({
  resourceId: input(request, 'volumeId'),
  facts: {},
  startedAt: null,
});

/** Done when the disk hangs on no server, or is gone altogether. `find`/`inspect` speak of the effect, as for vm.delete. */
export function ebsDetach(account: Account): OperationHandler {
  const attachedVolume = async (request: OperationRequest): Promise<Volume | null> => {
    const volume = await volumeOf(account, request);
    const isAttached = volume && (volume.attachments.length > 0 || ['in-use', 'detaching'].includes(volume.status));
    return isAttached ? volume : null;
  };
  return {
    async send(request) {
      const volume = await attachedVolume(request);
      if (!volume) return { state: 'done', found: done(request) };
      if (!carries(volume, ...ownMarkers(request))) throw notOurs('the volume', volume.id);
      const serverId = volume.attachments[0]?.server_id ?? input(request, 'vmId');
      const path = `/servers/${pathOf(serverId)}/os-volume_attachments/${pathOf(volume.id)}`;
      const scope = scopeOf(request);
      const change = { service: 'compute', scope, method: 'DELETE', path } as const;
      const sent = await orNull(account.client.change(change, Anything));
      const jobId = jobOf(request, volume.id, 'detached', sent?.requestId ?? null);
      return { state: 'pending', jobId, resourceId: volume.id };
    },
    async find(request) {
      const volume = await attachedVolume(request);
      const begun = !volume || volume.status === 'detaching';
      // Undone twice is undone.
      return begun
        ? { state: 'found', resourceId: input(request, 'volumeId'), others: [] }
        : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const volume = await attachedVolume(request);
      if (!volume) return { state: 'ready', found: done(request) };
      return { state: volume.status === 'detaching' ? 'pending' : 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

/** Cinder refuses a volume that is attached or has snapshots (400); done when it is gone. */
export function ebsDelete(account: Account): OperationHandler {
  return {
    async send(request) {
      const volume = await volumeOf(account, request);
      if (!volume) return { state: 'done', found: done(request) };
      if (!carries(volume, ...ownMarkers(request))) throw notOurs('the volume', volume.id);
      if (volume.attachments.length > 0) {
        throw new ProvisioningError('retry', 'CLD_IN_USE', `the volume ${volume.id} is still attached`);
      }
      const requestId = volume.status === 'deleting' ? null : await remove(account, request, volume.id);
      return { state: 'pending', jobId: jobOf(request, volume.id, 'gone', requestId), resourceId: volume.id };
    },
    async find(request) {
      const volume = await volumeOf(account, request);
      const begun = !volume || volume.status === 'deleting';
      // Undone twice is undone.
      return begun
        ? { state: 'found', resourceId: input(request, 'volumeId'), others: [] }
        : { state: 'absent', guarded: true };
    },
    async inspect(request) {
      const volume = await volumeOf(account, request);
      if (!volume) return { state: 'ready', found: done(request) };
      return { state: volume.status === 'deleting' ? 'pending' : 'absent' };
    },
    discard: () => Promise.resolve('gone'),
  };
}

async function remove({ client }: Account, request: OperationRequest, id: string): Promise<string | null> {
  const path = `/volumes/${pathOf(id)}`;
  const change = { service: 'volume', scope: scopeOf(request), method: 'DELETE', path } as const;
  try {
    return (await orNull(client.change(change, Anything)))?.requestId ?? null;
  } catch (error) {
    // Wrong state is 400 here: still creating, still detaching, a snapshot being removed. Later it will do.
    if (!isRefusal(error, 400)) throw error;
    throw new ProvisioningError('retry', 'CLD_IN_USE', error.message, error.details);
  }
}
