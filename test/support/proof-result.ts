/** Hands the result of a proof, or of a part of one, to `scripts/proof.mjs`. */
import { appendFileSync } from 'node:fs';

export interface ProofResult {
  /** How many were tried; what one is, the proof says. */
  runs: number;
  /** One line each, naming what is needed to see it again. */
  violations: string[];
  /** What is worth keeping: counts and measurements by name. */
  figures?: Record<string, unknown>;
}

/**
 * Does nothing in a run that is no proof (`npm test`). May be called several times: runs and violations add up.
 *
 * @returns whether a proof listens: its violations are counted by themselves, and a failed test would be one more
 */
export function reportProof(result: ProofResult): boolean {
  const file = process.env['PROOF_RESULT'];
  if (file === undefined || file === '') return false;
  appendFileSync(file, `${JSON.stringify(result)}\n`);
  return true;
}
