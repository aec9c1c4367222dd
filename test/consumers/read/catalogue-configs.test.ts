import { describe, expect, it } from '@jest/globals';
import type { Json, JsonObject } from '../../../src/json.js';
import type { EbsConfig, VmConfig } from '../../../src/schemas/work-order.js';
import { changed, codesOf, type Draft, item, readable, type Readable, unreadable } from './orders.js';

/** Order 86 with these fields of one config changed; undefined takes a field out. */
const withConfig = (index: number, fields: Record<string, unknown>): string =>
  changed((order) => {
    const config = item(order, index).workOrderItemConfig;
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) delete config[name];
      else config[name] = value as Json;
    }
  });
const vm = (fields: Record<string, unknown>): string => withConfig(0, fields);
const ebs = (fields: Record<string, unknown>): string => withConfig(1, fields);
const network = (fields: Record<string, unknown>): string => withConfig(2, fields);
const sent = (config: unknown): string =>
  changed((order: Draft) => Object.assign(item(order, 0), { workOrderItemConfig: config as JsonObject }));
const vmOf = (message: string): VmConfig => readable(message).order.items[0]?.config as VmConfig;
const ebsOf = (message: string): EbsConfig => readable(message).order.items[1]?.config as EbsConfig;

type Case = [name: string, message: string, code: string, path: string];
const at = (index: number, field: string): string =>
  `workOrderItems[${index}].workOrderItemConfig${field === '' ? '' : `.${field}`}`;

