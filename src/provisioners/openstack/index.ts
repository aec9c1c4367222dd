import { type HttpOptions, openHttp, type RestHttp } from '../http.js';
import { ownPace, type Pace } from '../pace.js';
import type { PlatformConfig, Provisioner } from '../provisioner.js';
import { sentRequests } from '../requests.js';
import type { Account } from './account.js';
import { bandwidthPolicyEnsure } from './bandwidth-policy.js';
import { catalogueOf } from './catalogue.js';
import { check } from './check.js';
import { openStackClient } from './client.js';
import { defaultNetworkEnsure } from './default-network.js';
import { defaultNetworkRemove } from './default-network-remove.js';
import { ebsAttach, ebsCreate, ebsDelete, ebsDetach } from './ebs.js';
import { pollJobs } from './jobs.js';
import { networkBind, networkRelease, networkReserve, networkUnbind } from './network.js';
import { resolve } from './resolve.js';
import { readCredentials, readSettings } from './settings.js';
import { tenantEnsure } from './tenant.js';
import { tenancy } from './tenancy.js';
import { tenantRemove } from './tenant-remove.js';
import { vmCreate, vmDelete } from './vm.js';

const connections = 16;
/** A page of 500 servers in ERROR, each with the stack trace that administrators are shown. */
const largestAnswerBytes = 32 * 1024 * 1024;

/**
 * OpenStack, recorded against Zed; servers can be marked, and so be built here, from Pike (2.52) on. Throws when the
 * platform's settings or credentials cannot be read.
 *
 * @param config `serviceUrl` is Keystone's v3 address; all others come from its catalogue
 * @param open the road to the servers; the simulation puts its own network here
 * @param gate the budget of the account; without one (`doctor`, tests) it keeps to its own
 */
export function openstack(
  config: PlatformConfig,
  open: (options: HttpOptions) => RestHttp = openHttp,
  gate?: Pace,
): Provisioner {
  const account = openAccount(config, open, gate);
  const { client, settings } = account;
  const tenants = client.isAdministrator
    ? { 'tenant.ensure': tenantEnsure(account), 'tenant.remove': tenantRemove(account) }
    : {};
  return {
    capabilities: { detachedDisk: true, publicAddress: true, takesRootPassword: true },
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
      ...tenants,
      'default-network.ensure': defaultNetworkEnsure(account),
      'default-network.remove': defaultNetworkRemove(account),
      'bandwidth-policy.ensure': bandwidthPolicyEnsure(account),
    },
    resolve: (request) => resolve(account, request),
    tenancy: (request) => tenancy(account, request),
    pollJobs: (jobs) => pollJobs(client, jobs),
    check: () => check(account),
    accountId: async () => (await client.login()).projectId,
    // A login: every service stands on Keystone, and a kept token would say nothing of it.
    probe: async () => void (await client.login()),
    limits: { callsPerSecond: settings.callsPerSecond, atOnce: connections },
    close: () => client.close(),
  };
}

/** Everything the operations need; also for what is done at the cloud beside orders (`server-actions.ts` and its neighbours). */
export function openAccount(
  config: PlatformConfig,
  open: (options: HttpOptions) => RestHttp = openHttp,
  gate?: Pace,
): Account {
  const settings = readSettings(config);
  const client = openStackClient({
    serviceUrl: config.serviceUrl,
    credentials: readCredentials(config),
    settings,
    http: open({
      connections,
      timeoutMs: settings.requestTimeoutMs,
      maxAnswerBytes: largestAnswerBytes,
      caCertificate: settings.caCertificate,
    }),
    pace: gate ?? ownPace({ callsPerSecond: settings.callsPerSecond, atOnce: connections }),
  });
  return {
    client,
    settings,
    catalogue: catalogueOf(client, settings),
    sent: sentRequests(),
  };
}
