import { HiddenIds } from '../../hidden-ids.js';
import { findMarker, type AuditEntry, type SimulatorControl } from '../../control.js';
import type { Works } from '../work.js';
import type * as identity from './identity-model.js';
import type * as model from './model.js';
import type * as network from './network-model.js';
import type * as storage from './storage-model.js';
import { Addresses } from './addresses.js';
import { Quotas } from './quotas.js';
import { Table } from './table.js';

/** Deleted servers stay readable in lists of changes; the oldest are forgotten first. */
const keptDeletedServers = 20_000;

/** Everything one simulated OpenStack knows. A reset makes a new one. */
export class Cloud {
  readonly domains = new Map<string, identity.Domain>();
  readonly projects = new Map<string, identity.Project>();
  readonly users = new Map<string, identity.User>();
  readonly roles = new Map<string, identity.Role>();
  grants: identity.Grant[] = [];
  readonly applicationCredentials = new Map<string, identity.ApplicationCredential>();
  readonly tokens = new Map<string, identity.Token>();

  readonly flavors = new Map<string, model.Flavor>();
  readonly servers = new Table<model.Server>();
  readonly deletedServers = new Map<string, model.Server>();
  /** By server id, oldest first; kept after the server is gone. */
  readonly instanceActions = new Map<string, model.InstanceAction[]>();
  /** By `<user id>/<name>`. */
  readonly keyPairs = new Map<string, model.KeyPair>();

  readonly images = new Map<string, storage.Image>();

  readonly volumeTypes = new Map<string, storage.VolumeType>();
  readonly volumes = new Table<storage.Volume>();
  readonly snapshots = new Table<storage.Snapshot>();
  readonly backups = new Table<storage.Backup>();
  readonly messages = new Table<storage.CinderMessage>();

  readonly networks = new Table<network.Network>();
  readonly subnets = new Table<network.Subnet>();
  readonly ports = new Table<network.Port>();
  readonly routers = new Table<network.Router>();
  readonly securityGroups = new Table<network.SecurityGroup>();
  readonly floatingIps = new Table<network.FloatingIp>();
  readonly qosPolicies = new Table<network.QosPolicy>();
  /** What Neutron can do beyond its core, by alias. */
  readonly extensions = new Set([
    'router',
    'external-net',
    'security-group',
    'quotas',
    'quota_details',
    'qos',
    'qos-fip',
    'standard-attr-tag',
    'network-ip-availability',
    'standard-attr-revisions',
    'revision-if-match',
    'port-security',
    'fip-port-details',
    'standard-attr-description',
  ]);
  readonly addresses: Addresses;
  readonly quotas = new Quotas();
  readonly #portsOfDevice = new Map<string, Set<network.Port>>();
  readonly #portsOfNetwork = new Map<string, Set<network.Port>>();
  readonly floatingIpOfPort = new Map<string, network.FloatingIp>();

  /** What the running call made, for the fault that hides new things from lists. */
  createdInCall: string[] = [];
  readonly hidden = new HiddenIds();
  #serial = 1;

  constructor(
    private readonly control: SimulatorControl,
    readonly works: Works,
    readonly newId: () => string,
    readonly random: () => number,
    readonly region: string,
    readonly tokenLifeMs: number,
  ) {
    this.addresses = new Addresses();
  }

  /** Ids of Keystone: 32 hexadecimal digits. */
  newHexId(): string {
    return this.newId().replaceAll('-', '');
  }

  newMac(): string {
    const serial = this.#serial++;
    const octet = (shift: number) => (Math.floor(serial / 2 ** shift) % 256).toString(16).padStart(2, '0');
    return `fa:16:3e:${octet(16)}:${octet(8)}:${octet(0)}`;
  }

  /** `length` characters of `alphabet`. */
  randomText(length: number, alphabet: string): string {
    return Array.from({ length }, () => alphabet.charAt(Math.floor(this.random() * alphabet.length))).join('');
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
    this.control.recordEffect({ operation, effect, kind, id, marker: findMarker(texts) });
  }

  addPort(port: network.Port): network.Port {
    this.ports.add(port);
    put(this.#portsOfNetwork, port.networkId, port);
    if (port.deviceId !== '') put(this.#portsOfDevice, port.deviceId, port);
    return port;
  }

  removePort(port: network.Port): void {
    this.ports.remove(port);
    drop(this.#portsOfNetwork, port.networkId, port);
    drop(this.#portsOfDevice, port.deviceId, port);
    for (const { subnetId, ip } of port.fixedIps) this.addresses.release(subnetId, ip);
  }

  moveToDevice(port: network.Port, deviceId: string, deviceOwner: string): void {
    drop(this.#portsOfDevice, port.deviceId, port);
    port.deviceId = deviceId;
    port.deviceOwner = deviceOwner;
    if (deviceId !== '') put(this.#portsOfDevice, deviceId, port);
  }

  portsOfDevice(deviceId: string): network.Port[] {
    return [...(this.#portsOfDevice.get(deviceId) ?? [])];
  }

  portsOfNetwork(networkId: string): network.Port[] {
    return [...(this.#portsOfNetwork.get(networkId) ?? [])];
  }

  subnetsOf(network: network.Network): network.Subnet[] {
    return network.subnetIds.flatMap((id) => this.subnets.get(id) ?? []);
  }

  forgetServer(server: model.Server): void {
    this.servers.remove(server);
    this.deletedServers.set(server.id, server);
    if (this.deletedServers.size <= keptDeletedServers) return;
    for (const oldest of this.deletedServers.keys()) {
      this.deletedServers.delete(oldest);
      this.instanceActions.delete(oldest);
      return;
    }
  }
}

function put<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function drop<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
