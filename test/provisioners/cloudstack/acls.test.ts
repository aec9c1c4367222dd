import { describe, expect, it } from '@jest/globals';
import {
  createAclList,
  createAclRule,
  deleteAclList,
  deleteAclRule,
  listAclLists,
  listAclRules,
  replaceAclList,
} from '../../../src/provisioners/cloudstack/acls.js';
import { createNetwork, readNetwork } from '../../../src/provisioners/cloudstack/guest-networks.js';
import { createVpc } from '../../../src/provisioners/cloudstack/vpcs.js';
import { anOperator, newId, tierOfferingId, vpcOfferingId } from './operator.js';
import { zoneId } from '../an-order.js';

async function aVpcWithList() {
  const operator = await anOperator();
  const { client, done } = operator;
  const vpcId = await done(createVpc(client, { name: 'v', vpcOfferingId, zoneId, cidr: '10.10.0.0/16' }, newId()));
  const aclId = await done(createAclList(client, { name: 'web', description: 'Web tier', vpcId }, newId()));
  return { ...operator, vpcId, aclId };
}
const https = { protocol: 'tcp', startPort: 443, endPort: 443, traffic: 'ingress', action: 'allow' } as const;

describe('an ACL list', () => {
  it('is listed beside the two that are built in, which nobody edits', async () => {
    const { client, vpcId, aclId } = await aVpcWithList();
    const lists = await listAclLists(client, { vpcId });
    expect(lists.map(({ name }) => name).toSorted()).toEqual(['default_allow', 'default_deny', 'web']);
    expect(await listAclLists(client, { vpcId, name: 'web' })).toMatchObject([{ id: aclId, description: 'Web tier' }]);
    const builtIn = lists.find(({ name }) => name === 'default_deny')?.id ?? '';
    await expect(createAclRule(client, { ...https, aclId: builtIn }, newId())).rejects.toMatchObject({
      disposition: 'reject',
    });
  });

  it('takes rules, each with a number of its own, and shows them in their order', async () => {
    const { client, done, aclId } = await aVpcWithList();
    const ping = { aclId, number: 20, protocol: 'icmp', icmpType: -1, icmpCode: -1, traffic: 'ingress' } as const;
    const pingId = await done(createAclRule(client, { ...ping, action: 'deny' }, newId()));
    await done(createAclRule(client, { ...https, aclId, number: 10, cidrs: ['192.0.2.0/24', '10.0.0.0/8'] }, newId()));
    expect(await listAclRules(client, aclId)).toMatchObject([
      {
        number: 10,
        protocol: 'tcp',
        startport: 443,
        endport: 443,
        cidrlist: '192.0.2.0/24,10.0.0.0/8',
        action: 'Allow',
      },
      { number: 20, protocol: 'icmp', icmptype: -1, traffictype: 'Ingress', action: 'Deny' },
    ]);
    await expect(createAclRule(client, { ...https, aclId, number: 10 }, newId())).rejects.toMatchObject({
      details: { cloudCode: '431/4350' },
    });
    await done(deleteAclRule(client, pingId, newId()));
    expect((await listAclRules(client, aclId)).map(({ number }) => number)).toEqual([10]);
  });

  it('is given to a tier, and cannot be deleted until the tier has another', async () => {
    const { client, done, outcome, vpcId, aclId } = await aVpcWithList();
    const tier = { name: 't', networkOfferingId: tierOfferingId, zoneId, vpcId, cidr: '10.10.1.0/24' };
    const { id: networkId } = await createNetwork(client, tier);
    const before = (await readNetwork(client, networkId))?.aclid ?? '';
    await done(replaceAclList(client, { aclId, networkId }, newId()));
    expect((await readNetwork(client, networkId))?.aclid).toBe(aclId);
    expect(await outcome(deleteAclList(client, aclId, newId()))).toMatchObject({ state: 'failed', code: 'CLD_IN_USE' });
    await done(replaceAclList(client, { aclId: before, networkId }, newId()));
    await done(deleteAclList(client, aclId, newId()));
    expect(await listAclLists(client, { vpcId, name: 'web' })).toEqual([]);
  });
});
