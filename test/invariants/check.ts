/**
 * Judges a run by its outside evidence: `expect((await checkInvariants(evidence)).violations).toEqual([])`.
 *
 * Meant for the end of a run, when the faults have stopped and everything had its time; `stillRunning` asks less.
 */
import type { Evidence } from './evidence.js';
import { type Facts, factsOf, type InvariantId, invariantIds } from './facts.js';
import { checkers } from './checkers.js';
import { readRows } from './rows.js';

export interface CheckOptions {
  /** In the middle of a run: open orders are fine as long as something will wake them, and what is not told yet may come. */
  stillRunning?: boolean;
  /** Orders that wait for a person count as violations of I7 too: for runs in which nothing may need one. */
  nobodyHelps?: boolean;
}

export interface Violation {
  invariant: InvariantId;
  /** In words, with the ids that it is about. */
  text: string;
}

export type Looked = 'holds' | 'violated' | 'not looked at';

/** The headline zeros, over the whole run. */
export interface Figures {
  /** Living things beyond the first under one marker, listed as orphans or not. */
  duplicates: number;
  /** Messages that were answered and are not kept, and things that were told as delivered and are not there. */
  lost: number;
  /** Orders of billing that are neither at their end nor held for a person with a reason. */
  notTerminal: number;
  /** Endings of an order or item beyond the first. */
  secondTerminalEvents: number;
  sequenceGaps: number;
  /** Living bought things that belong to nothing and are not in `orphan`. */
  unlistedOrphans: number;
}

export interface Report {
  violations: Violation[];
  looked: Record<InvariantId, Looked>;
  figures: Figures;
}

/** Reads the tables and runs every checker. */
export async function checkInvariants(evidence: Evidence, options: CheckOptions = {}): Promise<Report> {
  return checkFacts(factsOf(evidence, await readRows(evidence.sql)), options);
}

/** The same on facts that are there already. Pure. */
export function checkFacts(facts: Facts, options: CheckOptions = {}): Report {
  const torn = facts.evidence.clouds.find(({ droppedEffects }) => (droppedEffects ?? 0) > 0);
  // Half a log would let half of the checkers say "holds" of what they have not seen.
  if (torn) throw new Error(`the log of effects of ${torn.name} has lost its beginning: the run is too long for it`);
  const figures: Figures = {
    duplicates: 0,
    lost: 0,
    notTerminal: 0,
    secondTerminalEvents: 0,
    sequenceGaps: 0,
    unlistedOrphans: 0,
  };
  const violations: Violation[] = [];
  const looked = Object.fromEntries(invariantIds.map((id) => [id, 'not looked at'])) as Record<InvariantId, Looked>;
  for (const { invariant, check } of checkers) {
    const found = check(facts, { options, figures });
    if (found === null) continue;
    looked[invariant] = found.length > 0 ? 'violated' : 'holds';
    violations.push(...found.map((text) => ({ invariant, text })));
  }
  return { violations, looked, figures };
}

/** A report as lines: what is wrong (at most so many of each invariant, one fault can break a thousand orders), then the figures. */
export function reportLines({ violations, looked, figures }: Report, most = 5): string[] {
  const lines: string[] = [];
  for (const id of invariantIds) {
    const own = violations.filter(({ invariant }) => invariant === id);
    lines.push(...own.slice(0, most).map(({ text }) => `${id}: ${text}`));
    if (own.length > most) lines.push(`${id}: ${own.length - most} more`);
  }
  const skipped = invariantIds.filter((id) => looked[id] === 'not looked at');
  lines.push(
    Object.entries(figures)
      .map(([name, figure]) => `${name} ${figure}`)
      .join(', '),
  );
  if (skipped.length > 0) lines.push(`not looked at: ${skipped.join(' ')}`);
  return lines;
}
