import { describe, expect, it } from '@jest/globals';
import { adapterConfig, settingsProblems, unusedFields } from '../../src/provisioners/common-settings.js';
import { createProvisioner } from '../../src/provisioners/registry.js';
import { certificate } from '../support/platforms.js';

const keys = { apiKey: 'k', secretKey: 's' };
const platform = (change: object = {}) => ({
  platformId: 'p',
  name: 'n',
  kind: 'cloudstack',
  serviceUrl: 'http://127.0.0.1:9',
  settings: {},
  ...change,
});

describe("a platform in its cloud's own terms", () => {
  it('says of CloudStack what its adapter takes', () => {
    const fields = {
      domain: '/tenants',
      caCertificate: certificate,
      limits: { callsPerSecond: 7, requestTimeoutMs: 900 },
      maps: { diskTypes: { SATA: 'slow' } },
      naming: { tenant: 'ct_{userId}' },
    };
    const { config, problems } = adapterConfig(platform({ fields, settings: { zoneId: 'z', pace: { settleMs: 1 } } }), {
      username: 'u',
      password: 'p',
    });
    expect(problems).toEqual([]);
    expect(config.credentials).toEqual({ username: 'u', password: 'p', domain: '/tenants' });
    expect(config.settings).toEqual({
      zoneId: 'z',
      caCertificate: certificate,
      callsPerSecond: 7,
      requestTimeoutMs: 900,
      diskOfferings: { SATA: 'slow' },
      tenantAccount: 'ct_{userId}',
    });
    // The adapter's own schema agrees, so the names are right.
    expect(createProvisioner(config).limits).toMatchObject({ callsPerSecond: 7 });
  });

  it('says of OpenStack where it is, who works there, and what is called what', () => {
    const fields = {
      region: 'north',
      domain: 'Ops',
      project: 'admin',
      externalNetwork: 'outside',
      maps: { images: { i: 'g' }, zones: { z: 'nova' }, diskTypes: { SSD: 'fast' }, offerings: { '1-1024': 'f' } },
      naming: { tenant: 'ct_{accountId}', user: 'ct_{userId}' },
    };
    const { config } = adapterConfig(platform({ kind: 'openstack', fields }), { username: 'u', password: 'p' });
    expect(createProvisioner(config).limits).toBeDefined();
    expect(config.settings).toEqual({
      region: 'north',
      userDomain: 'Ops',
      project: 'admin',
      externalNetwork: 'outside',
      images: { i: 'g' },
      zones: { z: 'nova' },
      volumeTypes: { SSD: 'fast' },
      flavors: { '1-1024': 'f' },
      tenantProject: 'ct_{accountId}',
      tenantUser: 'ct_{userId}',
    });
  });

  it('refuses what would change nothing, and keeps words about a place for people', () => {
    const fields = {
      region: 'north',
      externalNetwork: 'outside',
      maps: { zones: { a: 'b' } },
      naming: { user: '{userId}' },
    };
    const { problems, config } = adapterConfig(platform({ fields }), keys);
    expect(problems.map(({ path }) => path)).toEqual(['maps.zones', 'naming.user']);
    expect(config.settings).toEqual({});
    expect(unusedFields(platform({ fields }))).toEqual(['region', 'externalNetwork', 'maps.zones', 'naming.user']);
  });

  it('refuses what is said twice, and changes neither', () => {
    const { problems, config } = adapterConfig(
      platform({ settings: { callsPerSecond: 1 }, fields: { limits: { callsPerSecond: 2 } } }),
      keys,
    );
    expect(problems).toEqual([
      { path: 'limits.callsPerSecond', message: expect.stringContaining('settings.callsPerSecond') },
    ]);
    expect(config.settings).toEqual({ callsPerSecond: 1 });
  });
});

describe("what a cloud's schema finds wrong", () => {
  const found = (change: object, credentials: Record<string, string> = keys) => {
    const { config, pathOf } = adapterConfig(platform(change), credentials);
    try {
      createProvisioner(config);
    } catch (error) {
      return settingsProblems(error as Error, pathOf);
    }
    return [];
  };

  it('is named where a person wrote it', () => {
    const settings = {
      cpuSpeedMhz: 'fast',
      defaultNetwork: { vpcCidr: '10.0.0.1' },
      diskOfferings: { 'S ATA': '' },
      zone: 1,
    };
    expect(found({ settings }).map(({ path }) => path)).toEqual([
      'settings',
      'settings.defaultNetwork',
      'settings.cpuSpeedMhz',
      'settings.diskOfferings["S ATA"]',
      'settings.defaultNetwork.vpcCidr',
    ]);
    expect(found({ fields: { maps: { diskTypes: { SATA: '' } } } })).toEqual([
      { path: 'maps.diskTypes.SATA', message: expect.stringMatching(/^Too small/) },
    ]);
    expect(found({}, { token: 'hunter2' })).toEqual([
      { path: 'credentials', message: expect.not.stringContaining('hunter2') },
    ]);
  });
});