const refused: Case[] = [
  ['a config that is not JSON', sent('hello'), 'CFG_JSON_SYNTAX', at(0, '')],
  ['an empty config', sent(''), 'CFG_JSON_SYNTAX', at(0, '')],
  ['a config that lost a brace', sent('{"vmName": "a"'), 'CFG_JSON_SYNTAX', at(0, '')],
  ['an object over 64 KiB', asObject({ more: 'x'.repeat(65_536) }), 'MSG_TOO_LARGE', at(0, '')],
  ['a config that is an array', sent('[]'), 'CFG_NOT_OBJECT', at(0, '')],
  ['a config that is null text', sent('null'), 'CFG_NOT_OBJECT', at(0, '')],
  [
    'a config wrapped six times',
    sent([1, 2, 3, 4, 5].reduce((text) => JSON.stringify(text), '{}')),
    'MSG_ENVELOPE_DEPTH',
    at(0, ''),
  ],
  ['no imageId', vm({ imageId: undefined }), 'CFG_FIELD_MISSING', at(0, 'imageId')],
  ['no zoneId', vm({ zoneId: undefined }), 'CFG_FIELD_MISSING', at(0, 'zoneId')],
  ['platformId null', vm({ platformId: null }), 'CFG_FIELD_MISSING', at(0, 'platformId')],
  ['no cpuNum', vm({ cpuNum: undefined }), 'CFG_FIELD_MISSING', at(0, 'cpuNum')],
  [
    'no size of a disk',
    ebs({ volumeSize: undefined, dataVolumes: undefined }),
    'CFG_FIELD_MISSING',
    at(1, 'volumeSize'),
  ],
  ['no quantity of a disk', ebs({ volumeNumber: undefined, number: null }), 'CFG_FIELD_MISSING', at(1, 'volumeNumber')],
  ['no type of a disk', ebs({ volumeType: undefined, dataVolumes: {} }), 'CFG_FIELD_MISSING', at(1, 'volumeType')],
  ...['0', '-1', '1e3', '0x10', '', true, '１', '1.5', '+1', 1.5, 0, -1, [5], {}, '1 0', '１.0'].map((value): Case => [
    `cpuNum ${JSON.stringify(value)}`,
    vm({ cpuNum: value }),
    'CFG_NUMBER',
    at(0, 'cpuNum'),
  ]),
  ['memSize 1000000', vm({ memSize: 1_000_000 }), 'CFG_NUMBER', at(0, 'memSize')],
  ['vmNumber 0', vm({ vmNumber: 0 }), 'CFG_NUMBER', at(0, 'vmNumber')],
  ['vmNumber 1000', vm({ vmNumber: 1000 }), 'CFG_NUMBER_LIMIT', at(0, 'vmNumber')],
  ['volumeSize "ten"', ebs({ volumeSize: 'ten' }), 'CFG_NUMBER', at(1, 'volumeSize')],
  ['number "1.5"', ebs({ number: '1.5' }), 'CFG_NUMBER', at(1, 'number')],
  [
    'dataVolumes.size "1.5"',
    ebs({ dataVolumes: { size: '1.5', type: 'SSD' } }),
    'CFG_NUMBER',
    at(1, 'dataVolumes.size'),
  ],
  ['newBandwidthValue "2M"', network({ newBandwidthValue: '2M' }), 'CFG_NUMBER', at(2, 'newBandwidthValue')],
  ['newBandwidthValue "-2"', network({ newBandwidthValue: '-2' }), 'CFG_NUMBER', at(2, 'newBandwidthValue')],
  ...['', 'a'.repeat(256), '-x', 'a b;rm', '😀', '^.*$', '../a', 5].map((value): Case => [
    `the name ${JSON.stringify(value).slice(0, 30)}`,
    vm({ vmName: value }),
    'CFG_NAME',
    at(0, 'vmName'),
  ]),
  ['an empty password and no key', vm({ rootPassword: '' }), 'CFG_PASSWORD', at(0, 'rootPassword')],
  ['a password of 300 characters', vm({ rootPassword: 'x'.repeat(300) }), 'CFG_PASSWORD', at(0, 'rootPassword')],
  ['a password with a line break', vm({ rootPassword: 'abc\ndef' }), 'CFG_PASSWORD', at(0, 'rootPassword')],
  ['a password that is a number', vm({ rootPassword: 12345678 }), 'CFG_PASSWORD', at(0, 'rootPassword')],
  ['imageId "1"', vm({ imageId: '1' }), 'CFG_UUID', at(0, 'imageId')],
  ['imageId in braces', vm({ imageId: '{357fb0ae-3543-4893-9d1f-ef0d04da60dd}' }), 'CFG_UUID', at(0, 'imageId')],
  ['networkId with a slash', vm({ networkId: '../x' }), 'CFG_UUID', at(0, 'networkId')],
  ['networkCards that is text', vm({ networkCards: 'x' }), 'CFG_FIELD_TYPE', at(0, 'networkCards')],
  ['a network card that is null', vm({ networkCards: [null] }), 'CFG_FIELD_TYPE', at(0, 'networkCards')],
  ['dataVolumes that is a list', ebs({ dataVolumes: [{}] }), 'CFG_FIELD_TYPE', at(1, 'dataVolumes')],
  ['platformId that is a number', ebs({ platformId: 5 }), 'CFG_FIELD_TYPE', at(1, 'platformId')],
  ['volumeType "ssd "', ebs({ volumeType: 'ssd ' }), 'CFG_ENUM', at(1, 'volumeType')],
  ['dataVolumes.type "TAPE"', ebs({ dataVolumes: { type: 'TAPE', size: 10 } }), 'CFG_ENUM', at(1, 'dataVolumes.type')],
  ['sysVolumeType 5', vm({ sysVolumeType: 5 }), 'CFG_ENUM', at(0, 'sysVolumeType')],
  ['two quantities that disagree', ebs({ volumeNumber: 2 }), 'SEM_EBS_COUNT', at(1, 'number')],
];

describe('a config is refused for', () => {
  it.each(refused)('%s', (_name, message, code, path) => {
    const { problems } = unreadable(message);
    expect(problems.map((problem) => [problem.code, problem.path])).toEqual([[code, path]]);
  });
});

describe('an order is held for', () => {
  const holdsOf = (message: string): Readable['holds'] => readable(message).holds;

  it('a disk whose two sizes disagree, with both named', () => {
    expect(holdsOf(ebs({ dataVolumes: { type: 'SSD', size: '20' } }))).toEqual([
      {
        code: 'SEM_EBS_SIZE',
        path: at(1, 'volumeSize'),
        message: 'volumeSize is 10 GB and dataVolumes.size is 20 GB; which of them was sold?',
      },
    ]);
  });

  it('a disk whose two types disagree', () => {
    expect(holdsOf(ebs({ dataVolumes: { type: 'SATA', size: 10 } })).map(({ code }) => code)).toEqual(['SEM_EBS_TYPE']);
  });
});

