import { z } from 'zod';
import type { JsonObject } from '../json.js';
import {
  configFamily,
  displayName,
  field,
  isAbsent,
  optionalAmount,
  optionalId,
  optionalStorageType,
  optionalWhole,
  quoted,
  type Range,
  readAmount,
  readStorageType,
  textId,
  Wrong,
} from './wire.js';
import type { EbsConfig } from './work-order.js';

const diskSize: Range = { min: 1, max: 65_536, unit: 'GB' };
const diskCount: Range = { min: 1, max: 100, unit: 'disks', over: 'CFG_NUMBER_LIMIT' };

/** `workOrderItemConfig` of a disk, 12 fields. Size, type and quantity are each sent twice; one is enough (Q13, Q14). */
export const EbsConfigMessage = z.object({
  volumeName: displayName(true),
  volumeNumber: optionalAmount(diskCount),
  number: optionalAmount(diskCount),
  workOrderCount: optionalWhole('CFG_NUMBER'),
  volumeSize: optionalAmount(diskSize),
  volumeType: optionalStorageType,
  dataVolumes: field({ type: ['object', 'null'] }, (value) => {
    if (isAbsent(value) || value === '') return { size: null, type: null };
    if (typeof value !== 'object' || Array.isArray(value)) {
      return new Wrong('CFG_FIELD_TYPE', `expected an object with type and size, got ${quoted(value)}`);
    }
    const sent = value as JsonObject;
    const size = isAbsent(sent['size']) ? null : readAmount(sent['size'], diskSize);
    if (size instanceof Wrong) return new Wrong(size.code, size.message, ['size']);
    const type = isAbsent(sent['type']) ? null : readStorageType(sent['type']);
    return type instanceof Wrong ? new Wrong(type.code, type.message, ['type']) : { size, type };
  }),
  backupVolumeId: optionalId(configFamily),
  platformId: textId(configFamily),
  zoneId: optionalId(configFamily),
  cycleType: optionalWhole('CFG_NUMBER'),
  cycleCnt: optionalWhole('CFG_NUMBER'),
});
export type EbsConfigMessage = z.infer<typeof EbsConfigMessage>;

export const ebsFields: ReadonlySet<string> = new Set(Object.keys(EbsConfigMessage.shape));

/** Which of the things sent twice were not sent at all; asked of the raw config, so that it is said along with all else. */
export function missingInBoth(raw: JsonObject): string[] {
  const pair = raw['dataVolumes'];
  const volumes: JsonObject = typeof pair === 'object' && pair !== null && !Array.isArray(pair) ? pair : {};
  return [
    ...(isAbsent(raw['volumeNumber']) && isAbsent(raw['number']) ? ['volumeNumber'] : []),
    ...(isAbsent(raw['volumeSize']) && isAbsent(volumes['size']) ? ['volumeSize'] : []),
    ...(isAbsent(raw['volumeType']) && isAbsent(volumes['type']) ? ['volumeType'] : []),
  ];
}

/** Null when something sent twice is missing both times. Where the two disagree the first counts, and the order is held. */
export function ebsConfigOf(message: EbsConfigMessage, extra: JsonObject): EbsConfig | null {
  const quantity = message.volumeNumber ?? message.number;
  const sizeGib = message.volumeSize ?? message.dataVolumes.size;
  const volumeType = message.volumeType ?? message.dataVolumes.type;
  if (quantity === null || sizeGib === null || volumeType === null) return null;
  return {
    volumeName: message.volumeName,
    quantity,
    sizeGib,
    volumeType,
    zoneId: message.zoneId,
    backupVolumeId: message.backupVolumeId,
    extra,
  };
}
