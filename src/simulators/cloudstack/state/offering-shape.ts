import type { Call } from '../call.js';
import { invalidParameter } from '../errors.js';
import type { ServiceOffering } from './catalogue-model.js';

export interface Shape {
  cpuNumber: number;
  cpuSpeed: number;
  memoryMib: number;
}

/**
 * CPU, speed and memory of a VM: fixed by the offering, or for a custom one given as `details[0].cpuNumber` and so on.
 * Passing what the offering fixes is 431 (reference, section 9.2).
 */
export function shapeFor(call: Call, offering: ServiceOffering): Shape {
  const details = call.params.merged('details');
  const pick = (name: string, fixed: number | null, least: number): number => {
    const text = details[name];
    if (fixed !== null) {
      if (text !== undefined)
        throw invalidParameter(`${name} is fixed by the service offering ${offering.id} and cannot be given`);
      return fixed;
    }
    if (text === undefined)
      throw invalidParameter(`Need to specify custom parameter value ${name} for the custom offering`);
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw invalidParameter(`Invalid ${name} value, specify a value of at least ${least}`);
    return value;
  };
  const shape = {
    cpuNumber: pick('cpuNumber', offering.cpuNumber, 1),
    cpuSpeed: pick('cpuSpeed', offering.cpuSpeed, 1),
    memoryMib: pick('memory', offering.memoryMib, 32),
  };
  const { range } = offering;
  if (range !== null) {
    const outside =
      shape.cpuNumber < range.minCpu ||
      shape.cpuNumber > range.maxCpu ||
      shape.memoryMib < range.minMemory ||
      shape.memoryMib > range.maxMemory;
    if (outside) throw invalidParameter('The CPU cores or memory are not in the range of the custom offering');
  }
  return shape;
}

/** Details of a VM that are its own, without the ones that describe its shape. */
export function ownDetails(call: Call): Record<string, string> {
  const details = call.params.merged('details');
  for (const name of ['cpuNumber', 'cpuSpeed', 'memory']) delete details[name];
  return details;
}
