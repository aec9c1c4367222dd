import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { createAccount } from '../../../src/provisioners/cloudstack/accounts.js';
import { cloudstack } from '../../../src/provisioners/cloudstack/index.js';
import { UserKeys } from '../../../src/provisioners/cloudstack/schema.js';
import { aCloud } from './building.js';
import { anOperator } from './operator.js';
import { anOrder, imageId } from '../an-order.js';
import { type Simulated } from './simulated.js';

const unknown = 'b1a0c5de-0000-4000-8000-00000000000f';

describe('the check of a CloudStack platform', () => {
  it('finds everything in a good one', async () => {
    const { provisioner } = await aCloud({ settings: { registerTenants: 'first-order' } });
    expect((await provisioner.check()).filter(({ ok }) => !ok)).toEqual([]);
  });

  it('says in one line that it cannot log in, without its secrets', async () => {
    const cloud = await aCloud({ credentials: { apiKey: 'test-api-key', secretKey: 'the-wrong-one' } });
    const lines = await cloud.provisioner.check();
    expect(lines).toMatchObject([{ what: 'login', ok: false }]);
    expect(lines[0]?.detail).toContain('CLD_AUTH');
    expect(JSON.stringify(lines)).not.toContain('the-wrong-one');
  });

  it('names line by line what is missing', async () => {
    const cloud = await aCloud({
      settings: {
        diskOfferings: { SATA: 'SATA', NVME: 'nvme' },
        zoneId: 'elsewhere',
        images: { a: imageId, b: unknown },
        vpcOffering: 'no such',
        tierOffering: 'nor this',
        createOfferings: false,
        soldSizes: ['1-1024', '7-1024'],
      },
    });
    const wrong = (await cloud.provisioner.check()).filter(({ ok }) => !ok);
    expect(wrong.map(({ what }) => what)).toEqual([
      'zone',
      'size 7-1024',
      'disk offering for NVME',
      'VPC offering',
      'tier offering',
      'image for b',
    ]);
  });

  it('names what the account may not do, and what is used up of its quota', async () => {
    const cloud = await aCloud();
    const keys = await anOrdinaryUser(cloud);
    const provisioner = cloudstack({
      ...cloud.config,
      credentials: keys,
      settings: { ...cloud.config.settings, createOfferings: true },
    });
    try {
      const wrong = (await provisioner.check()).filter(({ ok }) => !ok);
      expect(wrong).toMatchObject([
        { what: 'account', detail: expect.stringMatching(/a user; making offerings .* root administrator/) },
        { what: 'quota', detail: expect.stringMatching(/used up: no more VMs/) },
      ]);
    } finally {
      await provisioner.close();
    }
  });

  it('says that registering users takes an administrator', async () => {
    const cloud = await aCloud();
    const keys = await anOrdinaryUser(cloud);
    const settings = { ...cloud.config.settings, createOfferings: false, registerTenants: 'first-order' };
    const provisioner = cloudstack({ ...cloud.config, credentials: keys, settings });
    try {
      const wrong = (await provisioner.check()).filter(({ ok }) => !ok);
      expect(wrong).toMatchObject([
        { what: 'account', detail: expect.stringMatching(/registering users .* administrator of the domain/) },
      ]);
    } finally {
      await provisioner.close();
    }
  });

  it('takes a mapped image for the ordered one', async () => {
    const cloud = await aCloud({ settings: { images: { [imageId]: unknown } } });
    expect(await cloud.provisioner.resolve(anOrder())).toMatchObject({
      state: 'held',
      holds: [{ message: expect.stringContaining(`${unknown} (mapped from ${imageId})`) }],
    });
  });
});

/** An account that somebody made by hand, with no room for a VM; billing's keys are those of its user. */
async function anOrdinaryUser(cloud: Simulated): Promise<{ apiKey: string; secretKey: string }> {
  const { client } = await anOperator({ cloud });
  const { id, name, domainid, user } = await createAccount(client, {
    username: 'reseller',
    type: 'user',
    password: 'a-Password-1',
    email: 'reseller@tenant.invalid',
    firstName: 'Re',
    lastName: 'Seller',
  });
  await client.change('updateResourceLimit', { resourcetype: 0, max: 0, account: name, domainid }, z.unknown());
  const { userkeys } = await client.change('registerUserKeys', { id: user[0]?.id ?? id }, UserKeys);
  return { apiKey: userkeys.apikey, secretKey: userkeys.secretkey };
}
