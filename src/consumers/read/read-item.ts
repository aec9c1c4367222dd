import type { z } from 'zod';
import type { Code } from '../../codes.js';
import type { Json, JsonObject } from '../../json.js';
import { ebsConfigOf, ebsFields, EbsConfigMessage, missingInBoth } from '../../schemas/ebs-config.js';
import { itemFields, ItemMessage, resourceTypes } from '../../schemas/item-message.js';
import { networkConfigOf, networkFields, NetworkConfigMessage } from '../../schemas/network-config.js';
import { pathText, within } from '../../schemas/problem-paths.js';
import { isWeakPassword, passwordIsMissing, vmConfigOf, vmFields, VmConfigMessage } from '../../schemas/vm-config.js';
import type { WorkOrderItem } from '../../schemas/work-order.js';
import { canonicalFields, secretMark } from './canonical.js';
import { checkDisk, checkWords } from './item-checks.js';
import { cleanSecrets, keepFields, type ReadingContext } from './kept-fields.js';
import type { Notes } from './notes.js';
import { readConfig } from './read-config.js';

export interface ReadItem {
  item: WorkOrderItem;
  message: ItemMessage;
  canonical: JsonObject;
}

type Base = Pick<WorkOrderItem, 'workOrderItemId' | 'resourceId' | 'master' | 'echo'>;
type ReadConfig = Omit<ReadItem, 'message'> | null;

// workOrderItemId is kept as well: billing sends a number and wants it back as one.
const modelledItem = new Set(['resourceType', 'resourceId', 'workOrderItemConfig', 'master']);
const itemNames = [...itemFields].filter((name) => name !== 'workOrderItemConfig');

/** One item with its config, or null with every problem of both in the notes. */
export function readItem(raw: Json, index: number, context: ReadingContext): ReadItem | null {
  const path = `workOrderItems[${index}]`;
  const { notes } = context;
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    notes.problem('ITM_NOT_OBJECT', path, 'an item is an object');
    return null;
  }
  const message = checked(ItemMessage, raw, path, notes);
  const { kept: echo, unknown } = keepFields(raw, itemFields, modelledItem, path, context);
  const sent = raw['workOrderItemConfig'] ?? null;
  const configPath = within(path, 'workOrderItemConfig');
  const config = sent === null ? null : readConfig(sent, configPath, notes);
  const type = resourceTypes.find((known) => known === raw['resourceType']);
  if (config === null || type === undefined) return null;
  const base: Base = {
    workOrderItemId: message?.workOrderItemId ?? '',
    resourceId: message?.resourceId ?? '',
    master: message?.master ?? false,
    echo,
  };
  const reader = { VM: readVm, EBS: readEbs, NETWORK: readNetwork }[type];
  const read = reader(config, base, configPath, index, context);
  if (read === null || message === null) return null;
  checkWords(message, read.item, path, notes);
  const canonical = canonicalFields({ ...message, master: base.master || null }, itemNames, unknown);
  canonical['workOrderItemConfig'] = read.canonical;
  return { item: read.item, message, canonical };
}

/** A schema's verdict; its issues become problems with their full path. */
export function checked<S extends z.ZodType>(
  schema: S,
  raw: JsonObject,
  path: string,
  notes: Notes,
): z.output<S> | null {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const code = issue.code === 'custom' ? (issue.params?.['code'] as Code) : 'ORD_FIELD_TYPE';
    notes.problem(code, within(path, pathText(issue.path)), issue.message);
  }
  return null;
}

const modelledVm = new Set([
  'vmName', 'vmNumber', 'cpuNum', 'memSize', 'sysVolumeSize', 'sysVolumeType', 'imageId', 'platformId', 'zoneId',
  'networkId', 'networkCards', 'securityGroupId', 'keyPairId', 'rootPassword',
]); // prettier-ignore
const vmNames = [...vmFields].filter((name) => name !== 'networkCards' && name !== 'rootPassword');

