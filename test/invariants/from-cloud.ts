/** Evidence of a simulated cloud, from the control side that each of them serves. */
import type { ControlSide } from '../support/control-side.js';
import type { CloudEvidence } from './evidence.js';

export type CloudOptions = Pick<CloudEvidence, 'name'> &
  Partial<Pick<CloudEvidence, 'foreignIds' | 'touchedIds' | 'addedByOthers' | 'settleWindowMs'>>;

export async function cloudEvidence(control: ControlSide, options: CloudOptions): Promise<CloudEvidence> {
  const resources = await control.resources();
  const { effects, dropped } = await control.effectsKept();
  return { ...options, resources, effects, droppedEffects: dropped };
}
