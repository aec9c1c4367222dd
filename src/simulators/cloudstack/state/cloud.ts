import { HiddenIds } from '../../hidden-ids.js';
import { findMarker, type AuditEntry, type SimulatorControl } from '../../control.js';
import { parseCidr } from '../../ipv4.js';
import { AddressPool } from './addressing.js';
import type * as catalogue from './catalogue-model.js';
import type * as model from './model.js';
import { Index, RemovedIds, Table } from './table.js';

/** Public ranges set aside for documentation and benchmarks (RFC 5737, RFC 2544): 254 + 16,382 addresses. */
const publicRanges = ['203.0.113.0/24', '198.18.0.0/18'];

/** Everything one simulated CloudStack knows. A reset makes a new one. */
export class Cloud {
  readonly removed = new RemovedIds();
  readonly domains = new Map<string, model.Domain>();
  readonly zones = new Map<string, catalogue.Zone>();
  readonly templates = new Map<string, catalogue.Template>();
  readonly serviceOfferings = new Map<string, catalogue.ServiceOffering>();
  /** Deleted ones: VMs keep running on them. */
  readonly retiredOfferings = new Map<string, catalogue.ServiceOffering>();
  readonly diskOfferings = new Map<string, catalogue.DiskOffering>();
  readonly networkOfferings = new Map<string, catalogue.NetworkOffering>();
  readonly vpcOfferings = new Map<string, catalogue.VpcOffering>();
  readonly accounts = new Table<model.Account>('Account', this.removed);
  readonly users = new Table<model.User>('User', this.removed);
  readonly projects = new Table<model.Project>('Project', this.removed);
  readonly vms = new Table<model.Vm>('VirtualMachine', this.removed);
  readonly volumes = new Table<model.Volume>('Volume', this.removed);
  readonly snapshots = new Table<model.Snapshot>('Snapshot', this.removed);
  readonly networks = new Table<model.Network>('Network', this.removed);
  readonly vpcs = new Table<model.Vpc>('Vpc', this.removed);
  readonly aclLists = new Table<model.AclList>('NetworkACLList', this.removed);
  readonly aclRules = new Table<model.AclRule>('NetworkACL', this.removed);
  readonly addresses = new Table<model.PublicAddress>('IpAddress', this.removed);
  readonly firewallRules = new Table<model.FirewallRule>('FirewallRule', this.removed);
  readonly securityGroups = new Table<model.SecurityGroup>('SecurityGroup', this.removed);
  readonly keyPairs = new Table<model.KeyPair>('SSHKeyPair', this.removed);

  readonly userByApiKey = new Map<string, model.User>();
  readonly userByName = new Map<string, model.User>();
  /** By `<domain id>/<name>`. */
  readonly accountByName = new Map<string, model.Account>();
  readonly tags = new Map<string, model.Tag[]>();
  readonly volumesOfVm = new Index<model.Volume>();
  readonly vmsOfNetwork = new Index<model.Vm>();
  readonly addressesOfVm = new Index<model.PublicAddress>();
  readonly rulesOfAddress = new Index<model.FirewallRule>();
  readonly rulesOfAclList = new Index<model.AclRule>();
  readonly networksOfVpc = new Index<model.Network>();
  /** Host names in use, by network domain; held until the VM is expunged. */
  readonly #hostNames = new Map<string, Map<string, string>>();
  readonly hidden = new HiddenIds();
  /** What the running call made, for the fault that hides new things from lists. */
  createdInCall: string[] = [];
  /** The id of every public address that was ever given out. */
  readonly addressIds = new Map<string, string>();
  readonly publicPool: AddressPool;
  #serial = 1;
  /** Synchronous requests whose work takes its time, by when they end. */
  #underWay: { ids: string[]; endsAt: number; commit: () => void }[] = [];

