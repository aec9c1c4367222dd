import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { Found, Inspection, OperationHandler, OperationRequest } from '../provisioner.js';
import { findJob, findJobs, isPendingJob, leadsTo, type MadeByJob } from './jobs.js';
import { listKnown, readOne } from './lookup.js';
import { isRefusal } from './refusals.js';
import { Address, Success } from './schema.js';
import { adoptEarlier, input, notOurs, ownMarkers } from '../requests.js';
import { type Account, submit } from './submit.js';
import { ownerOf } from './tenant.js';

/** What `resolve` decided for an address. Network and VPC come as inputs where a preparation makes them. */
export const AddressSettings = z.object({
  bandwidthMbps: z.number(),
  networkId: z.string().optional(),
  /** Addresses of a VPC belong to the VPC, those of a plain isolated network to the network. */
  vpcId: z.string().optional(),
});
export type AddressSettings = z.infer<typeof AddressSettings>;

export const markerTag = 'orderwright-marker';
const markerOf = (address: Address): string | null => address.tags.find(({ key }) => key === markerTag)?.value ?? null;

const readAddress = async ({ client }: Account, id: string): Promise<Address | null> => {
  const address = await readOne(client, 'listPublicIpAddresses', id, 'publicipaddress', Address);
  return address && address.state !== 'Free' ? address : null;
};

function describe(address: Address, settings: AddressSettings, marker: string): Found {
  return {
    resourceId: address.id,
    facts: {
      addressId: address.id,
      ...(address.ipaddress === null ? {} : { ipAddress: address.ipaddress }),
      bandwidthMbps: String(settings.bandwidthMbps),
      ...(address.allocated === null ? {} : { allocatedAt: address.allocated }),
      marker,
    },
    startedAt: address.allocated,
  };
}

/**
 * A released address goes back to the pool and keeps its id (`unassignIpAddress` writes the same row), so the id alone does
 * not tell whose it is now. The server allocates an address before it accepts the job that will make it usable: one that was
 * allocated later than the job belongs to somebody else. Both times come in whole seconds.
 */
const madeByJob = ({ allocated }: Address, { jobCreatedAt }: MadeByJob): boolean =>
  allocated === null || jobCreatedAt === null || Date.parse(allocated) <= Date.parse(jobCreatedAt) + 2_000;

/** Whether ours was released, and this is what the next one got under the same id. */
const isAllocatedAnew = ({ allocated }: Address, { inputs }: OperationRequest): boolean =>
  allocated !== null && inputs['allocatedAt'] !== undefined && allocated > inputs['allocatedAt'];

const oldestAllocated = (rows: Address[]): Address[] =>
  rows.toSorted((a, b) => (a.allocated ?? '').localeCompare(b.allocated ?? '') || a.id.localeCompare(b.id));

/** In a VPC an address belongs to the VPC and must not name a tier; elsewhere to its network. The plan's own comes first. */
function placeOf(request: OperationRequest): { vpcid?: string; associatednetworkid?: string } {
  const { networkId, vpcId } = AddressSettings.parse(request.settings);
  const vpcid = networkId === undefined && vpcId === undefined ? request.inputs['vpcId'] : vpcId;
  return vpcid === undefined ? { associatednetworkid: networkId ?? input(request, 'networkId') } : { vpcid };
}

/**
 * An address has no name and takes no text when it is made; the marker is a tag, put on by a second job. What keeps a
 * lost answer from buying two addresses, in the order in which it is looked at:
 *
 * 1. The job. `associateIpAddress` runs under a job id that was stored before the request left; if the request arrived,
 *    that job names the address (`jobinstanceid`), tagged or not, even when the job says that it failed. Jobs are kept for
 *    a day after they end. The ids of earlier attempts are asked for too, so that a request that arrived late is taken
 *    over, or named as left over.
 * 2. The tag, for attempts whose job id is no longer known: once the tag stage is through, the address is found by it.
 * 3. Time: the engine asks several times over the settle window before it believes an absence and sends again.
 *
 * What is left: a request that arrives later than the settle window, a server that dies between making the record and
 * the job, and an order that lay untagged for more than a day. All three end in an untagged address in the tenant's own
 * VPC, never in one that is billed as this order's. We do not adopt untagged addresses: between its two jobs every other
 * order's address looks just like that, and so does one the customer took himself.
 */
