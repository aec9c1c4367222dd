import { z } from 'zod';
import { OutcomeUnknownError } from '../../errors.js';
import type { Found, Inspection, OperationHandler, OperationRequest } from '../provisioner.js';
import { isRefusal } from './refusals.js';
import { findJob, findJobs, isPendingJob, leadsTo } from './jobs.js';
import { readOne } from './lookup.js';
import { passwordFrom, passwordParams } from './password.js';
import { VirtualMachine } from './schema.js';
import { input, notOurs, ownMarkers } from '../requests.js';
import { type Account, oldestFirst, submit } from './submit.js';
import { ownerOf } from './tenant.js';

/** What `resolve` decided for a VM. The host name lacks the marker, which is only known when the operation starts. */
export const VmSettings = z.object({
  hostName: z.string(),
  displayName: z.string(),
  zoneId: z.string(),
  templateId: z.string(),
  /** Whether the template lets the server set a password. */
  passwordEnabled: z.boolean(),
  hasRootPassword: z.boolean(),
  /** Absent when a preparation makes the offering first; then it is an input. */
  serviceOfferingId: z.string().optional(),
  /** `cpuNumber`, `memory`, `cpuSpeed`: exactly those the customised offering leaves open, others are refused. */
  details: z.record(z.string(), z.string()).optional(),
  rootDiskGib: z.number().optional(),
  /** Absent for the tenant's default network; then it is an input. The first is the default card's. */
  networkIds: z.array(z.string()).optional(),
  securityGroupIds: z.array(z.string()).optional(),
  keyPair: z.string().optional(),
});
export type VmSettings = z.infer<typeof VmSettings>;

/** Still there for the customer? A `Destroyed` one waits to be expunged, and keeps its host name until then. */
const isGone = (state: string): boolean => ['Destroyed', 'Expunging', 'Expunged'].includes(state);

/**
 * The marker is part of the host name, which the server lets only one VM of a network have until it is expunged: a late first request and
 * a resend cannot both win, unless both are at the same point in the same instant. The customer's text is the display name.
 */
export const hostNameOf = (settings: Pick<VmSettings, 'hostName'>, marker: string): string =>
  `${settings.hostName}-${marker}`;

export function vmCreate(account: Account): OperationHandler {
  const { client, catalogue } = account;

  async function named(request: OperationRequest): Promise<VirtualMachine[]> {
    const name = hostNameOf(VmSettings.parse(request.settings), request.marker);
    // The filter is a LIKE up to 4.13 and exact in 4.22; the comparison that counts is ours.
    const rows = await client.list('listVirtualMachines', { name, listall: true }, 'virtualmachine', VirtualMachine);
    return oldestFirst(rows.filter((vm) => vm.name === name && !isGone(vm.state)));
  }

  const passwordOf = async (settings: VmSettings) =>
    passwordFrom(settings.hasRootPassword, settings.passwordEnabled, await catalogue.takesPasswords());

  const handler: OperationHandler = {
    async send(request) {
      if (request.stage === 'start')
        return submit(account, request, 'startVirtualMachine', { id: input(request, 'vmId') });
      const settings = VmSettings.parse(request.settings);
      const from = await passwordOf(settings);
      const secret = settings.hasRootPassword ? await request.openSecret('rootPassword') : undefined;
      try {
        return await submit(account, request, 'deployVirtualMachine', {
          ...ownerOf(request),
          name: hostNameOf(settings, request.marker),
          displayname: settings.displayName,
          zoneid: settings.zoneId,
          templateid: settings.templateId,
          serviceofferingid: settings.serviceOfferingId ?? input(request, 'serviceOfferingId'),
          // Always named: without it an Advanced zone picks or even makes a network by itself.
          networkids: settings.networkIds?.join(',') ?? input(request, 'networkId'),
          securitygroupids: settings.securityGroupIds?.join(','),
          rootdisksize: settings.rootDiskGib,
          keypair: settings.keyPair,
          ...Object.fromEntries(
            Object.entries(settings.details ?? {}).map(([key, value]) => [`details[0].${key}`, value]),
          ),
          ...passwordParams(from, secret),
        });
      } catch (error) {
        if (!isRefusal(error, 431)) throw error;
        // "This host name is taken": by an earlier request of ours, for nobody else has the marker in his. An empty list proves nothing
        // then: that VM may not be expunged yet.
        const isNameTaken = error.message.includes(hostNameOf(settings, request.marker));
        // Any other refusal is one, unless an earlier request has left something: then a look-up of the engine's goes before it.
        if (!isNameTaken && (await handler.find(request)).state === 'absent') throw error;
        throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', `an earlier attempt may have made it: ${error.message}`);
      }
    },

    async find(request) {
      const { follow } = await findJobs(client, request);
      if (follow && request.earlierRequestIds.length === 0) return follow;
      // The server looks whether the host name is free before it stores the VM, and no unique key stands behind it: two requests in the same
      // instant can both have made one.
      const [vm, ...others] = await named(request);
      if (follow && others.length === 0 && leadsTo(follow, vm)) return follow;
      if (!vm) return { state: 'absent' };
      // A job we no longer know the id of (an earlier attempt's): newer servers name it beside the VM.
      if (others.length === 0 && vm.jobid !== null && isPendingJob(vm.jobstatus)) {
        return { state: 'job', jobId: vm.jobid, resourceId: vm.id };
      }
      return { state: 'found', resourceId: vm.id, others: others.map(({ id }) => id) };
    },

    async inspect(request, resourceId): Promise<Inspection> {
      const vm = await readVm(account, request.memo['vmId'] ?? resourceId);
      if (!vm || isGone(vm.state)) return { state: 'absent' };
      if (isPendingJob(vm.jobstatus)) return { state: 'pending' };
      switch (vm.state) {
        case 'Running': {
          const settings = VmSettings.parse(request.settings);
          return { state: 'ready', found: describe(vm, request.marker, await passwordOf(settings)) };
        }
        case 'Error':
          return {
            state: 'broken',
            code: 'CLD_RESOURCE_ERROR',
            message: `the VM ${vm.id} is in the state ${vm.state}`,
          };
        case 'Stopped':
          // Before its deploy job begins, and after a start that failed, a VM is Stopped. It was bought running, so start
          // it; should the deploy still be queued, the start waits behind it and then fails as "already running", which
          // harms nothing. Stopped even after our own start: there is something wrong with it.
          return request.stage === 'start'
            ? { state: 'broken', code: 'CLD_RESOURCE_ERROR', message: `the VM ${vm.id} stays stopped after a start` }
            : { state: 'next', stage: 'start', memo: { vmId: vm.id }, resourceId: vm.id };
        default:
          // On its way, or Unknown to its host, which passes.
          return { state: 'pending' };
      }
    },

    async discard(request, resourceId) {
      const vm = await readVm(account, resourceId);
      if (!vm || vm.state === 'Expunged') return 'gone';
      if (!vm.name.endsWith(`-${request.marker}`)) throw notOurs('the VM', vm.id);
      // Destroyed is not enough: until the expunge the host name stays taken and the next attempt would be refused.
      if (vm.state !== 'Expunging' && !isPendingJob(vm.jobstatus))
        await destroy(vm.id, (params) => client.change('destroyVirtualMachine', params, z.unknown()));
      return 'in-progress';
    },
  };
  return handler;
}

