import { uuidV5 } from './uuid.js';

/** Chosen once at random. Changing it would make every known order a stranger. */
const orderNamespace = '6a0a4f0e-59a7-4f7c-8a26-3f0a5a1d9c11';

/** Our id of an order: follows from who sent it and their id for it, so that the same order is the same row (I2). */
export function orderIdFor(producer: string, workOrderId: string): string {
  return uuidV5(orderNamespace, JSON.stringify([producer, workOrderId]));
}
