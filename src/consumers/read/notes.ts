import type { Code } from '../../codes.js';
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
    const values = [...this.secrets.map((secret) => secret.value), ...this.strays].filter((value) => value.length >= 4);
    for (const value of values) {
      const clean = (text: string): string => (text.includes(value) ? text.replaceAll(value, '(secret)') : text);
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
      this.warnings[limits.warnings - 1] = { path: '', code: 'ORD_UNKNOWN_FIELD', message: `and ${this.unspoken + 1} more warnings` };
    }
  }
}

const cut = (text: string): string => (text.length <= quotedLength ? text : text.slice(0, quotedLength - 1) + '…');
