import { describe, expect, it } from '@jest/globals';
import { listTemplates } from '../../../src/provisioners/cloudstack/templates.js';
import { anOperator, securityGroupZoneId } from './operator.js';
import { imageId, zoneId } from '../an-order.js';

describe('templates', () => {
  it('are listed once for each zone they are in', async () => {
    const { client } = await anOperator();
    const rows = await listTemplates(client, { filter: 'executable' });
    expect(rows.map(({ id }) => id)).toEqual([imageId, imageId]);
    expect(rows.map((row) => row.zoneid)).toEqual([zoneId, securityGroupZoneId]);
  });

  it('are narrowed to a zone, a name, and whose they are', async () => {
    const { client } = await anOperator();
    const one = await listTemplates(client, { filter: 'featured', zoneId, name: 'CentOS6.4-x86_64' });
    expect(one).toMatchObject([{ id: imageId, zoneid: zoneId, isready: true, passwordenabled: true }]);
    expect(await listTemplates(client, { filter: 'self' })).toEqual([]);
  });
});