/** Done when the VM is gone for the customer. `find` and `inspect` speak of the effect: found/ready = gone, absent = still there. */
export function vmDelete(account: Account): OperationHandler {
  const gone = (vmId: string): Found => ({ resourceId: vmId, facts: {}, startedAt: null });
  return {
    async send(request) {
      const vmId = input(request, 'vmId');
      const vm = await readVm(account, vmId);
      if (!vm || isGone(vm.state)) return { state: 'done', found: gone(vmId) };
      if (!ownMarkers(request).some((marker) => vm.name.endsWith(`-${marker}`))) throw notOurs('the VM', vmId);
      return destroy(vmId, (params) => submit(account, request, 'destroyVirtualMachine', params));
    },
    async find(request) {
      const job = await findJob(account.client, request.requestId);
      if (job) return job;
      const vmId = input(request, 'vmId');
      const vm = await readVm(account, vmId);
      return !vm || isGone(vm.state) ? { state: 'found', resourceId: vmId, others: [] } : { state: 'absent' };
    },
    async inspect(request) {
      const vmId = input(request, 'vmId');
      const vm = await readVm(account, vmId);
      // A tenant who may not expunge leaves the VM Destroyed: unusable and unbilled, the cloud's own clock does the rest.
      if (!vm || vm.state === 'Destroyed' || vm.state === 'Expunged') return { state: 'ready', found: gone(vmId) };
      if (vm.state === 'Expunging' || vm.state === 'Stopping' || isPendingJob(vm.jobstatus))
        return { state: 'pending' };
      return { state: 'absent' };
    },
    discard: async () => 'gone',
  };
}

/** Expunging at once frees name and quota, and is a right not every tenant has (531). */
export async function destroy<T>(
  id: string,
  send: (params: { id: string; expunge?: boolean }) => Promise<T>,
): Promise<T> {
  try {
    return await send({ id, expunge: true });
  } catch (error) {
    if (isRefusal(error, 531)) return send({ id });
    throw error;
  }
}

const readVm = ({ client }: Account, id: string): Promise<VirtualMachine | null> =>
  readOne(client, 'listVirtualMachines', id, 'virtualmachine', VirtualMachine);

function describe(vm: VirtualMachine, marker: string, from: string): Found {
  const nic = vm.nic.find(({ isdefault }) => isdefault) ?? vm.nic[0];
  return {
    resourceId: vm.id,
    facts: {
      vmId: vm.id,
      hostName: vm.name,
      marker,
      passwordFrom: from,
      ...(nic?.ipaddress ? { privateIp: nic.ipaddress } : {}),
      ...(nic?.networkid ? { networkId: nic.networkid } : {}),
    },
    startedAt: vm.created,
  };
}
