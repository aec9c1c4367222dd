import type { CloudKind } from '../cloud-kind.js';
import { openstack } from './index.js';

export const openStackKind: CloudKind = {
  title: 'OpenStack',
  sourceType: 2,
  places: {
    region: 'settings.region',
    domain: 'settings.userDomain',
    project: 'settings.project',
    externalNetwork: 'settings.externalNetwork',
    caCertificate: 'settings.caCertificate',
    'limits.callsPerSecond': 'settings.callsPerSecond',
    'limits.requestTimeoutMs': 'settings.requestTimeoutMs',
    'maps.images': 'settings.images',
    'maps.diskTypes': 'settings.volumeTypes',
    'maps.offerings': 'settings.flavors',
    'maps.zones': 'settings.zones',
    'naming.tenant': 'settings.tenantProject',
    'naming.user': 'settings.tenantUser',
  },
  sentCredentials: ['password', 'applicationCredentialSecret'],
  account: [
    'credentials.username',
    'settings.region',
    'settings.userDomain',
    'settings.project',
    'settings.projectDomain',
    'settings.registerTenants',
    'settings.tenantProject',
    'settings.tenantUser',
  ],
  keys: ['applicationCredentialId'],
  build: openstack,
};
