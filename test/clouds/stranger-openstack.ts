import type { JsonObject } from '../../src/json.js';
import { markerKey } from '../../src/provisioners/openstack/account.js';
import { type AskCloud, adminPassword, type Stranger } from './test-cloud.js';

/** An administrator of the simulated OpenStack who has never heard of us. */
export function strangerOfOpenStack(ask: AskCloud): Stranger {
  const call = (method: string, path: string, body?: JsonObject, token?: string) => {
    const headers = {
      'content-type': 'application/json',
      host: 'cloud.simulation',
      ...(token && { 'x-auth-token': token }),
    };
    const answer = ask({ method, path, headers, body: body === undefined ? '' : JSON.stringify(body) });
    return answer === 'cut' || answer.status >= 300 ? null : answer;
  };
  const domain = { name: 'Default' };
  const user = { name: 'admin', password: adminPassword, domain };
  const signIn = (project: JsonObject) => {
    const identity = { methods: ['password'], password: { user } };
    const answer = call('POST', '/identity/v3/auth/tokens', { auth: { identity, scope: { project } } });
    const token = answer?.headers?.['x-subject-token'] ?? answer?.headers?.['X-Subject-Token'];
    return typeof token === 'string' ? token : null;
  };
  const asAdmin = (method: string, path: string, body?: JsonObject) => {
    const token = signIn({ name: 'admin', domain });
    return token !== null && call(method, path, body, token) !== null;
  };
  const places: Record<string, { path: string; name: string; verb: string } | undefined> = {
    network: { path: '/network/v2.0/networks', name: 'network', verb: 'PUT' },
    subnet: { path: '/network/v2.0/subnets', name: 'subnet', verb: 'PUT' },
    router: { path: '/network/v2.0/routers', name: 'router', verb: 'PUT' },
    'qos-policy': { path: '/network/v2.0/qos/policies', name: 'policy', verb: 'PUT' },
    account: { path: '/identity/v3/projects', name: 'project', verb: 'PATCH' },
    user: { path: '/identity/v3/users', name: 'user', verb: 'PATCH' },
    address: { path: '/network/v2.0/floatingips', name: 'floatingip', verb: 'PUT' },
    vm: { path: '/compute/v2.1/servers', name: 'server', verb: 'PUT' },
  };
  return {
    remove({ kind, id, details }) {
      if (kind === 'volume') {
        const projectId = details['projectId'];
        const token = typeof projectId === 'string' ? signIn({ id: projectId }) : null;
        if (token === null || typeof projectId !== 'string') return false;
        return call('DELETE', `/volume/v3/${projectId}/volumes/${id}`, undefined, token) !== null;
      }
      const place = places[kind];
      return place ? asAdmin('DELETE', `${place.path}/${id}`) : null;
    },
    rename({ kind, id }, name) {
      const place = places[kind];
      if (!place || kind === 'address') return null;
      return asAdmin(place.verb, `${place.path}/${id}`, { [place.name]: { name } });
    },
    addDisk({ details }, name, marker) {
      const projectId = details['projectId'];
      if (typeof projectId !== 'string') return null;
      const token = signIn({ id: projectId }) ?? signIn({ name: 'admin', domain });
      if (token === null) return null;
      const volume = { name, size: 1, metadata: { ...(marker !== null && { [markerKey]: marker }) } };
      const answer = call('POST', `/volume/v3/${projectId}/volumes`, { volume }, token);
      return answer ? (JSON.parse(answer.body) as { volume: { id: string } }).volume.id : null;
    },
  };
}
