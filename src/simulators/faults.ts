import { z } from 'zod';
import type { Random } from './random.js';

/**
 * Where in the life of a request a fault strikes. One request meets at most one fault of each phase, so that a lost answer
 * and a lying job can be combined. `freeze` is none of a request: it strikes a service, from the moment it is switched on (`frozen.ts`).
 */
const phases = {
  'drop-request': 'request',
  'lose-answer': 'request',
  late: 'request',
  error: 'request',
  throttle: 'request',
  unavailable: 'request',
  html: 'request',
  malformed: 'request',
  'expire-session': 'request',
  'job-fails': 'job',
  'job-lies-failed': 'job',
  'job-lies-done': 'job',
  'job-vanishes': 'job',
  'job-never-ends': 'job',
  'job-lost-result': 'job',
  'hide-from-lists': 'list',
  freeze: 'service',
} as const;

export type FaultKind = keyof typeof phases;
export type FaultPhase = (typeof phases)[FaultKind];

export const FaultRequest = z
  .object({
    /** The cloud's own name of the operation, `*` for all, or a beginning followed by `*`. */
    operation: z.string().min(1),
    kind: z.enum(Object.keys(phases) as [FaultKind, ...FaultKind[]]),
    /** How often it strikes; without `times` and `probability`: once. */
    times: z.int().min(1).optional(),
    probability: z.number().min(0).max(1).optional(),
    delayMs: z.number().min(0).default(3000),
    hideMs: z.number().min(0).default(2000),
    waitMs: z.number().min(0).default(1000),
    /** How long a service stays frozen; a minute when left out. */
    forMs: z.number().min(0).optional(),
    status: z.int().min(100).max(599).optional(),
    errorcode: z.int().optional(),
    cserrorcode: z.int().optional(),
    errortext: z.string().optional(),
    /** For faults of the answer: whether the work is done although the answer denies it. */
    afterEffect: z.boolean().optional(),
    /** For job faults: whether the work of the job is done. */
    effect: z.boolean().optional(),
  })
  .strict();
export type FaultRequest = z.infer<typeof FaultRequest>;

export interface Fault extends FaultRequest {
  id: number;
  /** How often it may still strike; null for as often as its probability says. */
  remaining: number | null;
  struck: number;
}

/** The faults that are switched on. */
export class FaultRegistry {
  #faults: Fault[] = [];
  #nextId = 1;

  constructor(private readonly random: Random) {}

  add(request: FaultRequest): Fault {
    const remaining = request.times ?? (request.probability === undefined ? 1 : null);
    const fault: Fault = { ...request, id: this.#nextId++, remaining, struck: 0 };
    this.#faults.push(fault);
    return fault;
  }

  /** The first fault of that phase that wants this operation now; it counts as having struck. */
  take(phase: FaultPhase, operation: string): Fault | null {
    for (const fault of this.#faults) {
      if (fault.remaining === 0 || phases[fault.kind] !== phase || !concerns(fault.operation, operation)) continue;
      if (fault.probability !== undefined && this.random() >= fault.probability) continue;
      if (fault.remaining !== null) fault.remaining -= 1;
      fault.struck += 1;
      return fault;
    }
    return null;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  clear(): void {
    this.#faults = [];
  }
}

/** @param wanted the name of an operation, `*` for all, or a beginning followed by `*` */
export function concerns(wanted: string, operation: string): boolean {
  if (wanted.endsWith('*')) return operation.startsWith(wanted.slice(0, -1));
  return wanted === operation;
}
