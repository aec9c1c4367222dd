import { type Http, type HttpOptions, openHttp } from '../http.js';
import { ownPace, type Pace } from '../pace.js';
import type { PlatformConfig, Provisioner } from '../provisioner.js';
import { catalogueOf } from './catalogue.js';
import { check } from './check.js';
import { cloudStackClient } from './client.js';
import { defaultNetworkEnsure } from './default-network.js';
import { ebsAttach, ebsCreate, ebsDelete, ebsDetach } from './ebs.js';
import { pollJobs } from './jobs.js';
import { networkBind, networkRelease, networkReserve, networkUnbind } from './network.js';
import { oneAtATime } from './one-at-a-time.js';
import { resolve } from './resolve.js';
import { serviceOfferingEnsure } from './service-offering.js';
import { Capability } from './schema.js';
import { readCredentials, readSettings } from './settings.js';
import { sentRequests } from '../requests.js';
import type { Account } from './submit.js';
import { tenancy } from './tenancy.js';
import { tenantEnsure } from './tenant.js';
import { tenantRemove } from './tenant-remove.js';
import { vmCreate, vmDelete } from './vm.js';

const connections = 16;

/**
 * Apache CloudStack, 4.5 and later; 4.4 works, but asks a person about addresses whose answer was lost. Throws when
 * the platform's settings or credentials cannot be read.
 *
 * @param open the road to the server; the simulation puts its own network here
 * @param gate the budget of the account; without one (`doctor`, tests) it keeps to its own
 */
export function cloudstack(
  config: PlatformConfig,
  open: (options: HttpOptions) => Http = openHttp,
  gate?: Pace,
): Provisioner {
  const account = openAccount(config, open, gate);
  const { client, settings } = account;
  return {
    capabilities: { detachedDisk: true, publicAddress: true },
    operations: {
      'vm.create': vmCreate(account),
      'vm.delete': vmDelete(account),
      'ebs.create': ebsCreate(account),
      'ebs.attach': ebsAttach(account),
      'ebs.detach': ebsDetach(account),
      'ebs.delete': ebsDelete(account),
      'network.reserve': networkReserve(account),
      'network.bind': networkBind(account),
      'network.unbind': networkUnbind(account),
      'network.release': networkRelease(account),
      'tenant.ensure': tenantEnsure(account),
      'tenant.remove': tenantRemove(account),
      'default-network.ensure': defaultNetworkEnsure(account),
      'service-offering.ensure': serviceOfferingEnsure(account),
    },
    resolve: (request) => resolve(account, request),
    tenancy: (request) => tenancy(account, request),
    pollJobs: (jobs) => pollJobs(client, jobs),
    check: () => check(account),
    accountId: async () => (await account.catalogue.ownAccount()).id,
    // Not through the cache: what is wanted is an answer of now.
    probe: async () => void (await client.read('listCapabilities', {}, Capability)),
    limits: { callsPerSecond: settings.callsPerSecond, atOnce: connections },
    close: () => client.close(),
  };
}

/** The way into one account, for orders and for what is done beside them. The caller closes its client. */
export function openAccount(
  config: PlatformConfig,
  open: (options: HttpOptions) => Http = openHttp,
  gate?: Pace,
): Account {
  const settings = readSettings(config);
  const client = cloudStackClient({
    serviceUrl: config.serviceUrl,
    credentials: readCredentials(config),
    http: open({ connections, timeoutMs: settings.requestTimeoutMs, caCertificate: settings.caCertificate }),
    pace: gate ?? ownPace({ callsPerSecond: settings.callsPerSecond, atOnce: connections }),
    requestTimeoutMs: settings.requestTimeoutMs,
    slowRequestTimeoutMs: Math.max(settings.slowRequestTimeoutMs, settings.requestTimeoutMs),
  });
  return {
    client,
    settings,
    catalogue: catalogueOf(client, settings.catalogueTtlMs),
    sent: sentRequests(),
    makingAccounts: oneAtATime(),
  };
}