export function networkReserve(account: Account): OperationHandler {
  const { client, catalogue } = account;

  const tagged = async (request: OperationRequest): Promise<Address[]> => {
    const filter = { 'tags[0].key': markerTag, 'tags[0].value': request.marker, listall: true };
    const rows = await client.list('listPublicIpAddresses', filter, 'publicipaddress', Address);
    // Oldest first; some versions ignore the filter, so the comparison is ours.
    return oldestAllocated(
      rows.filter((one) => markerOf(one) === request.marker && one.state !== 'Free' && one.state !== 'Releasing'),
    );
  };

  /**
   * A server before 4.5 takes no job id from us, so there an untagged address may be what a lost answer left. Only when
   * there is none is the absence certain; otherwise a person has to say whose it is.
   */
  async function absentForCertain(request: OperationRequest): Promise<{ state: 'absent' }> {
    if (await catalogue.takesJobIds()) return { state: 'absent' };
    const rows = await listKnown(client, 'listPublicIpAddresses', placeOf(request), 'publicipaddress', Address);
    const unclaimed = rows.filter((one) => !one.issourcenat && !one.isstaticnat && markerOf(one) === null);
    if (unclaimed.length === 0) return { state: 'absent' };
    const ids = unclaimed.map(({ id }) => id).join(', ');
    const message = `this old server cannot tell whether an address was reserved; nobody claims ${ids}: tag or release them`;
    throw new ProvisioningError('ask-human', 'CLD_RESPONSE_UNKNOWN', message);
  }

  const handler: OperationHandler = {
    async send(request) {
      if (request.stage === 'tag') return tag(request);
      const { vpcid, associatednetworkid } = placeOf(request);
      return (
        (await adoptEarlier(account, handler, request)) ??
        submit(account, request, 'associateIpAddress', { ...ownerOf(request), vpcid, networkid: associatednetworkid })
      );
    },

    async find(request) {
      if (request.stage === 'tag') {
        const addressId = input(request, 'addressId');
        const { follow } = await findJobs(client, request);
        if (follow) return { ...follow, resourceId: addressId };
        const address = await readAddress(account, addressId);
        const done = address !== null && markerOf(address) === request.marker;
        return done ? { state: 'found', resourceId: addressId, others: [] } : { state: 'absent' };
      }
      const { follow, made } = await findJobs(client, request);
      if (follow && request.earlierRequestIds.length === 0) return follow;
      const marked = await tagged(request);
      // Before its tag an address is known by its job alone, and so is what a late request made beside it.
      const unmarked = await Promise.all(
        made
          .filter(({ id }) => marked.every((one) => one.id !== id))
          .map(async (job) => {
            const one = await readAddress(account, job.id);
            return one && markerOf(one) === null && madeByJob(one, job) ? [one] : [];
          }),
      );
      const [address, ...others] = [...marked, ...oldestAllocated(unmarked.flat())];
      if (follow && others.length === 0 && leadsTo(follow, address)) return follow;
      if (!address) return absentForCertain(request);
      return { state: 'found', resourceId: address.id, others: others.map(({ id }) => id) };
    },

    async inspect(request, resourceId): Promise<Inspection> {
      // The tag job names no resource: the address is remembered from the stage before.
      const address = await readAddress(account, request.memo['addressId'] ?? resourceId);
      if (!address) return { state: 'absent' };
      if (address.state !== 'Allocated') return { state: 'pending' };
      const settings = AddressSettings.parse(request.settings);
      const carried = markerOf(address);
      if (carried === request.marker) return { state: 'ready', found: describe(address, settings, request.marker) };
      if (carried !== null) throw notOurs('the address', address.id);
      // Still without its tag after the tag stage: absent is what is true of the tag, so it is asked for again.
      return request.stage === 'tag'
        ? { state: 'absent' }
        : {
            state: 'next',
            stage: 'tag',
            // All that may have reserved it: which attempt it was is not known here.
            memo: { addressId: address.id, reservedBy: [request.requestId, ...request.earlierRequestIds].join(',') },
            resourceId: address.id,
          };
    },

    async discard(request, resourceId) {
      const address = await readAddress(account, resourceId);
      if (!address) return 'gone';
      if (address.state === 'Releasing') return 'in-progress';
      const whose = await ownership(address, request);
      if (whose === 'foreign') throw notOurs('the address', address.id);
      if (whose === 'released') return 'gone';
      await client.change('disassociateIpAddress', { id: address.id }, z.unknown());
      return 'in-progress';
    },
  };

  /** Whose the address is now. Before its tag the proof is the job: we chose its id, and it names this address. */
  async function ownership(address: Address, request: OperationRequest): Promise<'ours' | 'released' | 'foreign'> {
    if (markerOf(address) === request.marker) return 'ours';
    if (isAllocatedAnew(address, request)) return 'released';
    const [requestId = request.requestId, ...earlierRequestIds] = request.memo['reservedBy']?.split(',') ?? [
      request.requestId,
      ...request.earlierRequestIds,
    ];
    const job = (await findJobs(client, { requestId, earlierRequestIds })).made.find(({ id }) => id === address.id);
    if (!job) return 'foreign';
    if (!madeByJob(address, job)) return 'released';
    return markerOf(address) === null ? 'ours' : 'foreign';
  }

  async function tag(request: OperationRequest) {
    const addressId = input(request, 'addressId');
    try {
      const sent = await submit(account, request, 'createTags', {
        resourceids: addressId,
        resourcetype: 'PublicIpAddress',
        'tags[0].key': markerTag,
        'tags[0].value': request.marker,
      });
      return { ...sent, resourceId: addressId };
    } catch (error) {
      // A second tag of one key is refused: look whether it is ours.
      if (!isRefusal(error, 431)) throw error;
      const address = await readAddress(account, addressId);
      if (!address || markerOf(address) !== request.marker) throw error;
      const settings = AddressSettings.parse(request.settings);
      return { state: 'done' as const, found: describe(address, settings, request.marker) };
    }
  }

  return handler;
}

