import type pg from 'pg';
import type { Logger } from 'pino';
import { readStandings, saveSteps, type Standing, type StepToSave, UnstorableError } from '../store/steps.js';

export interface CommitOptions {
  pool: pg.Pool;
  /** Whose name steps are stored in; it may change (see `Ownership`). */
  identity: { workerId: string };
  log: Logger;
}

/** What became of the steps of a group, each by its step id: every step is in exactly one of the three. */
export interface Fates {
  stored: Set<string>;
  /** PostgreSQL will never take them, whatever it is asked again. */
  refused: Set<string>;
  /** Not stored and never will be: their order stands elsewhere by now. Where, and whose it is; null when it is gone. */
  lost: Map<string, Standing | null>;
}

/** An error that may be the step's own and may be the database's: so often it is tried with the others, and then alone. */
const triesTogether = 3;
const triesAlone = 6;

/**
 * Stores a group, however long the database is away. After an error nobody knows whether the commit happened
 * (reliability P5: 50 of 50 cut connections had committed), and a statement that was given up may still be carried out: so the rows
 * are asked, and each says by its step id whose commit it was. Nothing is taken for somebody else's on a guess.
 */
export async function storeGroup(group: StepToSave[], options: CommitOptions): Promise<Fates> {
  const fates: Fates = { stored: new Set(), refused: new Set(), lost: new Map() };
  for (const wave of oneStepPerOrder(group)) await storeWave(wave, fates, options);
  return fates;
}

/** The engine never hands in two steps of one order. Should it, they go one after the other, and the second one has lost. */
function oneStepPerOrder(group: StepToSave[]): StepToSave[][] {
  const waves: StepToSave[][] = [];
  const seen = new Map<string, number>();
  for (const one of group) {
    const { orderId } = one.step.state;
    const number = seen.get(orderId) ?? 0;
    seen.set(orderId, number + 1);
    (waves[number] ??= []).push(one);
  }
  return waves;
}

async function storeWave(wave: StepToSave[], fates: Fates, options: CommitOptions): Promise<void> {
  let open = wave;
  for (let failures = 0; ;) {
    try {
      for (const stepId of await saveSteps(options.pool, options.identity.workerId, open)) fates.stored.add(stepId);
      open = open.filter(({ stepId }) => !fates.stored.has(stepId));
    } catch (error) {
      failures += 1;
      const trouble = troubleOf(error);
      options.log.error({ code: trouble.code, orders: open.length, failures }, 'steps could not be stored');
      if (open.length > 1 && (trouble.kind === 'step' || (trouble.kind === 'unclear' && failures >= triesTogether))) {
        // One step that PostgreSQL will never take must not hold up the others of its group.
        for (const one of open) await storeWave([one], fates, options);
        return;
      }
      const isHopeless = trouble.kind === 'step' || (trouble.kind === 'unclear' && failures >= triesAlone);
      await new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** failures, 2_000)));
      if (isHopeless) {
        for (const { stepId } of await standingStill(open, fates, options)) fates.refused.add(stepId);
        return;
      }
    }
    if (open.length === 0) return;
    open = await standingStill(open, fates, options);
    if (open.length === 0) return;
  }
}

/**
 * Asks until it is told where the orders stand.
 *
 * @returns the steps whose order stands where it was when they were decided: they can be stored yet. The others get their fate
 */
async function standingStill(steps: StepToSave[], fates: Fates, options: CommitOptions): Promise<StepToSave[]> {
  const orderIds = steps.map(({ step }) => step.state.orderId);
  let rows: Map<string, Standing> | null = null;
  for (let delayMs = 50; rows === null; delayMs = Math.min(delayMs * 2, 2_000)) {
    rows = await readStandings(options.pool, orderIds).catch(() => null);
    if (rows === null) await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  const { workerId } = options.identity;
  return steps.filter(({ stepId, step, seenRevision, epoch }) => {
    const row = rows.get(step.state.orderId) ?? null;
    if (row?.epoch === epoch && row.workerId === workerId && row.revision === seenRevision) return true;
    if (row?.stepId === stepId) fates.stored.add(stepId);
    else fates.lost.set(stepId, row);
    return false;
  });
}

type Trouble = { kind: 'step' | 'database' | 'unclear'; code: string };

/**
 * Whether an error is about what was to be stored, or about the database. `step`: SQLSTATE classes 21 (one row written twice), 22
 * (data), 23 (constraint), 42 (statement) and 54 (a limit of PostgreSQL's own), and a statement that could not even be made: trying
 * again changes nothing (with 21 taken for an outage a single order stopped all commits). `database`: no SQLSTATE, and the classes
 * of connections, resources, shutdown and failover (08, 25, 28, 3D, 40, 53, 55, 57 but for 57014, 58). Any other (XX000, 57014) may be either.
 */
function troubleOf(error: unknown): Trouble {
  if (error instanceof UnstorableError) return { kind: 'step', code: `not made: ${error.message}` };
  const code = (error as { code?: string }).code ?? 'none';
  if (!/^(\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/.test(code)) return { kind: 'database', code };
  if (/^(21|22|23|42|54)/.test(code)) return { kind: 'step', code };
  if (code !== '57014' && /^(08|25|28|3D|40|53|55|57|58)/.test(code)) return { kind: 'database', code };
  return { kind: 'unclear', code };
}
