import { within } from '../../schemas/problem-paths.js';
import type { EbsConfigMessage } from '../../schemas/ebs-config.js';
import type { ItemMessage } from '../../schemas/item-message.js';
import type { EbsConfig, ResourceType, WorkOrderItem } from '../../schemas/work-order.js';
import type { Notes } from './notes.js';

/** A disk says its size, type and quantity twice. Size and type that disagree are held (Q13), quantities refused (Q14). */
export function checkDisk(message: EbsConfigMessage, config: EbsConfig, path: string, notes: Notes): void {
  const { size, type } = message.dataVolumes;
  if (size !== null && size !== config.sizeGib) {
    const text = `volumeSize is ${config.sizeGib} GB and dataVolumes.size is ${size} GB; which of them was sold?`;
    notes.hold('SEM_EBS_SIZE', within(path, 'volumeSize'), text);
  }
  if (type !== null && type !== config.volumeType) {
    notes.hold(
      'SEM_EBS_TYPE',
      within(path, 'volumeType'),
      `volumeType is ${config.volumeType} and dataVolumes.type is ${type}; which of them was sold?`,
    );
  }
  if (message.number !== null && message.number !== config.quantity) {
    notes.problem(
      'SEM_EBS_COUNT',
      within(path, 'number'),
      `volumeNumber is ${config.quantity} and number is ${message.number}; send the same quantity in both`,
    );
  }
  if (message.workOrderCount !== null && message.workOrderCount !== config.quantity) {
    notes.warn(
      'SEM_EBS_ORDER_COUNT',
      within(path, 'workOrderCount'),
      `workOrderCount is ${message.workOrderCount}, the quantity ${config.quantity}; the quantity counts`,
    );
  }
}

/** Billing's product ids as far as the notes show them. */
const productTypes: Record<string, ResourceType> = { '3': 'EBS', '4': 'EBS', '5': 'VM', '6': 'NETWORK' };

/** Q30, Q38: what else the item says about itself is never a source of truth, but a contradiction is worth a word. */
export function checkWords(message: ItemMessage, item: WorkOrderItem, path: string, notes: Notes): void {
  for (const name of ['productId', 'salesEntryId'] as const) {
    const product = message[name];
    const type = product !== null && Object.hasOwn(productTypes, product) ? productTypes[product] : undefined;
    if (type !== undefined && type !== item.resourceType) {
      notes.warn(
        'ITM_PRODUCT_MISMATCH',
        within(path, name),
        `${name} ${product} is sold as ${type}, the item is ${item.resourceType}`,
      );
    }
  }
  if (item.resourceType !== 'EBS' || message.resourceDescription === null) return;
  const words = /(?<!\d)(\d{1,6}) ?G(?![A-Za-z]*Hz)/.exec(message.resourceDescription.slice(0, 500))?.[1];
  if (words !== undefined && Number(words) !== item.config.sizeGib) {
    notes.warn(
      'SEM_DESCRIPTION',
      within(path, 'resourceDescription'),
      `the description says ${words}G, the config ${item.config.sizeGib} GB; the config counts`,
    );
  }
}