function readVm(raw: JsonObject, base: Base, path: string, index: number, context: ReadingContext): ReadConfig {
  const { notes } = context;
  const password = raw['rootPassword'] ?? '';
  // Before anything can go wrong: from here on no note can carry it out.
  if (password !== '') {
    const value = typeof password === 'string' ? password : JSON.stringify(password);
    notes.secrets.push({ workOrderItemId: base.workOrderItemId, itemIndex: index, field: 'rootPassword', value });
  }
  if (passwordIsMissing(raw)) {
    notes.problem(
      'CFG_PASSWORD',
      within(path, 'rootPassword'),
      'the password is empty and there is no keyPairId; send one of them, or leave rootPassword out to have one made',
    );
  }
  const message = checked(VmConfigMessage, raw, path, notes);
  const { kept: extra, unknown } = keepFields(raw, vmFields, modelledVm, path, context);
  if (message === null) return null;
  noteSpaces(raw, message, path, notes);
  const sentCards = Array.isArray(raw['networkCards']) ? raw['networkCards'].length : 0;
  const empty = sentCards - message.networkCards.length;
  if (empty > 0) {
    notes.repair(
      'Q18',
      within(path, 'networkCards'),
      `${sentCards} card(s), ${empty} of them empty`,
      `${message.networkCards.length} card(s)`,
    );
  }
  const cards = cleanSecrets({ networkCards: message.networkCards }, path, context);
  const config = vmConfigOf(message, (cards.clean['networkCards'] ?? []) as JsonObject[], extra);
  const canonical = canonicalFields(
    message,
    vmNames,
    message.networkCards.length > 0 ? { ...unknown, ...cards.marked } : unknown,
  );
  if (message.rootPassword !== null && config.hasRootPassword) {
    canonical['rootPassword'] = secretMark(context.hashKey, context.workOrderId, base.resourceId, message.rootPassword);
    if (isWeakPassword(message.rootPassword)) {
      notes.warn(
        'CFG_PASSWORD_WEAK',
        within(path, 'rootPassword'),
        'the password is short or of one kind of character; it is used as sent',
      );
    }
  }
  return { item: { ...base, resourceType: 'VM', platformId: message.platformId, config }, canonical };
}

const modelledEbs = new Set([
  'volumeName', 'volumeNumber', 'number', 'volumeSize', 'volumeType', 'dataVolumes', 'backupVolumeId', 'platformId', 'zoneId',
]); // prettier-ignore
const ebsNames = [...ebsFields].filter((name) => name !== 'dataVolumes');

function readEbs(raw: JsonObject, base: Base, path: string, _index: number, context: ReadingContext): ReadConfig {
  const { notes } = context;
  for (const name of missingInBoth(raw))
    notes.problem('CFG_FIELD_MISSING', within(path, name), 'this field is required');
  const message = checked(EbsConfigMessage, raw, path, notes);
  const { kept: extra, unknown } = keepFields(raw, ebsFields, modelledEbs, path, context);
  const config = message === null ? null : ebsConfigOf(message, extra);
  if (message === null || config === null) return null;
  noteSpaces(raw, message, path, notes);
  checkDisk(message, config, path, notes);
  const canonical = canonicalFields(message, ebsNames, unknown);
  const { size, type } = message.dataVolumes;
  if (size !== null || type !== null) canonical['dataVolumes'] = { size, type };
  return { item: { ...base, resourceType: 'EBS', platformId: message.platformId, config }, canonical };
}

const modelledNetwork = new Set(['newBandwidthValue', 'platformId']);
const networkNames = [...networkFields];

function readNetwork(raw: JsonObject, base: Base, path: string, _index: number, context: ReadingContext): ReadConfig {
  const message = checked(NetworkConfigMessage, raw, path, context.notes);
  const { kept: extra, unknown } = keepFields(raw, networkFields, modelledNetwork, path, context);
  if (message === null) return null;
  noteSpaces(raw, message, path, context.notes);
  const canonical = canonicalFields(message, networkNames, unknown);
  return {
    item: { ...base, resourceType: 'NETWORK', platformId: message.platformId, config: networkConfigOf(message, extra) },
    canonical,
  };
}

/** Q40: " 1 " is 1, and worth a line in the ledger; "1" and "1.0" are what billing always sends. */
function noteSpaces(raw: JsonObject, read: Record<string, unknown>, path: string, notes: Notes): void {
  for (const name in raw) {
    const sent = raw[name];
    if (typeof read[name] === 'number' && typeof sent === 'string' && sent.includes(' ')) {
      notes.repair('Q40', within(path, name), JSON.stringify(sent), String(read[name]));
    }
  }
}