/** Binding is a state of the address. Repeating it on the same VM is harmless: a refusal means "look at the address". */
export function networkBind(account: Account): OperationHandler {
  /** Throws when the address serves another machine: taking it away would cut someone off. */
  async function bound(request: OperationRequest): Promise<Found | null> {
    const address = await readAddress(account, input(request, 'addressId'));
    if (!address?.isstaticnat) return null;
    if (address.virtualmachineid !== input(request, 'vmId')) {
      throw new ProvisioningError('ask-human', 'CLD_CONTRADICTION', `the address ${address.id} is bound to another VM`);
    }
    return {
      resourceId: address.id,
      facts: { addressId: address.id, ...(address.ipaddress === null ? {} : { ipAddress: address.ipaddress }) },
      startedAt: null,
    };
  }

  return {
    async send(request) {
      const addressId = input(request, 'addressId');
      const settings = AddressSettings.parse(request.settings);
      try {
        await account.client.change(
          'enableStaticNat',
          {
            ipaddressid: addressId,
            virtualmachineid: input(request, 'vmId'),
            networkid: settings.networkId ?? input(request, 'networkId'),
          },
          Success,
        );
      } catch (error) {
        if (!isRefusal(error, 431, 537)) throw error;
        const found = await bound(request);
        if (!found) throw error;
        return { state: 'done', found };
      }
      // The answer says no more than "success"; the address itself tells billing which one it is.
      const found = await bound(request);
      return { state: 'done', found: found ?? { resourceId: addressId, facts: { addressId }, startedAt: null } };
    },
    async find(request) {
      const found = await bound(request);
      return found ? { state: 'found', resourceId: found.resourceId, others: [] } : { state: 'absent' };
    },
    async inspect(request) {
      const found = await bound(request);
      return found ? { state: 'ready', found } : { state: 'absent' };
    },
    discard: async () => 'gone',
  };
}

/** Done when the address serves no machine, or is gone. `find`/`inspect` speak of the effect, as for vm.delete. */
export function networkUnbind(account: Account): OperationHandler {
  return undoing(account, 'disableStaticNat', 'ipaddressid', (address) => !address.isstaticnat);
}

/** Done when the address is free again. */
export function networkRelease(account: Account): OperationHandler {
  return undoing(account, 'disassociateIpAddress', 'id', () => false);
}

function undoing(
  account: Account,
  command: string,
  idParameter: string,
  isUndone: (address: Address) => boolean,
): OperationHandler {
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'addressId'),
    facts: {},
    startedAt: null,
  });
  const remaining = async (request: OperationRequest): Promise<Address | null> => {
    const address = await readAddress(account, input(request, 'addressId'));
    return address && !isUndone(address) && !isAllocatedAnew(address, request) ? address : null;
  };
  return {
    async send(request) {
      const address = await remaining(request);
      if (!address) return { state: 'done', found: done(request) };
      if (!ownMarkers(request).includes(markerOf(address) ?? '')) throw notOurs('the address', address.id);
      return { ...(await submit(account, request, command, { [idParameter]: address.id })), resourceId: address.id };
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return { ...job, resourceId: input(request, 'addressId') };
      const address = await remaining(request);
      return address ? { state: 'absent' } : { state: 'found', resourceId: input(request, 'addressId'), others: [] };
    },
    async inspect(request) {
      const address = await remaining(request);
      if (!address) return { state: 'ready', found: done(request) };
      return address.state === 'Releasing' || isPendingJob(address.jobstatus)
        ? { state: 'pending' }
        : { state: 'absent' };
    },
    discard: async () => 'gone',
  };
}
