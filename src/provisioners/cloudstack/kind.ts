import type { CloudKind } from '../cloud-kind.js';
import { cloudstack } from './index.js';

export const cloudStackKind: CloudKind = {
  title: 'CloudStack',
  sourceType: 1,
  places: {
    domain: 'credentials.domain',
    caCertificate: 'settings.caCertificate',
    'limits.callsPerSecond': 'settings.callsPerSecond',
    'limits.requestTimeoutMs': 'settings.requestTimeoutMs',
    'maps.images': 'settings.images',
    'maps.diskTypes': 'settings.diskOfferings',
    'naming.tenant': 'settings.tenantAccount',
  },
  sentCredentials: ['password'],
  account: [
    'credentials.username',
    'credentials.domain',
    'settings.registerTenants',
    'settings.tenantAccount',
    'settings.tenantDomainId',
    'settings.zoneId',
  ],
  keys: ['apiKey'],
  build: cloudstack,
};
