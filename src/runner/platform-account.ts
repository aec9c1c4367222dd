import { isDeepStrictEqual } from 'node:util';
import type { AdapterConfig } from '../provisioners/common-settings.js';
import type { PlatformConfig, Provisioner } from '../provisioners/provisioner.js';
import { cloudKindOf } from '../provisioners/registry.js';

/** What of a platform would lead to another account or look for markers elsewhere in it, by the paths that people write it at. */
export function accountChanges(before: AdapterConfig, after: AdapterConfig): string[] {
  const changed: string[] = [];
  for (const field of ['kind', 'serviceUrl'] as const) {
    if (before.config[field] !== after.config[field]) changed.push(field);
  }
  for (const place of cloudKindOf(before.config.kind)?.account ?? []) {
    if (isDeepStrictEqual(valueAt(before.config, place), valueAt(after.config, place))) continue;
    const [where, name = ''] = place.split('.');
    changed.push(where === 'settings' ? after.pathOf(name) : place);
  }
  return changed;
}

function valueAt(config: PlatformConfig, place: string): unknown {
  const [where, name = ''] = place.split('.');
  return (where === 'settings' ? config.settings : config.credentials)?.[name];
}

/** Whether the cloud has to be asked whose the credentials are: secrets of the same user or key are of the same account. */
export function keysDiffer(kind: string, before: Record<string, string>, after: Record<string, string>): boolean {
  return (cloudKindOf(kind)?.keys ?? []).some((key) => before[key] !== after[key]);
}

/**
 * Asks the cloud which account each of two sets of credentials leads to, and closes both adapters.
 *
 * @returns `isSame` null when that cannot be told: the adapter does not know, or the old ones open nothing any more
 */
export async function sameAccount(
  before: Provisioner,
  after: Provisioner,
  timeoutMs: number,
): Promise<{ isSame: boolean | null; detail: string }> {
  try {
    if (!after.accountId) return { isSame: null, detail: 'not compared: this cloud does not tell' };
    const [old, next] = await Promise.all([ask(before, timeoutMs), ask(after, timeoutMs)]);
    if ('problem' in next) {
      return { isSame: false, detail: `the cloud does not say whose the new credentials are (${next.problem})` };
    }
    if ('problem' in old) return { isSame: null, detail: 'not compared: the former credentials open nothing any more' };
    return old.id === next.id
      ? { isSame: true, detail: `still ${old.id}` }
      : { isSame: false, detail: `the new credentials lead to the account ${next.id} instead of ${old.id}` };
  } finally {
    await Promise.all([before.close(), after.close()]);
  }
}

async function ask(provisioner: Provisioner, timeoutMs: number): Promise<{ id: string } | { problem: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ problem: string }>((resolve) => {
    timer = setTimeout(() => resolve({ problem: 'it did not answer in time' }), timeoutMs);
  });
  const asked = Promise.resolve(provisioner.accountId?.() ?? '').then(
    (id) => ({ id }),
    (error: unknown) => ({ problem: (error as { code?: string }).code ?? 'it did not answer' }),
  );
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
