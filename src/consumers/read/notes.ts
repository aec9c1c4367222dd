import type { Code } from '../../codes.js';
import { cutText } from '../../cut-text.js';
import type { Problem } from '../../errors.js';
import type { Hold, Repair, SealableSecret, Warning } from '../../schemas/work-order.js';
import { quotedLength } from '../../schemas/wire.js';
import { limits } from './limits.js';

/** What is written down while one message is read. */
export class Notes {
  readonly problems: Problem[] = [];
  readonly repairs: Repair[] = [];
  readonly warnings: Warning[] = [];
  readonly holds: Hold[] = [];
  /** Cut out of the order; taken out of every text here before it leaves. */
  readonly secrets: SealableSecret[] = [];
  /** Secrets in places where none belongs: removed, never sealed. */
  readonly strays: string[] = [];
  private unspoken = 0;

  problem(code: Code, path: string, message: string): void {
    if (this.problems.length < limits.problems) this.problems.push({ path, code, message });
  }

  warn(code: Code, path: string, message: string): void {
    if (this.warnings.length < limits.warnings) this.warnings.push({ path, code, message });
    else this.unspoken++;
  }

  hold(code: Code, path: string, message: string): void {
    this.holds.push({ code, path, message });
  }

  /** `before` and `after` say what kind of thing it was rather than what it held, wherever it could hold a secret. */
  repair(rule: string, path: string, before: string, after: string): void {
    this.repairs.push({ path, rule, before: cut(before), after: cut(after), lossless: true });
  }

  /** To come back to when one way of reading turns out wrong. */
  mark(): () => void {
    const { repairs, warnings, problems } = this;
    const lengths = [repairs.length, warnings.length, problems.length] as const;
    return () => {
      [repairs.length, warnings.length, problems.length] = lengths;
    };
  }

  /** Takes every secret value out of every text. To be called once, last. */
  scrub(): void {
    const values = [...this.secrets.map((secret) => secret.value), ...this.strays];
    for (const value of values) {
      if (value.length < shortestScrubbed) continue;
      const clean = (text: string): string => without(without(text, value), JSON.stringify(value).slice(1, -1));
      for (const note of [...this.problems, ...this.warnings, ...this.holds]) {
        note.message = clean(note.message);
        note.path = clean(note.path);
      }
      for (const repair of this.repairs) {
        repair.before = clean(repair.before);
        repair.after = clean(repair.after);
      }
    }
    if (this.unspoken > 0) {
      this.warnings[limits.warnings - 1] = {
        path: '',
        code: 'ORD_UNKNOWN_FIELD',
        message: `and ${this.unspoken + 1} more warnings`,
      };
    }
  }
}

/** Shorter ones are parts of our own words; no message quotes a password's field. */
const shortestScrubbed = 4;

function without(text: string, secret: string): string {
  const clean = text.includes(secret) ? text.replaceAll(secret, '(secret)') : text;
  // A quoted value may have been cut in the middle of a long one.
  const at = secret.length > 40 ? clean.indexOf(secret.slice(0, 40)) : -1;
  return at < 0 ? clean : `${clean.slice(0, at)}(secret)`;
}

const cut = (text: string): string => cutText(text, quotedLength);
