import { describe, expect, it } from '@jest/globals';
import {
  chooseDiskOffering,
  chooseOffering,
  nearestOfferings,
  type WantedShape,
} from '../../../src/provisioners/cloudstack/offerings.js';
import { DiskOffering, ServiceOffering } from '../../../src/provisioners/cloudstack/schema.js';

const wanted: WantedShape = {
  cpuCount: 2,
  memoryMib: 4096,
  bandwidthMbps: null,
  zoneId: 'z1',
  rootDiskGib: 40,
  storageTag: 'SATA',
};
const offering = (name: string, fields: object = {}): ServiceOffering =>
  ServiceOffering.parse({
    id: name,
    name,
    cpunumber: 2,
    cpuspeed: 1000,
    memory: '4096',
    iscustomized: 'false',
    ...fields,
  });
const choose = (offerings: ServiceOffering[], shape: Partial<WantedShape> = {}) =>
  chooseOffering(offerings, { ...wanted, ...shape }, 1500);

describe('the service offering of a VM', () => {
  it('is the one of exactly its size', () => {
    expect(choose([offering('small', { memory: 2048 }), offering('fits')])?.offering.name).toBe('fits');
  });

  it('is never the next larger one', () => {
    expect(choose([offering('larger', { memory: 8192 }), offering('more-cores', { cpunumber: 4 })])).toBeNull();
  });

  it.each([
    ['a system offering', { issystem: true }],
    ['one tied to certain hosts', { hosttags: 'baremetal' }],
    ['bare metal', { deploymentplanner: 'BareMetalPlanner' }],
    ['one whose root disk is wiped at every reboot', { isvolatile: 'true' }],
    ['one taken out of sale', { state: 'Inactive' }],
    ['one of another zone', { zoneid: 'z2,z3' }],
    ['one on another kind of storage', { tags: 'SSD' }],
    ['one with another size of root disk built in', { rootdisksize: 20 }],
    ['one that limits a bandwidth nobody ordered', { networkrate: 5 }],
  ])('is never %s', (_name, fields) => {
    expect(choose([offering('decoy', fields)])).toBeNull();
  });

  it('holds the bandwidth that was sold, exactly', () => {
    const offerings = [
      offering('no-rate'),
      offering('five', { networkrate: 5 }),
      offering('two', { networkrate: '2' }),
    ];
    expect(choose(offerings, { bandwidthMbps: 2 })?.offering.name).toBe('two');
    expect(choose(offerings, { bandwidthMbps: 3 })).toBeNull();
    expect(choose(offerings)?.offering.name).toBe('no-rate');
  });

  it('stands rather on the ordered kind of storage than on any', () => {
    expect(choose([offering('a-any'), offering('b-sata', { tags: 'SATA' })])?.offering.name).toBe('b-sata');
  });

  it('may be a customised one, which is told only what it leaves open', () => {
    const custom = (fields: object) =>
      offering('custom', { cpunumber: undefined, memory: undefined, iscustomized: true, ...fields });
    expect(choose([custom({ cpuspeed: null })])?.details).toEqual({ cpuNumber: '2', memory: '4096', cpuSpeed: '1500' });
    expect(choose([custom({})])?.details).toEqual({ cpuNumber: '2', memory: '4096' });
    expect(choose([custom({ serviceofferingdetails: { maxcpunumber: '1' } })])).toBeNull();
    expect(choose([custom({}), offering('exact')])?.details).toBeNull();
  });

  it('that cannot be found is described by the three that come nearest', () => {
    const offerings = ['1024', '2048', '8192', '65536'].map((memory) => offering(`m${memory}`, { memory }));
    expect(nearestOfferings([...offerings, offering('decoy', { issystem: true })], wanted)).toMatch(
      /^nearest: m2048 \(2 CPU, 2048 MiB, no rate of its own\); m8192 .*; m1024 /,
    );
    expect(nearestOfferings([], wanted)).toBe('there is none to sell');
  });
});

describe('the disk offering of a volume', () => {
  const disk = (name: string, fields: object): DiskOffering =>
    DiskOffering.parse({ id: `id-${name}`, name, ...fields });
  const sata = disk('SATA', { iscustomized: true, tags: 'SATA' });

  it('is the one set for its type, by name or id', () => {
    expect(chooseDiskOffering([sata], 'SATA', 'SATA', 80)).toBe(sata);
    expect(chooseDiskOffering([sata], 'id-SATA', 'SATA', 80)).toBe(sata);
  });

  it('of a fixed size fits only a disk of that size, on the same storage', () => {
    const twenty = disk('SSD-20', { disksize: '20', tags: 'SSD' });
    const eighty = disk('SSD-80', { disksize: 80, tags: 'SSD' });
    const others = [disk('plain-80', { disksize: 80 }), disk('slow-80', { disksize: 80, tags: 'SATA' })];
    expect(chooseDiskOffering([...others, twenty, eighty], 'SSD-20', 'SSD', 80)).toBe(eighty);
    expect(chooseDiskOffering([...others, twenty], 'SSD-20', 'SSD', 80)).toBeNull();
  });
});
