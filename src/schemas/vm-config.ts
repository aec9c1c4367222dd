import { z } from 'zod';
import type { JsonObject } from '../json.js';
import {
  amount,
  configFamily,
  displayName,
  field,
  isAbsent,
  optionalId,
  optionalWhole,
  quoted,
  storageType,
  textId,
  uuid,
  Wrong,
} from './wire.js';
import type { VmConfig } from './work-order.js';

const control = /[\p{Cc}\u2028\u2029]/u;

/** `workOrderItemConfig` of a VM, 18 fields. Sizes are GB on the wire and GiB to every cloud (decision Q10, Q12). */
export const VmConfigMessage = z.object({
  vmName: displayName(false),
  vmNumber: amount({ min: 1, max: 100, unit: 'machines', over: 'CFG_NUMBER_LIMIT' }),
  cpuNum: amount({ min: 1, max: 1024, unit: 'cores' }),
  memSize: amount({ min: 1, max: 16_384, unit: 'GB' }),
  sysVolumeSize: amount({ min: 1, max: 65_536, unit: 'GB' }),
  sysVolumeType: storageType,
  imageId: uuid(configFamily),
  platformId: textId(configFamily),
  // Not every cloud's zones are UUIDs, so any id goes.
  zoneId: textId(configFamily),
  networkId: optionalId(configFamily),
  networkCards: field({ type: ['array', 'null'], items: { type: 'object' } }, (value) => {
    if (isAbsent(value) || value === '') return [];
    if (!Array.isArray(value)) return new Wrong('CFG_FIELD_TYPE', `expected an array of objects, got ${quoted(value)}`);
    const cards: JsonObject[] = [];
    for (const card of value as unknown[]) {
      if (typeof card !== 'object' || card === null || Array.isArray(card)) {
        return new Wrong('CFG_FIELD_TYPE', `expected an array of objects, got ${quoted(card)} in it`);
      }
      if (Object.keys(card).length > 0) cards.push(card as JsonObject);
    }
    return cards;
  }),
  securityGroupId: optionalId(configFamily),
  keyPairId: optionalId(configFamily),
  // Its value is never quoted, whatever is wrong with it.
  rootPassword: field({ type: ['string', 'null'], writeOnly: true }, (value) => {
    if (isAbsent(value)) return null;
    if (typeof value !== 'string') return new Wrong('CFG_PASSWORD', 'the password must be text');
    if (value.length > 128) return new Wrong('CFG_PASSWORD', 'the password is longer than 128 characters');
    return control.test(value)
      ? new Wrong('CFG_PASSWORD', 'the password holds a line break or control character')
      : value;
  }),
  imageType: optionalWhole('CFG_NUMBER'),
  osType: optionalWhole('CFG_NUMBER'),
  cycleType: optionalWhole('CFG_NUMBER'),
  cycleCnt: optionalWhole('CFG_NUMBER'),
});
export type VmConfigMessage = z.infer<typeof VmConfigMessage>;

export const vmFields: ReadonlySet<string> = new Set(Object.keys(VmConfigMessage.shape));

/** An empty password with no key is a mistake; no password at all asks for one to be made (Q20). */
export function passwordIsMissing(raw: JsonObject): boolean {
  return raw['rootPassword'] === '' && (isAbsent(raw['keyPairId']) || raw['keyPairId'] === '');
}

export const isWeakPassword = (password: string): boolean =>
  password.length < 8 || /^(?:\p{N}+|\p{Ll}+|\p{Lu}+)$/u.test(password);

export function vmConfigOf(message: VmConfigMessage, networkCards: JsonObject[], extra: JsonObject): VmConfig {
  return {
    vmName: message.vmName,
    quantity: message.vmNumber,
    cpuCount: message.cpuNum,
    memoryMib: message.memSize * 1024,
    rootDiskGib: message.sysVolumeSize,
    rootDiskType: message.sysVolumeType,
    imageId: message.imageId,
    zoneId: message.zoneId,
    networkId: message.networkId,
    networkCards,
    securityGroupId: message.securityGroupId,
    keyPairId: message.keyPairId,
    hasRootPassword: message.rootPassword !== null && message.rootPassword !== '',
    extra,
  };
}
