import type { Role } from '../roles.js';

/**
 * Who may ask what: the one table of it. A route that is not in it does not start.
 *
 * `rows: 'own'`: a token of one account gets that account's rows, and of any other the answer that there is none.
 * `rows: 'all'`: the answer is about the whole installation, so a token of one account is refused.
 */
export type RouteAccess = 'open' | { roles: readonly Role[]; rows: 'own' | 'all' };

const everybody: readonly Role[] = ['viewer', 'operator', 'admin', 'producer'];
const staff: readonly Role[] = ['viewer', 'operator', 'admin'];
const operators: readonly Role[] = ['operator', 'admin'];
const admins: readonly Role[] = ['admin'];

export const routeAccess: Readonly<Record<string, RouteAccess>> = {
  // What a load balancer asks, and what the API is.
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  'GET /openapi.json': 'open',
  'GET /asyncapi.json': 'open',
  'GET /metrics': { roles: staff, rows: 'all' },

  'POST /api/msg/order/': { roles: ['producer', 'admin'], rows: 'own' },
  'POST /api/datacenters/create/': { roles: admins, rows: 'all' },
  'POST /api/datacenters/update/': { roles: admins, rows: 'all' },
  'POST /api/datacenters/delete/': { roles: admins, rows: 'all' },
  'GET /api/datacenters/query/': { roles: staff, rows: 'all' },
  'POST /api/datacenters/query/': { roles: staff, rows: 'all' },
  'GET /api/datacenters/list/': { roles: staff, rows: 'all' },
  'POST /api/datacenters/list/': { roles: staff, rows: 'all' },
  'POST /api/users/create/': { roles: admins, rows: 'all' },
  'POST /api/users/update/': { roles: admins, rows: 'all' },
  'POST /api/users/delete/': { roles: admins, rows: 'all' },
  'GET /api/users/query/': { roles: staff, rows: 'all' },
  'POST /api/users/query/': { roles: staff, rows: 'all' },
  'GET /api/users/list/': { roles: staff, rows: 'all' },
  'POST /api/users/list/': { roles: staff, rows: 'all' },
  // Log-ins too: who asks is the service that the users log in to, never a user.
  'POST /api/users/action/': { roles: admins, rows: 'all' },
  'POST /api/user-datacenters/create/': { roles: admins, rows: 'all' },
  'POST /api/user-datacenters/delete/': { roles: admins, rows: 'all' },
  'GET /api/user-datacenters/query/': { roles: staff, rows: 'all' },
  'POST /api/user-datacenters/query/': { roles: staff, rows: 'all' },
  'GET /api/user-datacenters/list/': { roles: staff, rows: 'all' },
  'POST /api/user-datacenters/list/': { roles: staff, rows: 'all' },

  'POST /v1/work-orders': { roles: ['producer', 'admin'], rows: 'own' },

  'GET /v1/work-orders': { roles: everybody, rows: 'own' },
  'GET /v1/work-orders/:id': { roles: everybody, rows: 'own' },
  'GET /v1/work-orders/:id/timeline': { roles: everybody, rows: 'own' },
  'GET /v1/work-orders/:id/plan': { roles: everybody, rows: 'own' },
  'GET /v1/work-orders/:id/audit': { roles: staff, rows: 'own' },
  'POST /v1/work-orders/:id/replay': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/cancel': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/hold': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/resume': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/items/:item/skip': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/items/:item/mark-done': { roles: operators, rows: 'own' },
  'POST /v1/replays': { roles: operators, rows: 'own' },
  'POST /v1/work-orders/:id/secrets': { roles: ['producer', 'admin'], rows: 'own' },
  'GET /v1/events': { roles: everybody, rows: 'own' },

  'GET /v1/rejected-messages': { roles: everybody, rows: 'own' },
  'GET /v1/rejected-messages/:id': { roles: everybody, rows: 'own' },
  'POST /v1/rejected-messages/:id/resubmit': { roles: operators, rows: 'own' },
  'GET /v1/jobs': { roles: staff, rows: 'own' },
  'GET /v1/orphans': { roles: staff, rows: 'own' },
  'POST /v1/orphans/:platform/:resource/adopt': { roles: operators, rows: 'own' },
  'POST /v1/orphans/:platform/:resource/destroy': { roles: operators, rows: 'own' },
  'GET /v1/platforms': { roles: staff, rows: 'all' },
  'POST /v1/platforms': { roles: admins, rows: 'all' },
  'GET /v1/platforms/:platform': { roles: staff, rows: 'all' },
  'PATCH /v1/platforms/:platform': { roles: admins, rows: 'all' },
  'DELETE /v1/platforms/:platform': { roles: admins, rows: 'all' },
  'POST /v1/platforms/:platform/enable': { roles: admins, rows: 'all' },
  'POST /v1/platforms/:platform/disable': { roles: admins, rows: 'all' },
  'POST /v1/platforms/:platform/maintenance': { roles: admins, rows: 'all' },
  'POST /v1/platforms/:platform/check': { roles: operators, rows: 'all' },

  'GET /v1/registrations': { roles: staff, rows: 'all' },
  'POST /v1/registrations/:platform/:user/register': { roles: operators, rows: 'all' },
  'POST /v1/registrations/:platform/:user/unregister': { roles: operators, rows: 'all' },

  'GET /v1/tokens': { roles: ['admin'], rows: 'all' },
  'POST /v1/tokens': { roles: ['admin'], rows: 'all' },
  'POST /v1/tokens/:name/revoke': { roles: ['admin'], rows: 'all' },
};

/** The row of a route as fastify names it; HEAD is GET without a body. @throws Error when it has none */
export function accessOf(method: string, url: string): RouteAccess {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  const access = Object.hasOwn(routeAccess, key) ? routeAccess[key] : undefined;
  if (access === undefined) throw new Error(`src/http/route-access.ts does not say who may ask ${key}`);
  return access;
}
