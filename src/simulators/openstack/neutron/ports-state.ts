import { neutronError } from '../errors.js';
import { isInside } from '../state/addresses.js';
import type { Cloud } from '../state/cloud.js';
import type { FixedIp, Network, Port, Subnet } from '../state/network-model.js';

export interface PortWish {
  id?: string;
  projectId: string;
  networkId: string;
  name?: string | undefined;
  description?: string | undefined;
  /** Null: one address of the network, wherever there is one. */
  fixedIps: { subnetId?: string | undefined; ip?: string | undefined }[] | null;
  securityGroupIds: string[];
  deviceId?: string | undefined;
  deviceOwner?: string | undefined;
  mac?: string | undefined;
  status?: string;
  adminStateUp?: boolean | undefined;
  portSecurity?: boolean | undefined;
  qosPolicyId?: string | null | undefined;
  allowedAddressPairs?: Port['allowedAddressPairs'] | undefined;
  madeByNova?: boolean;
}

/**
 * Makes a port; quota and rights are the caller's business.
 * @throws 409 `IpAddressAlreadyAllocated`, 409 `IpAddressGenerationFailure`, 400 `InvalidIpForSubnet`, 404 `SubnetNotFound`
 */
export function makePort(cloud: Cloud, network: Network, wish: PortWish): Port {
  const id = wish.id ?? cloud.newId();
  const fixedIps = takeAddresses(cloud, network, id, wish.fixedIps);
  const now = Date.now();
  return cloud.addPort({
    id,
    projectId: wish.projectId,
    createdMs: now,
    updatedMs: now,
    name: wish.name ?? '',
    description: wish.description ?? '',
    revision: 1,
    tags: [],
    networkId: network.id,
    mac: wish.mac ?? cloud.newMac(),
    fixedIps,
    deviceId: wish.deviceId ?? '',
    deviceOwner: wish.deviceOwner ?? '',
    status: wish.status ?? 'DOWN',
    adminStateUp: wish.adminStateUp ?? true,
    securityGroupIds: wish.securityGroupIds,
    qosPolicyId: wish.qosPolicyId ?? null,
    portSecurity: wish.portSecurity ?? network.portSecurity,
    allowedAddressPairs: wish.allowedAddressPairs ?? [],
    bindingHost: '',
    madeByNova: wish.madeByNova ?? false,
  });
}

/** All or none. */
export function takeAddresses(cloud: Cloud, network: Network, portId: string, wanted: PortWish['fixedIps']): FixedIp[] {
  const subnets = cloud.subnetsOf(network);
  if (wanted === null) {
    if (subnets.length === 0) return [];
    for (const subnet of subnets) {
      const ip = cloud.addresses.takeAny(subnet, portId);
      if (ip !== null) return [{ subnetId: subnet.id, ip }];
    }
    throw noMore(network);
  }
  const taken: FixedIp[] = [];
  try {
    for (const one of wanted) taken.push(takeAddress(cloud, network, subnets, portId, one));
  } catch (error) {
    for (const { subnetId, ip } of taken) cloud.addresses.release(subnetId, ip);
    throw error;
  }
  return taken;
}

function takeAddress(
  cloud: Cloud,
  network: Network,
  subnets: Subnet[],
  portId: string,
  { subnetId, ip }: { subnetId?: string | undefined; ip?: string | undefined },
): FixedIp {
  const subnet =
    subnetId === undefined ? subnets.find((one) => ip !== undefined && isInside(one, ip)) : cloud.subnets.get(subnetId);
  if (subnet === undefined || subnet.networkId !== network.id) {
    if (subnetId === undefined) {
      throw neutronError(
        400,
        'InvalidIpForNetwork',
        `IP address ${ip ?? ''} is not a valid IP for any of the subnets on the specified network.`,
      );
    }
    throw neutronError(404, 'SubnetNotFound', `Subnet ${subnetId} could not be found.`);
  }
  if (ip === undefined) {
    const any = cloud.addresses.takeAny(subnet, portId);
    if (any === null) throw noMore(network);
    return { subnetId: subnet.id, ip: any };
  }
  if (!isInside(subnet, ip)) {
    throw neutronError(400, 'InvalidIpForSubnet', `IP address ${ip} is not a valid IP for the specified subnet.`);
  }
  if (cloud.addresses.isTaken(subnet.id, ip)) {
    throw neutronError(409, 'IpAddressAlreadyAllocated', `IP address ${ip} already allocated in subnet ${subnet.id}`);
  }
  cloud.addresses.take(subnet.id, ip, portId);
  return { subnetId: subnet.id, ip };
}

const noMore = (network: Network) =>
  neutronError(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${network.id}.`);

/** Takes a port away, with the binding of a floating IP to it. */
export function removePort(cloud: Cloud, port: Port): void {
  const floating = cloud.floatingIpOfPort.get(port.id);
  if (floating !== undefined) {
    cloud.floatingIpOfPort.delete(port.id);
    Object.assign(floating, {
      portId: null,
      fixedIp: null,
      routerId: null,
      status: 'DOWN',
      wiring: floating.wiring + 1,
    });
  }
  cloud.removePort(port);
}
