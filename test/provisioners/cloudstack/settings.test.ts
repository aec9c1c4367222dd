import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '../../../src/provisioners/cloudstack/cidr.js';
import { readCredentials, readSettings } from '../../../src/provisioners/cloudstack/settings.js';
import type { PlatformConfig } from '../../../src/provisioners/provisioner.js';
import { createProvisioner } from '../../../src/provisioners/registry.js';

const platform = (fields: Partial<PlatformConfig> = {}): PlatformConfig => ({
  id: 'p1',
  name: 'Platform one',
  kind: 'cloudstack',
  serviceUrl: 'http://127.0.0.1:1/client/api',
  credentials: { apiKey: 'k', secretKey: 's' },
  settings: {},
  ...fields,
});

describe('the settings of a CloudStack platform', () => {
  it('have a default for everything', () => {
    expect(readSettings(platform())).toMatchObject({
      diskOfferings: { SATA: 'SATA', SSD: 'SSD' },
      createOfferings: false,
      vpcOffering: 'Default VPC offering',
      tierOffering: 'DefaultIsolatedNetworkOfferingForVpcNetworks',
      defaultNetwork: { vpcCidr: '10.0.0.0/16', tierCidr: '10.0.0.0/20' },
      cpuSpeedMhz: 1000,
      callsPerSecond: 20,
      requestTimeoutMs: 10_000,
      catalogueTtlMs: 60_000,
    });
  });

  it('refuse a key they do not know, and name it', () => {
    expect(() => readSettings(platform({ settings: { createOffering: true } }))).toThrow(/"p1".*createOffering/s);
  });

  it('refuse a tier outside of its VPC, and ranges with host bits', () => {
    const withRanges = (vpcCidr: string, tierCidr: string) => () =>
      readSettings(platform({ settings: { defaultNetwork: { vpcCidr, tierCidr } } }));
    expect(withRanges('10.0.0.0/16', '10.1.0.0/24')).toThrow(/inside/);
    expect(withRanges('10.0.0.1/16', '10.0.0.0/24')).toThrow(/IPv4 range/);
    expect(withRanges('10.8.0.0/16', '10.8.4.0/24')).not.toThrow();
  });

  it('ask for keys or a login, without repeating what was given', () => {
    const wrong = platform({ credentials: { apiKey: 'only-half-5f3a' } });
    expect(() => readCredentials(wrong)).toThrow(/apiKey and secretKey, or username/);
    expect(() => readCredentials(wrong)).not.toThrow(/5f3a/);
    expect(readCredentials(platform({ credentials: { username: 'u', password: 'p' } }))).toMatchObject({ domain: '/' });
  });
});

describe('a range of addresses', () => {
  it('tells its gateway and netmask', () => {
    expect(parseCidr('10.0.0.0/20')).toMatchObject({ gateway: '10.0.0.1', netmask: '255.255.240.0' });
    expect(parseCidr('192.168.255.128/25')).toMatchObject({ gateway: '192.168.255.129', netmask: '255.255.255.128' });
  });

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.1/24', '256.0.0.0/8', '10.0.0.0/31', 'fd00::/8'])(
    'cannot be read from %s',
    (text) => {
      expect(parseCidr(text)).toBeNull();
    },
  );
});

describe('the registry of clouds', () => {
  it('builds a provisioner for a kind it knows', async () => {
    const provisioner = createProvisioner(platform());
    expect(provisioner.capabilities).toEqual({ detachedDisk: true, publicAddress: true });
    await provisioner.close();
  });

  it.each(['cloudstak', 'constructor', '__proto__'])('refuses the kind %s and names those it knows', (kind) => {
    expect(() => createProvisioner(platform({ kind }))).toThrow(/"p1" is of the kind .*known: .*cloudstack/);
  });
});
