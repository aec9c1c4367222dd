import { Anything } from './schema.js';
import type { OpenStackClient } from './client.js';
import type { Scope } from './tokens.js';

/** One cheap question each: any answer of the service's will do. */
const questions = {
  network: { path: '/networks', query: { limit: 1, fields: 'id' } },
  image: { path: '/images', query: { limit: 1 } },
  volume: { path: '/volumes', query: { limit: 1 } },
} as const;

/**
 * Asks services that a request in doubt may hang on for a sign of life. While one of them holds it, nothing of the request can be
 * seen, and that says nothing.
 *
 * @throws ProvisioningError `retry`, as a look-up that failed
 */
export async function requireAlive(
  client: OpenStackClient,
  scope: Scope,
  services: readonly (keyof typeof questions)[],
): Promise<void> {
  for (const service of services) await client.read({ service, scope, ...questions[service] }, Anything);
}
