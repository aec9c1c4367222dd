import type { Call } from '../call.js';
import { invalidParameter, noCapacity } from '../errors.js';
import { checkStorageTags } from './disks.js';
import type { ServiceOffering } from './catalogue-model.js';
import type { Vm, VmState } from './model.js';

/** Jobs on one VM run one after the other. */
export function queueOf(vm: Vm): string {
  return `vm:${vm.id}`;
}

/** 533 in the job when no host or pool fits: no host of the simulated cloud carries a tag. */
export function checkPlaceable(_call: Call, vm: Vm, offering: ServiceOffering): void {
  if (offering.hostTags !== null) {
    throw noCapacity(
      `Unable to create a deployment for VM[User|${vm.instanceName}]: no host with tags ${offering.hostTags}`,
      4335,
    );
  }
  checkStorageTags(offering.tags);
}

export function requireState(vm: Vm, allowed: VmState[], what: string): void {
  if (allowed.includes(vm.state)) return;
  throw invalidParameter(`Unable to ${what}: VM[User|${vm.instanceName}] is in state ${vm.state}`);
}

const passwordAlphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** What deploy and reset take from 4.19 on: the caller's `password`, or a new one. A restore takes none. */
export function chosenPassword(call: Call): string {
  return (call.behaviour.ownPassword ? call.params.text('password') : undefined) ?? newPassword(call);
}

/** 6 characters, `vm.password.length`'s default. */
export function newPassword(call: Call): string {
  const draw = () => passwordAlphabet.charAt(Math.floor(call.cloud.random() * passwordAlphabet.length));
  return Array.from({ length: 6 }, draw).join('');
}

/** `vm.userdata.max.length`'s default. */
const maxUserdataBytes = 32_768;

/** User data comes as base64 text. */
export function userdataOf(call: Call): string | null {
  const text = call.params.text('userdata');
  if (text === undefined) return null;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalidParameter('User data is not base64');
  if (Buffer.byteLength(text, 'base64') > maxUserdataBytes) throw invalidParameter('User data is too long');
  return text;
}
