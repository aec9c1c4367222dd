import { describe, expect, it } from '@jest/globals';
import { readCredentials, readSettings } from '../../../src/provisioners/openstack/settings.js';
import { createProvisioner } from '../../../src/provisioners/registry.js';
import { configFor } from './small-cloud.js';

const settingsOf = (settings: Record<string, never> | object) =>
  readSettings({ ...configFor('http://127.0.0.1:1'), settings: settings as never });

describe('the settings of an OpenStack platform', () => {
  it('may all be left out', () => {
    expect(settingsOf({})).toMatchObject({
      interface: 'public',
      userDomain: 'Default',
      project: 'admin',
      tenantProject: 'ct_{accountId}',
      tenantUser: 'ct_{userId}',
      registerTenants: 'first-order',
      requestTimeoutMs: 60_000,
    });
  });

  it.each([
    [{ regoin: 'RegionOne' }, /regoin/],
    [{ tenantProject: 'everybody' }, /one name for all/],
    [{ flavors: { 'two cores': 'f1' } }, /two cores/],
    [{ defaultNetwork: { cidr: '10.0.0.1' } }, /IPv4 range/],
    [{ registerTenants: 'never' }, /registerTenants/],
  ])('are refused with what is wrong with them (%j)', (settings, words) => {
    expect(() => settingsOf(settings)).toThrow(words);
  });
});

describe('the credentials of an OpenStack platform', () => {
  it.each([
    [{ username: 'admin', password: 'x' }],
    [{ applicationCredentialId: 'i', applicationCredentialSecret: 's' }],
  ])('are a user or an application credential', (credentials) => {
    expect(readCredentials(configFor('http://127.0.0.1:1', { credentials: credentials as never }))).toEqual(
      credentials,
    );
  });

  it('are never quoted when they are incomplete', () => {
    const config = configFor('http://127.0.0.1:1', { credentials: { username: 'admin', passwort: 'hush-hush' } });
    expect(() => readCredentials(config)).toThrow(/username and password, or applicationCredentialId/);
    expect(() => readCredentials(config)).not.toThrow(/hush-hush/);
  });

  it('make a provisioner of the kind "openstack"', async () => {
    const provisioner = createProvisioner(configFor('http://127.0.0.1:1'));
    expect(Object.keys(provisioner.operations)).toContain('tenant.ensure');
    await provisioner.close();
  });
});
