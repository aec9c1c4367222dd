import { invalidParameter } from '../errors.js';
import type { Cloud } from './cloud.js';
import type { Network } from './model.js';

/** 1-63 letters, digits, hyphens; no hyphen at the ends; no leading digit (reference, section 7). */
export function checkHostName(name: string): void {
  if (/^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) return;
  throw invalidParameter(
    `Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with "-" and can't start with digit`,
  );
}

/** A name is unique in its network domain, and stays taken until the VM is expunged. */
export function checkHostNameFree(cloud: Cloud, name: string, networks: Network[], exceptVmId?: string): void {
  for (const network of networks) {
    const holder = cloud.hostNameHolder(cloud.nameKeyOf(network), name);
    if (holder === undefined || holder === exceptVmId) continue;
    throw invalidParameter(
      `The vm with hostName ${name} already exists in the network domain: ${network.networkDomain}; network=Ntwk[${network.id}|Guest|${network.offeringId}]`,
    );
  }
}
