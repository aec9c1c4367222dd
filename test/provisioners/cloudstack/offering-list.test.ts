import { describe, expect, it } from '@jest/globals';
import {
  createServiceOffering,
  deleteServiceOffering,
  listDiskOfferings,
  listServiceOfferings,
  listVpcOfferings,
} from '../../../src/provisioners/cloudstack/offering-list.js';
import { anOperator, vpcOfferingId } from './operator.js';

const size = { cpuCount: 2, cpuSpeedMhz: 2000, memoryMib: 8096 };

describe('offerings', () => {
  it('of sizes are listed with what is not for sale, bare metal among it, and without the system’s own', async () => {
    const { client } = await anOperator();
    const names = (await listServiceOfferings(client)).map(({ name }) => name).toSorted();
    expect(names).toEqual(['BM-1c1g', 'Medium Instance', 'Small Instance']);
  });

  // Recorded: reference/cloudstack.md section 11.
  it.each(['4.9', '4.22'])('of sizes are made and deleted, CloudStack %s', async (version) => {
    const { client } = await anOperator({ version });
    const made = await createServiceOffering(client, { name: '2c8g', size, networkRateMbps: 5 });
    expect(made).toMatchObject({
      name: '2c8g',
      displaytext: '2c8g',
      cpunumber: 2,
      cpuspeed: 2000,
      memory: 8096,
      networkrate: 5,
      iscustomized: false,
    });
    expect(await listServiceOfferings(client, { name: '2c8g' })).toMatchObject([{ id: made.id }]);
    await deleteServiceOffering(client, made.id);
    expect(await listServiceOfferings(client, { name: '2c8g' })).toEqual([]);
  });

  it.each(['4.9', '4.22'])('may leave the size to the machine, CloudStack %s', async (version) => {
    const { client } = await anOperator({ version });
    expect(await createServiceOffering(client, { name: 'any', size: 'customised' })).toMatchObject({
      iscustomized: true,
      cpunumber: null,
      memory: null,
    });
  });

  it('of disks and VPCs are found by name', async () => {
    const { client } = await anOperator();
    expect(await listDiskOfferings(client, { name: 'SSD' })).toMatchObject([{ iscustomized: true, tags: 'SSD' }]);
    expect(await listVpcOfferings(client, { isDefault: true })).toMatchObject([{ id: vpcOfferingId, isdefault: true }]);
    expect(await listVpcOfferings(client, { isDefault: false })).toEqual([]);
    expect(await listVpcOfferings(client, { name: 'no such' })).toEqual([]);
  });
});
