import { concerns } from './faults.js';
import { type HttpAnswer, isHeld, type SimulatedAnswer } from './http.js';
import { Scheduler } from './scheduler.js';

interface Held {
  operations: readonly string[];
  carryOut: () => void;
}

/**
 * Services that are frozen, as a stopped process or a lost message bus leaves them: a request that needs one is taken and gets no
 * answer. When the last service it needs goes on, it is carried out, in the order in which requests came, also when whoever
 * sent it has long gone. Nothing of it is done before.
 */
export class FrozenServices {
  readonly #scheduler = new Scheduler();
  #freezes: { operation: string; untilMs: number }[] = [];
  #held: Held[] = [];

  /** Freezes what these operations stand for (`neutron.*`, `*`, one name) from now on. */
  freeze(operation: string, forMs: number): void {
    this.#freezes.push({ operation, untilMs: Date.now() + forMs });
    this.#scheduler.after(forMs, () => this.#goOn());
  }

  /** Is anything frozen? */
  get any(): boolean {
    const now = Date.now();
    return this.#freezes.some(({ untilMs }) => untilMs > now);
  }

  /** Requests that wait. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** When the last service that these operations need goes on, ms since epoch; null when none is frozen. */
  frozenUntil(operations: readonly string[]): number | null {
    const now = Date.now();
    const ends = this.#freezes
      .filter(({ operation, untilMs }) => untilMs > now && operations.some((one) => concerns(operation, one)))
      .map(({ untilMs }) => untilMs);
    return ends.length === 0 ? null : Math.max(...ends);
  }

  /**
   * Carries a request out at once, or holds it.
   *
   * @param operations its own name, and one of each service that it needs
   */
  whenThawed(operations: readonly string[], work: () => SimulatedAnswer): SimulatedAnswer {
    const heldUntilMs = this.frozenUntil(operations);
    if (heldUntilMs === null) return work();
    let answer: HttpAnswer | 'cut' | null = null;
    let listener: ((answer: HttpAnswer | 'cut') => void) | null = null;
    const tell = (given: HttpAnswer | 'cut') => {
      answer = given;
      listener?.(given);
    };
    const carryOut = () => {
      const given = work();
      if (isHeld(given)) given.onAnswer(tell);
      else tell(given);
    };
    this.#held.push({ operations, carryOut });
    return {
      heldUntilMs,
      onAnswer(told) {
        listener = told;
        if (answer !== null) told(answer);
      },
    };
  }

  /** All services go on now; what they held is done before this returns. */
  thaw(): void {
    this.#freezes = [];
    this.#goOn();
  }

  /** Forgets what is held without doing it; nobody is answered. */
  clear(): void {
    this.#scheduler.clear();
    this.#freezes = [];
    this.#held = [];
  }

  #goOn(): void {
    const held = this.#held;
    this.#held = [];
    const waiting: Held[] = [];
    for (const one of held) {
      if (this.frozenUntil(one.operations) === null) one.carryOut();
      else waiting.push(one);
    }
    this.#held.unshift(...waiting);
  }
}
