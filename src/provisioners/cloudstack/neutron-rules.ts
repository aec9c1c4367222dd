import { ProvisioningError } from '../../errors.js';
import type { Direction, WantedRule } from './security-groups.js';
import type { GroupRule, GroupWithRules } from './schema-operations.js';

/**
 * A rule as Neutron prints it, which is the form the platform's own routes show for both clouds (seed C22, E10). null
 * stands for "any". For ICMP the two ports are type and code.
 */
export interface NeutronRule {
  id: string;
  security_group_id: string;
  direction: Direction;
  ethertype: 'IPv4' | 'IPv6';
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
}

export type WantedNeutronRule = Omit<NeutronRule, 'id' | 'security_group_id'>;

/** Where a group is known by account and name, as CloudStack's rules print it, and by id, as Neutron's do. */
export type KnownGroup = Pick<GroupWithRules, 'id' | 'name' | 'account'>;

const lastPort = 65_535;
const anywhere = { IPv4: '0.0.0.0/0', IPv6: '::/0' } as const;

/**
 * The rules of a group, ingress first. A CloudStack group without egress rules lets everything out, and its first egress
 * rule shuts off the rest; no rule is made up for that here.
 *
 * @param known groups that rules may speak of; one that is not among them is printed as `account/name`, since null would
 *   read "from anywhere"
 */
export function toNeutronRules(group: GroupWithRules, known: KnownGroup[]): NeutronRule[] {
  const map = (direction: Direction) => (rule: GroupRule) => toNeutronRule(group.id, direction, rule, known);
  return [...group.ingressrule.map(map('ingress')), ...group.egressrule.map(map('egress'))];
}

function toNeutronRule(groupId: string, direction: Direction, rule: GroupRule, known: KnownGroup[]): NeutronRule {
  const ethertype = rule.cidr?.includes(':') === true ? 'IPv6' : 'IPv4';
  const [min, max] = portsOf(rule);
  return {
    id: rule.ruleid,
    security_group_id: groupId,
    direction,
    ethertype,
    protocol: neutronProtocol(rule, ethertype),
    port_range_min: min,
    port_range_max: max,
    remote_ip_prefix: rule.cidr,
    remote_group_id: rule.securitygroupname === null ? null : idOf(rule, known),
  };
}

function neutronProtocol({ protocol }: GroupRule, ethertype: NeutronRule['ethertype']): string | null {
  if (protocol === null || protocol === 'all') return null;
  // guess: CloudStack says "icmp" for both families.
  return protocol === 'icmp' && ethertype === 'IPv6' ? 'ipv6-icmp' : protocol;
}

/** `all` is printed with 0 to 0, every TCP port with 0 to 65535; Neutron knows no port 0 and says "any" by leaving both out. */
function portsOf(rule: GroupRule): [number | null, number | null] {
  const orAny = (value: number | null) => (value === -1 ? null : value);
  if (rule.protocol === 'icmp') return [orAny(rule.icmptype), orAny(rule.icmpcode)];
  if (rule.protocol !== 'tcp' && rule.protocol !== 'udp') return [null, null];
  if (rule.startport === null || rule.endport === null) return [null, null];
  if (rule.startport <= 1 && rule.endport >= lastPort) return [null, null];
  return [Math.max(1, rule.startport), rule.endport];
}

function idOf({ account, securitygroupname: name }: GroupRule, known: KnownGroup[]): string {
  return known.find((one) => one.account === account && one.name === name)?.id ?? `${account}/${name}`;
}

/** Neutron's names of protocols that CloudStack takes by number only (IANA's protocol numbers). */
const protocolNumbers: Readonly<Record<string, number>> = {
  igmp: 2,
  egp: 8,
  dccp: 33,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  ospf: 89,
  vrrp: 112,
  pgm: 113,
  sctp: 132,
  udplite: 136,
};

/**
 * What `authorizeRule` takes for a rule in Neutron's form. A rule with neither range nor group means "anywhere", which
 * CloudStack wants to be told: without either its job fails.
 *
 * @throws ProvisioningError 'reject' `CLD_PARAMETER` for what CloudStack cannot say
 */
export function fromNeutronRule(
  rule: WantedNeutronRule,
  known: KnownGroup[],
): { direction: Direction; rule: WantedRule } {
  const protocol = cloudProtocol(rule.protocol);
  const remote =
    rule.remote_group_id === null
      ? { cidrs: [rule.remote_ip_prefix ?? anywhere[rule.ethertype]] }
      : { groups: [groupOf(rule.remote_group_id, known)] };
  return { direction: rule.direction, rule: { protocol, ...portParams(protocol, rule), ...remote } };
}

function cloudProtocol(protocol: string | null): string {
  const name = protocol?.toLowerCase() ?? 'any';
  if (name === 'any' || name === 'all') return 'all';
  if (['icmpv6', 'ipv6-icmp'].includes(name)) return 'icmp';
  if (['tcp', 'udp', 'icmp'].includes(name) || (/^\d{1,3}$/.test(name) && Number(name) <= 255)) return name;
  const number = protocolNumbers[name];
  if (number === undefined) throw unsayable(`the protocol ${name}`);
  return String(number);
}

function portParams(
  protocol: string,
  { port_range_min: min, port_range_max: max }: WantedNeutronRule,
): Pick<WantedRule, 'startPort' | 'endPort' | 'icmpType' | 'icmpCode'> {
  if (protocol === 'icmp') return { icmpType: min ?? -1, icmpCode: max ?? -1 };
  if (protocol === 'tcp' || protocol === 'udp') {
    // Neutron wants both or none; one alone is taken for both, as its own command line does. guess
    return { startPort: min ?? max ?? 0, endPort: max ?? min ?? lastPort };
  }
  if (min !== null || max !== null) throw unsayable(`ports of the protocol ${protocol}`);
  return {};
}

function groupOf(id: string, known: KnownGroup[]): { account: string; name: string } {
  const group = known.find((one) => one.id === id);
  // A group of a project has no account to name it by.
  if (group?.account === undefined || group.account === null) throw unsayable(`the group ${id}`);
  return { account: group.account, name: group.name };
}

function unsayable(what: string): ProvisioningError {
  return new ProvisioningError('reject', 'CLD_PARAMETER', `a CloudStack security group rule cannot name ${what}`);
}
