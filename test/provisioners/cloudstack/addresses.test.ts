import { describe, expect, it } from '@jest/globals';
import {
  associateAddress,
  disableStaticNat,
  disassociateAddress,
  enableStaticNat,
  listAddresses,
} from '../../../src/provisioners/cloudstack/addresses.js';
import { createNetwork } from '../../../src/provisioners/cloudstack/guest-networks.js';
import { createVpc } from '../../../src/provisioners/cloudstack/vpcs.js';
import { anOperator, aVm, newId, tierOfferingId, vpcOfferingId } from './operator.js';
import { zoneId } from '../an-order.js';

describe('a public address', () => {
  it('of a VPC is taken, leads to a machine in a tier, and is given back', async () => {
    const operator = await anOperator();
    const { client, done } = operator;
    const vpcId = await done(createVpc(client, { name: 'v', vpcOfferingId, zoneId, cidr: '10.10.0.0/16' }, newId()));
    const tier = { name: 't', networkOfferingId: tierOfferingId, zoneId, vpcId, cidr: '10.10.1.0/24' };
    const { id: networkId } = await createNetwork(client, tier);
    const vmId = await aVm(operator, { networkids: networkId });
    const id = await done(associateAddress(client, { place: { vpcId } }, newId()));
    const address = async () => (await listAddresses(client, { vpcId })).find((one) => one.id === id);
    expect(await address()).toMatchObject({ state: 'Allocated', issourcenat: false, isstaticnat: false });

    await enableStaticNat(client, { addressId: id, vmId, networkId });
    expect(await address()).toMatchObject({ isstaticnat: true, virtualmachineid: vmId });
    await expect(enableStaticNat(client, { addressId: id, vmId, networkId })).rejects.toMatchObject({
      details: { cloudCode: '431/4350' },
    });
    await done(disableStaticNat(client, id, newId()));
    expect(await address()).toMatchObject({ isstaticnat: false, virtualmachineid: null });

    await done(disassociateAddress(client, id, newId()));
    expect(await address()).toBeUndefined();
    const [sourceNat] = await listAddresses(client, { vpcId });
    await expect(disassociateAddress(client, sourceNat?.id ?? '', newId())).rejects.toMatchObject({
      disposition: 'reject',
    });
  });
});
