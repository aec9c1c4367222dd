import { expect, test } from '@jest/globals';
import { startSimulated } from '../../src/simulators/http.js';
import { simulatedClouds, simulatedCloudOf } from '../../src/simulators/registry.js';
import { createProvisioner } from '../../src/provisioners/registry.js';

const latencyMs = { min: 1, max: 2 };

test.each(Object.entries(simulatedClouds))(
  'a simulated %s answers to the credentials and settings that belong to it, and to no others',
  async (name, kind) => {
    const credentials = kind.drawCredentials();
    const cloud = kind.build({ latencyMs }, kind.environment(credentials));
    const running = await startSimulated(cloud, {}, kind.servicePath);
    const platform = { id: 'p1', name, kind: name, serviceUrl: running.serviceUrl, settings: { ...kind.settings } };
    const login = async (secrets: Record<string, string>) => {
      const provisioner = createProvisioner({ ...platform, credentials: secrets });
      const lines = await provisioner.check();
      await provisioner.close();
      return lines.every(({ ok }) => ok);
    };
    try {
      expect(new URL(running.serviceUrl).origin).toBe(running.url);
      expect(await (await fetch(`${running.url}/_sim/resources`)).json()).toEqual({ resources: [] });
      expect(await login(credentials)).toBe(true);
      expect(await login(kind.drawCredentials())).toBe(false);
    } finally {
      await running.close();
    }
  },
);

test('an unknown kind is refused with the ones there are', () => {
  expect(() => simulatedCloudOf('azure')).toThrow(/"azure".*cloudstack, openstack/);
});