describe('a config is accepted with a warning for', () => {
  it.each([
    ['the password 123456', vm({}), 'CFG_PASSWORD_WEAK'],
    ['text of text', sent(JSON.stringify(JSON.stringify({ ...vmFields() }))), 'CFG_ENCODING_TWICE'],
    ['an object', asObject(), 'CFG_ALREADY_OBJECT'],
    ['an unknown field', vm({ more: 1 }), 'ORD_UNKNOWN_FIELD'],
    ['a workOrderCount that differs', ebs({ workOrderCount: 3 }), 'SEM_EBS_ORDER_COUNT'],
  ])('%s', (_name, message, code) => {
    const reading = readable(message);
    expect(codesOf(reading)).toContain(code);
    expect(reading.holds).toEqual([]);
  });

  it('a strong password is not warned about', () => {
    expect(codesOf(readable(vm({ rootPassword: 'Tr0ub4dor&3' })))).toEqual([]);
  });
});

function vmFields(): JsonObject {
  let fields: JsonObject = {};
  changed((order) => {
    fields = item(order, 0).workOrderItemConfig;
  });
  return fields;
}

/** `changed` would make text of it. */
function asObject(more: JsonObject = {}): string {
  const order = JSON.parse(vm({})) as { workOrderItems: JsonObject[] };
  const [first, ...others] = order.workOrderItems;
  return JSON.stringify({
    ...order,
    workOrderItems: [{ ...first, workOrderItemConfig: { ...vmFields(), ...more } }, ...others],
  });
}

describe('a config says the same in other ways', () => {
  const hash = readable(vm({})).contentHash;

  it.each([
    ['cpuNum as a number', vm({ cpuNum: 1 })],
    ['cpuNum "1.0"', vm({ cpuNum: '1.0' })],
    ['cpuNum " 1 "', vm({ cpuNum: ' 1 ' })],
    ['sysVolumeSize as text', vm({ sysVolumeSize: '40' })],
    ['networkId null', vm({ networkId: null })],
    ['networkId left out', vm({ networkId: undefined })],
    ['no network card at all', vm({ networkCards: [] })],
    ['keyPairId ""', vm({ keyPairId: '' })],
    [
      'the text of a Python dict',
      sent("{u'a': 1}").replace(
        `{u'a': 1}`,
        JSON.stringify(vmFields()).replaceAll('null', 'None').replaceAll('"', "'"),
      ),
    ],
  ])('%s', (_name, message) => {
    expect(readable(message).contentHash).toBe(hash);
  });

  it('blanks around a number and a Python dict as config are in the ledger', () => {
    expect(readable(vm({ cpuNum: ' 1 ' })).repairs).toContainEqual({
      path: at(0, 'cpuNum'),
      rule: 'Q40',
      before: '" 1 "',
      after: '1',
      lossless: true,
    });
  });
});

describe('what a config becomes', () => {
  it('memory is GB on the wire and MiB from here on', () => {
    expect(vmOf(vm({ memSize: '4' })).memoryMib).toBe(4096);
  });

  it('several cards are several cards, in their order, and empty ones are dropped', () => {
    expect(vmOf(vm({ networkCards: [{}, { a: 1 }, {}, { b: 2 }] })).networkCards).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('fields we do not use stay as sent, beside those we never heard of', () => {
    expect(vmOf(vm({ more: { x: 1 } })).extra).toEqual({
      cycleType: 5,
      osType: 0,
      cycleCnt: 1,
      imageType: 0,
      more: { x: 1 },
    });
  });

  it('a VM without any password asks for one to be made; with a key it needs none', () => {
    expect(vmOf(vm({ rootPassword: null })).hasRootPassword).toBe(false);
    expect(vmOf(vm({ rootPassword: '', keyPairId: 'key-1' }))).toMatchObject({
      hasRootPassword: false,
      keyPairId: 'key-1',
    });
  });

  it('a disk needs its size, type and quantity only once', () => {
    const once = { volumeSize: undefined, volumeType: undefined, volumeNumber: undefined };
    expect(ebsOf(ebs(once))).toMatchObject({ sizeGib: 10, volumeType: 'SSD', quantity: 1 });
    expect(ebsOf(ebs({ dataVolumes: undefined, number: undefined }))).toMatchObject({ sizeGib: 10, quantity: 1 });
  });

  it('Chinese names are names', () => {
    expect(vmOf(vm({ vmName: '主机-01' })).vmName).toBe('主机-01');
  });
});
