import type pg from 'pg';
import type { Logger } from 'pino';
import { readRevisions, saveSteps, type StepToSave } from '../store/steps.js';

export interface CommitOptions {
  pool: pg.Pool;
  /** Whose name steps are stored in; it may change (see `Ownership`). */
  identity: { workerId: string };
  log: Logger;
}

/** What became of the steps of a group. Those in neither set lost the race: another worker has their order. */
export interface Fates {
  stored: Set<string>;
  /** PostgreSQL will never take them, whatever it is asked again. */
  refused: Set<string>;
}

/**
 * Stores a group, however long the database is away. After an error nobody knows whether the commit happened
 * (reliability P5: 50 of 50 cut connections had committed), so the rows are asked before anything is written again.
 */
export async function storeGroup(group: StepToSave[], options: CommitOptions): Promise<Fates> {
  const done = new Set<string>();
  let open = group;
  while (open.length > 0) {
    try {
      for (const orderId of await saveSteps(options.pool, options.identity.workerId, open)) {
        done.add(orderId);
      }
      return { stored: done, refused: new Set() };
    } catch (error) {
      const code = (error as { code?: string }).code ?? 'none';
      options.log.error({ code, orders: open.length }, 'steps could not be stored');
      if (isAboutTheData(code)) return storeApart(open, done, options);
      open = await notStoredYet(open, done, options);
    }
  }
  return { stored: done, refused: new Set() };
}

/** One step that PostgreSQL will never take must not hold up the others of its group. */
async function storeApart(group: StepToSave[], done: Set<string>, options: CommitOptions): Promise<Fates> {
  if (group.length === 1) return { stored: done, refused: new Set(group.map(({ step }) => step.state.orderId)) };
  const refused = new Set<string>();
  for (const one of group) {
    const fates = await storeGroup([one], options);
    for (const orderId of fates.stored) done.add(orderId);
    for (const orderId of fates.refused) refused.add(orderId);
  }
  return { stored: done, refused };
}

/** Asks until it is told: writing again on a guess would take our own commit for somebody else's. */
async function notStoredYet(group: StepToSave[], done: Set<string>, options: CommitOptions): Promise<StepToSave[]> {
  const orderIds = group.map(({ step }) => step.state.orderId);
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const rows = await readRevisions(options.pool, orderIds).catch(() => null);
    if (!rows) continue;
    return group.filter(({ step, seenRevision, epoch }) => {
      const row = rows.get(step.state.orderId);
      const ours = row?.epoch === epoch && row.workerId === options.identity.workerId;
      if (ours && row.revision === seenRevision + 1) done.add(step.state.orderId);
      return ours && row.revision === seenRevision;
    });
  }
}

/**
 * SQLSTATE classes 21 (more rows than can be: one row written twice), 22 (data), 23 (constraint), 42 (statement) and 54 (a limit of
 * PostgreSQL's own): trying again changes nothing. With one of them taken for an outage a single order stopped all commits (seen: 21).
 */
function isAboutTheData(code: string): boolean {
  return /^(21|22|23|42|54)/.test(code);
}
