import { ProvisioningError } from '../../errors.js';
import type { OperationHandler, OperationRequest, Sent } from '../provisioner.js';
import { adoptEarlier as adopt, type SentRequests } from '../requests.js';
import type { Catalogue } from './catalogue.js';
import type { OpenStackClient } from './client.js';
import type { OpenStackSettings } from './settings.js';
import type { Scope } from './tokens.js';

/** Everything an operation needs of its cloud account. */
export interface Account {
  client: OpenStackClient;
  catalogue: Catalogue;
  settings: OpenStackSettings;
  sent: SentRequests;
}

/** Key of the metadata that a server, a volume or a snapshot carries its marker under. */
export const markerKey = 'orderwright-marker';

/** The project an operation works in: its tenant's, or the account's own where there are no tenants. */
export function scopeOf(request: OperationRequest): Scope {
  return request.inputs['projectId'] ?? null;
}

/**
 * No service takes a request id that it would know again (reference 7.1): a request is noted before it leaves, and when
 * anything was sent before, what it left is taken over instead of sending again.
 */
export async function adoptEarlier(
  account: Account,
  handler: Pick<OperationHandler, 'find' | 'inspect'>,
  request: OperationRequest,
  isShared = false,
): Promise<Sent | null> {
  const adopted = await adopt(account, handler, request, isShared);
  account.sent.note(request.requestId);
  return adopted;
}

export function contradiction(message: string): ProvisioningError {
  return new ProvisioningError('ask-human', 'CLD_CONTRADICTION', message);
}

/** Oldest first: of several with one marker the first is kept and the rest are named as orphans. */
export function oldestFirst<T extends { id: string; created_at: string | null }>(rows: T[]): T[] {
  return rows.toSorted((a, b) => (a.created_at ?? '').localeCompare(b.created_at ?? '') || a.id.localeCompare(b.id));
}

/** A text of the customer's as a name: one line, without control characters, cut. */
export function printable(text: string, longest: number): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longest);
}
