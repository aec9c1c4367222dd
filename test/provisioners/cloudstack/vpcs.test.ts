import { describe, expect, it } from '@jest/globals';
import { createNetwork, deleteNetwork } from '../../../src/provisioners/cloudstack/guest-networks.js';
import { createVpc, deleteVpc, listVpcs, readVpc, updateVpc } from '../../../src/provisioners/cloudstack/vpcs.js';
import { anOperator, newId, tierOfferingId, vpcOfferingId } from './operator.js';
import { zoneId } from '../an-order.js';

const wanted = { name: 'VPC01', vpcOfferingId, zoneId, cidr: '10.10.0.0/16' };

describe('a VPC', () => {
  it.each(['4.9', '4.22'])('is made and listed with its tiers, CloudStack %s', async (version) => {
    const { client, done } = await anOperator({ version });
    const id = await done(createVpc(client, wanted, newId()));
    const tier = { name: 'vpcnet1', networkOfferingId: tierOfferingId, zoneId, vpcId: id, cidr: '10.10.2.0/24' };
    const { id: tierId } = await createNetwork(client, tier);
    expect(await listVpcs(client)).toMatchObject([
      { id, name: 'VPC01', displaytext: 'VPC01', state: 'Enabled', cidr: '10.10.0.0/16', network: [{ id: tierId }] },
    ]);
    // The server's own filter takes every name that contains it.
    expect(await listVpcs(client, { name: 'VPC0' })).toEqual([]);
    expect(await readVpc(client, newId())).toBeNull();
  });

  it('is renamed, and deleted once it is empty', async () => {
    const { client, done, outcome } = await anOperator();
    const id = await done(createVpc(client, wanted, newId()));
    await done(updateVpc(client, { id, name: 'VPC02', displayText: 'Second' }, newId()));
    expect(await readVpc(client, id)).toMatchObject({ name: 'VPC02', displaytext: 'Second' });
    const tier = { name: 't', networkOfferingId: tierOfferingId, zoneId, vpcId: id, cidr: '10.10.1.0/24' };
    const { id: tierId } = await createNetwork(client, tier);
    expect(await outcome(deleteVpc(client, id, newId()))).toMatchObject({ state: 'failed', code: 'CLD_IN_USE' });
    await done(deleteNetwork(client, tierId, newId()));
    await done(deleteVpc(client, id, newId()));
    expect(await listVpcs(client, { all: true })).toEqual([]);
  });
});
