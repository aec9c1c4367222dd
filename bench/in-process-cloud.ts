import { randomUUID } from 'node:crypto';
import type { OperationName } from '../src/planner/plan.js';
import type {
  Finding,
  Found,
  Inspection,
  OperationHandler,
  OperationRequest,
  Provisioner,
  Resolution,
  ResolvedPart,
  ResolveRequest,
  Sent,
} from '../src/provisioners/provisioner.js';

interface Made {
  id: string;
  operation: OperationName;
  marker: string;
  jobId: string;
  alive: boolean;
}

/**
 * A cloud without a network or a wait, behind the real contract: what an order costs the engine and the database alone.
 * It keeps what it made, so that a benchmark that builds too much or too little is seen.
 */
export class InProcessCloud implements Provisioner {
  readonly capabilities = { detachedDisk: true, publicAddress: true };
  readonly made = new Map<string, Made>();
  private readonly byJob = new Map<string, Made>();
  readonly operations: Partial<Record<OperationName, OperationHandler>>;

  /** @param comesBack when an answer is there: at once, or later, as everything that comes over a network does */
  constructor(private readonly comesBack: () => Promise<void> = async () => {}) {
    const creates = (operation: OperationName, fact: string) => this.handler(operation, fact);
    this.operations = {
      'vm.create': creates('vm.create', 'vmId'),
      'ebs.create': creates('ebs.create', 'volumeId'),
      'ebs.attach': creates('ebs.attach', 'attachmentId'),
      'ebs.delete': creates('ebs.delete', 'deletedId'),
      'network.reserve': creates('network.reserve', 'addressId'),
      'network.bind': creates('network.bind', 'bindingId'),
      'network.release': creates('network.release', 'releasedId'),
      'default-network.ensure': creates('default-network.ensure', 'networkId'),
    };
  }

  /** How many of an operation are there. */
  count(operation: OperationName): number {
    return [...this.made.values()].filter((one) => one.operation === operation && one.alive).length;
  }

  async resolve({ order, parts }: ResolveRequest): Promise<Resolution> {
    const network = `default-network/${order.userId}`;
    return {
      state: 'resolved',
      warnings: [],
      preparations: [
        { key: network, kind: 'default-network', platformId: parts[0]?.platformId ?? '', settings: {}, lines: [] },
      ],
      parts: parts.map((part): ResolvedPart => {
        const settings = { index: part.index };
        if (part.resourceType === 'VM') {
          const inputs = { networkId: { from: network, fact: 'networkId' } };
          return { key: part.key, settings, needs: { 'vm.create': [network] }, inputs, lines: [] };
        }
        const vm = part.vmKey ? [part.vmKey] : null;
        const inputs: ResolvedPart['inputs'] = part.vmKey ? { vmId: { from: part.vmKey, fact: 'vmId' } } : {};
        const needs: ResolvedPart['needs'] =
          part.resourceType === 'EBS'
            ? { 'ebs.create': [], ...(vm && { 'ebs.attach': vm }) }
            : { 'network.reserve': [network], ...(vm && { 'network.bind': vm }) };
        return { key: part.key, settings, needs, inputs, lines: [] };
      }),
    };
  }

  async pollJobs(jobs: { jobId: string }[]) {
    return new Map(
      jobs.map(({ jobId }) => {
        const made = this.byJob.get(jobId);
        return [jobId, made ? ({ state: 'succeeded', resourceId: made.id } as const) : ({ state: 'lost' } as const)];
      }),
    );
  }

  async check() {
    return [];
  }

  async close() {}

  /** One more thing it can do. */
  adds(operation: OperationName, fact: string): void {
    this.operations[operation] = this.handler(operation, fact);
  }

  private handler(operation: OperationName, fact: string): OperationHandler {
    const find = (marker: string) => this.made.get(`${marker}/${operation}`);
    return {
      send: async ({ marker }: OperationRequest): Promise<Sent> => {
        await this.comesBack();
        const made = { id: randomUUID(), operation, marker, jobId: randomUUID(), alive: true };
        this.made.set(`${marker}/${operation}`, made);
        this.byJob.set(made.jobId, made);
        return { state: 'pending', jobId: made.jobId, resourceId: made.id };
      },
      find: async ({ marker }): Promise<Finding> => {
        await this.comesBack();
        const made = find(marker);
        return made ? { state: 'found', resourceId: made.id, others: [] } : { state: 'absent' };
      },
      inspect: async ({ marker }): Promise<Inspection> => {
        await this.comesBack();
        const made = find(marker);
        return made ? { state: 'ready', found: toFound(made, fact) } : { state: 'absent' };
      },
      discard: async ({ marker }) => {
        this.made.delete(`${marker}/${operation}`);
        return 'gone';
      },
    };
  }
}

function toFound(made: Made, fact: string): Found {
  return { resourceId: made.id, facts: { [fact]: made.id }, startedAt: null };
}
