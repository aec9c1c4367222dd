import { describe, expect, it } from '@jest/globals';
import {
  Address,
  JobAccepted,
  ServiceOffering,
  VirtualMachine,
  Volume,
} from '../../../src/provisioners/cloudstack/schema.js';
import { readDate } from '../../../src/provisioners/cloudstack/wire-values.js';

// Recorded answers, trimmed: reference/cloudstack.md section 11.
describe('a recorded answer', () => {
  it('of listVirtualMachines gives state, address and the time it was made', () => {
    const vm = {
      id: '016e32a0-933d-48e9-8a31-153e5111aacb',
      name: 'VM-016e32a0-933d-48e9-8a31-153e5111aacb',
      state: 'Running',
      haenable: true,
      cpuused: '48%',
      nic: [
        { id: '387e0366-a12f-4d48-b549-c74ff6a6bb43', networkid: '18531cfa', ipaddress: '10.1.1.35', isdefault: true },
      ],
      created: '2017-10-19T10:35:33+0800',
    };
    expect(VirtualMachine.parse(vm)).toEqual({
      id: vm.id,
      name: vm.name,
      state: 'Running',
      nic: [{ networkid: '18531cfa', ipaddress: '10.1.1.35', isdefault: true }],
      created: '2017-10-19T02:35:33.000Z',
      jobid: null,
      jobstatus: null,
    });
  });

  it('of createServiceOffering gives the shape, and null for what is left out', () => {
    const made = {
      id: 'e4701648',
      name: '2c8g',
      cpunumber: 2,
      cpuspeed: 2000,
      memory: 8096,
      iscustomized: false,
      issystem: false,
    };
    expect(ServiceOffering.parse(made)).toMatchObject({
      cpunumber: 2,
      memory: 8096,
      networkrate: null,
      hosttags: null,
    });
  });

  it('of attachVolume counts in bytes', () => {
    const volume = {
      id: 'v',
      name: 'OMS-Volume',
      state: 'Ready',
      size: 85899345920,
      virtualmachineid: 'vm',
      deviceid: 1,
    };
    expect(Volume.parse(volume)).toMatchObject({ size: 80 * 2 ** 30, virtualmachineid: 'vm', deviceid: 1 });
  });

  it('of associateIpAddress has an address that is on its way', () => {
    const address = {
      id: 'a',
      ipaddress: '192.0.2.17',
      allocated: '2026-01-05T08:00:00+0000',
      isstaticnat: false,
      state: 'Allocating',
      tags: [],
    };
    expect(Address.parse(address)).toMatchObject({ state: 'Allocating', isstaticnat: false, virtualmachineid: null });
  });

  it('of deployVirtualMachine names the VM and the job, of destroyVirtualMachine the job alone', () => {
    expect(JobAccepted.parse({ id: '016e32a0', jobid: '1bd745bb' })).toEqual({ id: '016e32a0', jobid: '1bd745bb' });
    expect(JobAccepted.parse({ jobid: '82a0c110' })).toEqual({ id: null, jobid: '82a0c110' });
  });
});

describe('a date of the cloud', () => {
  it.each([
    ['2017-10-19T12:53:01+0800', '2017-10-19T04:53:01.000Z'],
    ['2017-10-17T03:59:22-0400', '2017-10-17T07:59:22.000Z'],
    ['2026-01-05T08:00:00Z', '2026-01-05T08:00:00.000Z'],
    ['yesterday', null],
  ])('%s is %s', (text, expected) => {
    expect(readDate(text)).toBe(expected);
  });
});
