import { assign, fromPromise, setup } from 'xstate';
import { type CloudStack, type Reply, retry } from './cloudstack.js';
import type { Order } from './order.js';

type Step = { kind: 'vm' | 'volume' | 'attach' | 'address' | 'bind'; resourceId: string };
/** What is left to do, and the ids of what was made, by kind and item. */
export type Context = { order: Order; steps: Step[]; made: Record<string, string>; jobId?: string; failure?: string };

/** The VM, then each disk and its attaching, then the address and its binding. */
function stepsOf({ workOrderItems }: Order): Step[] {
  const kinds = { VM: ['vm'], EBS: ['volume', 'attach'], NETWORK: ['address', 'bind'] } as const;
  const steps = workOrderItems.flatMap(({ resourceType: type, resourceId }) =>
    kinds[type].map((kind) => ({ kind, resourceId, rank: Object.keys(kinds).indexOf(type) })),
  );
  return steps.toSorted((a, b) => a.rank - b.rank);
}

async function submit(cloud: CloudStack, { order, steps: [step], made }: Context): Promise<Reply> {
  const { workOrderItems: items, userId } = order;
  const item = items.find(({ resourceId }) => resourceId === step?.resourceId);
  const vmItem = items.find(({ resourceType }) => resourceType === 'VM');
  if (!step || !item || !vmItem) throw new Error('an order needs a VM');
  const { workOrderItemConfig: vm, resourceId: vmKey } = vmItem;
  const { volumeType, volumeSize: size } = item.workOrderItemConfig;
  const call = (...request: Parameters<CloudStack['call']>) => retry(() => cloud.call(...request));
  const networkofferingid = await cloud.named('NetworkOffering', 'DefaultIsolatedNetworkOfferingWithSourceNatService');
  const range = { gateway: '10.1.0.1', netmask: '255.255.0.0', zoneid: vm.zoneId, networkofferingid };
  const networkid = await cloud.named('Network', `net-${userId}`, range);
  const [virtualmachineid, ipaddressid] = [made[`vm ${vmKey}`], made[`address ${step.resourceId}`]];
  switch (step.kind) {
    case 'vm': {
      const address = items.find(({ resourceType }) => resourceType === 'NETWORK')?.workOrderItemConfig;
      const shape = { cpunumber: vm.cpuNum, cpuspeed: 1_000, memory: vm.memSize * 1_024 };
      const rated = { ...shape, networkrate: address?.newBandwidthValue ?? 0 };
      const serviceofferingid = await cloud.named('ServiceOffering', Object.values(rated).join('-'), rated);
      const names = { name: `vm-${vmKey}`, displayname: vm.vmName, rootdisksize: vm.sysVolumeSize };
      const place = { zoneid: vm.zoneId, templateid: vm.imageId, networkids: networkid };
      return call('deployVirtualMachine', { ...names, ...place, serviceofferingid });
    }
    case 'volume': {
      const diskofferingid = await cloud.named('DiskOffering', volumeType);
      return call('createVolume', { name: `volume-${step.resourceId}`, diskofferingid, size, zoneid: vm.zoneId });
    }
    case 'attach':
      return call('attachVolume', { id: made[`volume ${step.resourceId}`], virtualmachineid });
    case 'address':
      return call('associateIpAddress', { networkid });
    case 'bind':
      return call('enableStaticNat', { ipaddressid, virtualmachineid, networkid });
  }
}

function noted({ steps: [step], made }: Context, { id = '', jobid }: Reply): Partial<Context> {
  return { made: { ...made, [`${step?.kind} ${step?.resourceId}`]: id }, jobId: jobid };
}

/** One actor per order: submit a step, wait for its job, next step. */
export const orderMachine = (cloud: CloudStack) =>
  setup({
    types: { context: {} as Context, input: {} as Order },
    actors: {
      submit: fromPromise<Reply, Context>(({ input }) => submit(cloud, input)),
      job: fromPromise<void, string | undefined>(async ({ input }) => (input ? cloud.job(input) : undefined)),
    },
  }).createMachine({
    context: ({ input }) => ({ order: input, steps: stepsOf(input), made: {} }),
    initial: 'submitting',
    states: {
      submitting: {
        invoke: {
          src: 'submit',
          input: ({ context }) => context,
          onDone: { target: 'waiting', actions: assign(({ context, event }) => noted(context, event.output)) },
          onError: { target: 'failed', actions: assign({ failure: ({ event }) => String(event.error) }) },
        },
      },
      waiting: {
        invoke: {
          src: 'job',
          input: ({ context }) => context.jobId,
          onDone: { target: 'next', actions: assign(({ context }) => ({ steps: context.steps.slice(1) })) },
          onError: { target: 'failed', actions: assign({ failure: ({ event }) => String(event.error) }) },
        },
      },
      next: { always: [{ guard: ({ context }) => context.steps.length > 0, target: 'submitting' }, 'completed'] },
      completed: { type: 'final' },
      failed: { type: 'final' },
    },
  });
