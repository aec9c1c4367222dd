import type { Checker } from './facts.js';

/**
 * I12 poison: a message that cannot be handled is kept sealed with its code and why, and its offset advances: at the end
 * no partition waits for anything. How long it holds up the others is measured by the Kafka chaos run (test/chaos).
 */
export const poison: Checker = {
  invariant: 'I12',
  check({ rows, evidence }, { options }) {
    const wrong: string[] = [];
    const bad = rows.messages.filter(({ verdict }) => ['conflict', 'set-aside', 'refused'].includes(verdict));
    for (const { messageId, code, problems, verdict } of bad) {
      if (code === null || !/^[A-Z]{3}(_[A-Z0-9]+)+$/.test(code))
        wrong.push(`message ${messageId} is ${verdict} with the code ${code}`);
      if (problems === 0) wrong.push(`message ${messageId} is ${verdict} (${code}), and nothing says why`);
    }
    if (!options.stillRunning) {
      for (const { partition, committed, end } of evidence.intake?.partitions ?? []) {
        if ((committed ?? 0) < end) wrong.push(`partition ${partition} waits at ${committed ?? 0} of ${end}`);
      }
    }
    return bad.length === 0 && !evidence.intake ? null : wrong;
  },
};
