import { describe, expect, it } from '@jest/globals';
import { chooseFlavor, nearestFlavors } from '../../../src/provisioners/openstack/flavors.js';
import { Flavor } from '../../../src/provisioners/openstack/schema.js';

const flavor = (id: string, vcpus: number, ram: number, disk: number, fields: object = {}) =>
  Flavor.parse({ id, name: `m.${id}`, vcpus, ram, disk, 'os-flavor-access:is_public': true, ...fields });
const wanted = { cpuCount: 2, memoryMib: 4096, rootDiskGib: 40 };
const choose = (flavors: Flavor[], mapped: Record<string, string> = {}) => chooseFlavor(flavors, wanted, mapped)?.id;

describe('the flavor of a VM', () => {
  it('has exactly the ordered cores and memory, and is never rounded', () => {
    expect(
      choose([flavor('small', 2, 4095, 40), flavor('big', 2, 4097, 40), flavor('wide', 4, 4096, 40)]),
    ).toBeUndefined();
    expect(choose([flavor('big', 2, 4097, 40), flavor('fits', 2, 4096, 40)])).toBe('fits');
  });

  it('has the ordered disk if one does, else none of its own, else the smallest', () => {
    const [d80, d20, d0, d40] = [80, 20, 0, 40].map((disk) => flavor(`d${disk}`, 2, 4096, disk));
    expect(choose([d80!, d20!, d0!, d40!])).toBe('d40');
    expect(choose([d80!, d20!, d0!])).toBe('d0');
    expect(choose([d80!, d20!])).toBe('d20');
  });

  it.each([
    ['disabled', { 'OS-FLV-DISABLED:disabled': true }],
    ['private', { 'os-flavor-access:is_public': false }],
    ['bare metal', { extra_specs: { 'resources:CUSTOM_BAREMETAL_GOLD': '1' } }],
  ])('is not one that is %s', (_name, fields) => {
    expect(choose([flavor('odd', 2, 4096, 40, fields)])).toBeUndefined();
  });

  it('is the one an operator has named for the shape, as long as it has that shape', () => {
    const flavors = [flavor('fits', 2, 4096, 40), flavor('gpu', 2, 4096, 80), flavor('wrong', 1, 4096, 40)];
    expect(choose(flavors, { '2-4096': 'gpu' })).toBe('gpu');
    expect(choose(flavors, { '2-4096': 'gpu', '2-4096-40': 'fits' })).toBe('fits');
    expect(choose(flavors, { '2-4096': 'wrong' })).toBeUndefined();
  });

  it('that nobody has is told with the three that come closest', () => {
    const flavors = [1, 2, 4, 8].map((n) => flavor(`x${n}`, n, n * 1024, 10));
    expect(nearestFlavors(flavors, wanted)).toBe(
      'nearest: m.x2 (2 CPU, 2048 MiB, 10 GiB disk); m.x4 (4 CPU, 4096 MiB, 10 GiB disk); m.x1 (1 CPU, 1024 MiB, 10 GiB disk)',
    );
    expect(nearestFlavors([], wanted)).toBe('there is none to sell');
  });
});
