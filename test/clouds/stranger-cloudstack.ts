import { type AskCloud, adminPassword, type Stranger } from './test-cloud.js';

/** The root administrator of the simulated CloudStack, who has never heard of us. */
export function strangerOfCloudStack(ask: AskCloud): Stranger {
  const post = (fields: Record<string, string>, cookie?: string) => {
    const body = new URLSearchParams({ response: 'json', ...fields }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(cookie && { cookie }) };
    const answer = ask({ method: 'POST', path: '/client/api', headers, body });
    if (answer === 'cut' || answer.status >= 300) return null;
    return { answer, body: JSON.parse(answer.body) as Record<string, Record<string, unknown>> };
  };
  const call = (command: string, fields: Record<string, string>) => {
    const login = post({ command: 'login', username: 'admin', password: adminPassword, domain: '/' });
    const cookies = login?.answer.headers?.['set-cookie'] ?? login?.answer.headers?.['Set-Cookie'];
    const sessionkey = login?.body['loginresponse']?.['sessionkey'];
    if (!Array.isArray(cookies) || typeof sessionkey !== 'string') return null;
    return post({ command, sessionkey, ...fields }, cookies.map((one) => one.split(';')[0]).join('; '))?.body ?? null;
  };
  const did = (command: string, fields: Record<string, string>) => call(command, fields) !== null;
  return {
    remove({ kind, id }) {
      const commands: Record<string, [string, Record<string, string>] | undefined> = {
        vm: ['destroyVirtualMachine', { id, expunge: 'true' }],
        volume: ['deleteVolume', { id }],
        address: ['disassociateIpAddress', { id }],
        network: ['deleteNetwork', { id }],
        vpc: ['deleteVPC', { id }],
        'acl-list': ['deleteNetworkACLList', { id }],
        'acl-rule': ['deleteNetworkACL', { id }],
        account: ['deleteAccount', { id }],
        'service-offering': ['deleteServiceOffering', { id }],
      };
      const command = commands[kind];
      return command ? did(...command) : null;
    },
    rename({ kind, id }, name) {
      const commands: Record<string, [string, Record<string, string>] | undefined> = {
        vm: ['updateVirtualMachine', { id, displayname: name }],
        network: ['updateNetwork', { id, name, displaytext: name }],
        vpc: ['updateVPC', { id, name, displaytext: name }],
        account: ['updateAccount', { id, newname: name }],
      };
      const command = commands[kind];
      return command ? did(...command) : null;
    },
    addDisk({ details }, name) {
      const zoneId = details['zoneId'];
      if (typeof zoneId !== 'string') return null;
      const offerings = call('listDiskOfferings', {})?.['listdiskofferingsresponse']?.['diskoffering'];
      const offering = (offerings as { id: string; iscustomized: boolean }[] | undefined)?.[0];
      if (!offering) return null;
      const made = call('createVolume', {
        name,
        zoneid: zoneId,
        diskofferingid: offering.id,
        ...(offering.iscustomized && { size: '1' }),
      });
      const id = made?.['createvolumeresponse']?.['id'];
      return typeof id === 'string' ? id : null;
    },
  };
}
