import type { Call, Reply } from './call.js';
import type { Service } from './errors.js';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One call of one service. `path` is relative to the service's base; `{name}` stands for one segment. */
export interface Route {
  service: Service;
  method: Method;
  path: string;
  /** The name of the operation for faults and counts, or how to tell it from the body. */
  operation: string | ((body: unknown) => string);
  run: (call: Call) => Reply;
  /** Answered without a token. */
  open?: true;
}

export interface Match {
  route: Route;
  params: Record<string, string>;
}

/** Routes by method and number of segments; literal segments win over placeholders. */
export class Router {
  readonly #routes = new Map<string, { route: Route; segments: string[] }[]>();

  constructor(routes: Iterable<Route>) {
    for (const route of routes) {
      const segments = split(route.path);
      const key = keyOf(route.service, route.method, segments.length);
      const same = this.#routes.get(key) ?? [];
      same.push({ route, segments });
      same.sort((a, b) => placeholders(a.segments) - placeholders(b.segments));
      this.#routes.set(key, same);
    }
  }

  match(service: Service, method: string, path: string): Match | null {
    const given = split(path);
    for (const { route, segments } of this.#routes.get(keyOf(service, method, given.length)) ?? []) {
      const params = fit(segments, given);
      if (params !== null) return { route, params };
    }
    return null;
  }
}

function fit(segments: string[], given: string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = decode(value);
    else if (segment !== value) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const split = (path: string) => path.split('/').filter((segment) => segment !== '');
const keyOf = (service: Service, method: string, count: number) => `${service} ${method} ${count}`;
const placeholders = (segments: string[]) => segments.filter((segment) => segment.startsWith('{')).length;

/** Writes the routes of a service shortly: `['GET', '/flavors', 'flavors.list', listFlavors]`. */
export function routesOf(
  service: Service,
  rows: [
    method: Method,
    path: string,
    operation: string | ((body: unknown) => string),
    run: Route['run'],
    open?: 'open',
  ][],
): Route[] {
  return rows.map(([method, path, operation, run, open]) => ({
    service,
    method,
    path,
    operation:
      typeof operation === 'string' ? `${service}.${operation}` : (body: unknown) => `${service}.${operation(body)}`,
    run,
    ...(open === 'open' && { open: true }),
  }));
}
