import { ProvisioningError } from '../../errors.js';
import type { Found, OperationHandler, OperationRequest } from '../provisioner.js';
import { input } from '../requests.js';
import { type Account, scopeOf } from './account.js';
import { orNull, pathOf } from './client.js';
import { deleteRouter, serversOfNetwork, tearDownNetwork } from './network-teardown.js';
import { Anything } from './schema.js';

/**
 * The way back of `default-network.ensure`, by the ids that it left as facts: `projectId`, `networkId`, `routerId`. Nothing is
 * torn down while a server has a card in the network.
 */
export function defaultNetworkRemove(account: Account): OperationHandler {
  const { client } = account;
  const isThere = async (request: OperationRequest, path: string): Promise<boolean> =>
    (await orNull(client.read({ service: 'network', scope: scopeOf(request), path }, Anything))) !== null;
  const isLeft = async (request: OperationRequest): Promise<boolean> =>
    (await isThere(request, `/networks/${pathOf(input(request, 'networkId'))}`)) ||
    (await isThere(request, `/routers/${pathOf(input(request, 'routerId'))}`));
  const done = (request: OperationRequest): Found => ({
    resourceId: input(request, 'networkId'),
    facts: {},
    startedAt: null,
  });

  return {
    async send(request) {
      const scope = scopeOf(request);
      const networkId = input(request, 'networkId');
      const servers = await serversOfNetwork(client, scope, networkId);
      if (servers.length > 0) {
        const message = `the network ${networkId} still has servers: ${servers.join(', ')}`;
        throw new ProvisioningError('ask-human', 'CLD_IN_USE', message);
      }
      await tearDownNetwork(client, scope, networkId);
      // It goes last: an earlier attempt may have ended just before.
      await deleteRouter(client, scope, input(request, 'routerId'));
      return { state: 'done', found: done(request) };
    },
    async find(request) {
      if (await isLeft(request)) return { state: 'absent' };
      return { state: 'found', resourceId: input(request, 'networkId'), others: [] };
    },
    async inspect(request) {
      return (await isLeft(request)) ? { state: 'absent' } : { state: 'ready', found: done(request) };
    },
    discard: () => Promise.resolve('gone'),
  };
}
