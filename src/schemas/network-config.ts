import { z } from 'zod';
import type { JsonObject } from '../json.js';
import { amount, configFamily, optionalWhole, textId } from './wire.js';
import type { NetworkConfig } from './work-order.js';

/** `workOrderItemConfig` of a public address, 4 fields: it buys bandwidth and says no more (Q8, Q9). */
export const NetworkConfigMessage = z.object({
  newBandwidthValue: amount({ min: 1, max: 100_000, unit: 'Mbit/s' }),
  platformId: textId(configFamily),
  cycleType: optionalWhole('CFG_NUMBER'),
  cycleCnt: optionalWhole('CFG_NUMBER'),
});
export type NetworkConfigMessage = z.infer<typeof NetworkConfigMessage>;

export const networkFields: ReadonlySet<string> = new Set(Object.keys(NetworkConfigMessage.shape));

export const networkConfigOf = (message: NetworkConfigMessage, extra: JsonObject): NetworkConfig => ({
  bandwidthMbps: message.newBandwidthValue,
  extra,
});