  constructor(
    private readonly control: SimulatorControl,
    readonly newId: () => string,
    readonly random: () => number,
    publicAddresses = Infinity,
  ) {
    let left = publicAddresses;
    const ranges = publicRanges.flatMap((text) => {
      const cidr = parseCidr(text);
      if (cidr === null || left < 1) return [];
      const range = { first: cidr.first + 1, last: Math.min(cidr.last - 1, cidr.first + left) };
      left -= range.last - range.first + 1;
      return [range];
    });
    this.publicPool = new AddressPool(ranges);
  }

  /** The number in `i-2-17-VM`, `ROOT-17` and MAC addresses. */
  nextSerial(): number {
    return this.#serial++;
  }

  newMac(): string {
    const serial = this.nextSerial();
    const octet = (shift: number) => (Math.floor(serial / 2 ** shift) % 256).toString(16).padStart(2, '0');
    return `02:00:${octet(24)}:${octet(16)}:${octet(8)}:${octet(0)}`;
  }

  /** Writes a creation, deletion or change into the audit log of the control side. */
  recordEffect(
    operation: string,
    effect: AuditEntry['effect'],
    kind: string,
    id: string,
    texts: (string | null | undefined)[] = [],
  ): void {
    if (effect === 'created') this.createdInCall.push(id);
    this.control.recordEffect({ operation, effect, kind, id, marker: this.markerOf(id, texts) });
  }

  markerOf(id: string, texts: (string | null | undefined)[]): string | null {
    return findMarker(texts) ?? findMarker((this.tags.get(id) ?? []).map((tag) => tag.value));
  }

  /** The offering of a VM, deleted or not. */
  offeringOf(vm: model.Vm): catalogue.ServiceOffering | undefined {
    return this.serviceOfferings.get(vm.serviceOfferingId) ?? this.retiredOfferings.get(vm.serviceOfferingId);
  }

  hostNameHolder(nameKey: string, name: string): string | undefined {
    return this.#hostNames.get(nameKey)?.get(name);
  }

  holdHostName(nameKey: string, name: string, vmId: string): void {
    const names = this.#hostNames.get(nameKey);
    if (names === undefined) this.#hostNames.set(nameKey, new Map([[name, vmId]]));
    else names.set(name, vmId);
  }

  releaseHostName(nameKey: string, name: string, vmId: string): void {
    const names = this.#hostNames.get(nameKey);
    if (names?.get(name) !== vmId) return;
    names.delete(name);
    if (names.size === 0) this.#hostNames.delete(nameKey);
  }

  /** VMs of one VPC share a network domain; every other network has its own. */
  nameKeyOf(network: model.Network): string {
    return network.vpcId ?? network.id;
  }

  /** The work of a request that is seen by nobody until it ends. */
  begin(ids: string[], endsAt: number, commit: () => void): void {
    this.#underWay.push({ ids, endsAt, commit });
  }

  get underWay(): number {
    return this.#underWay.length;
  }

  isUnderWay(id: string): boolean {
    return this.#underWay.some(({ ids }) => ids.includes(id));
  }

  /** When the last one that holds one of these ids ends, 0 for none. */
  heldUntil(ids: string[]): number {
    return Math.max(
      0,
      ...this.#underWay.flatMap((one) => (one.ids.some((id) => ids.includes(id)) ? [one.endsAt] : [])),
    );
  }

  /** Stores what has ended by now, in the order in which it ended. */
  settle(now: number): void {
    const ended = this.#underWay.filter(({ endsAt }) => endsAt <= now).toSorted((a, b) => a.endsAt - b.endsAt);
    this.#underWay = this.#underWay.filter(({ endsAt }) => endsAt > now);
    for (const { commit } of ended) commit();
  }

  /** Whether an account or a user has the id, or had it before it was removed. */
  hasEntity(id: string): boolean {
    return this.accounts.get(id) !== undefined || this.users.get(id) !== undefined || this.removed.has(id);
  }

  anyRowHas(id: string): boolean {
    return this.vms.get(id) !== undefined || this.volumes.get(id) !== undefined;
  }
}
