import { z } from 'zod';
import type { JsonObject } from '../json.js';
import { FaultRegistry, FaultRequest, type Fault, type FaultPhase } from './faults.js';
import { FrozenServices } from './frozen.js';
import type { HttpAnswer, HttpRequest } from './http.js';
import { seededRandom, type Random } from './random.js';

/** A living thing of a simulated cloud, as its control side shows it. */
export interface SimulatedResource {
  kind: string;
  id: string;
  name: string | null;
  /** The marker that the work-order processor put into a name, text or tag. */
  marker: string | null;
  state: string | null;
  createdAt: string;
  attachedTo: string | null;
  details: JsonObject;
}

export interface ControlledCloud {
  resources(): SimulatedResource[];
  /** Back to the state of the start. */
  reset(): void;
}

export interface AuditEntry {
  at: string;
  operation: string;
  effect: 'created' | 'deleted' | 'changed';
  kind: string;
  id: string;
  marker: string | null;
}

const LatencyRange = z
  .object({ minMs: z.number().min(0), maxMs: z.number().min(0) })
  .strict()
  .refine((range) => range.minMs <= range.maxMs, 'minMs must not be above maxMs');
const LatencyRequest = z
  .object({
    minMs: z.number().min(0).optional(),
    maxMs: z.number().min(0).optional(),
    operation: z.record(z.string(), LatencyRange).optional(),
  })
  .strict();
type LatencyRange = z.infer<typeof LatencyRange>;

export interface ControlOptions {
  seed: number;
  latency: { min: number; max: number };
}

/** Long enough for the longest proof, short enough to stay in memory. */
const auditLimit = 200_000;

const usualFreezeMs = 60_000;

const markerPattern = /ow-[0-9a-v]{16}/;

/** The first marker in any of the texts. */
export function findMarker(texts: Iterable<string | null | undefined>): string | null {
  for (const text of texts) {
    const found = text === null || text === undefined ? null : markerPattern.exec(text);
    if (found !== null) return found[0];
  }
  return null;
}

/**
 * The control side every simulated cloud serves beside its own paths (docs: "Simulated clouds" of the contract): what is
 * alive, what was called, what had an effect, which faults are on, how long jobs take.
 */
export class SimulatorControl {
  readonly random: Random;
  /** Each cloud passes its requests through here. */
  readonly frozen = new FrozenServices();
  readonly #faults: FaultRegistry;
  readonly #calls = new Map<string, number>();
  #audit: AuditEntry[] = [];
  #dropped = 0;
  #latency: LatencyRange;
  #latencyByOperation = new Map<string, LatencyRange>();
  #cloud: ControlledCloud | null = null;

  constructor(private readonly options: ControlOptions) {
    this.random = seededRandom(options.seed);
    this.#faults = new FaultRegistry(this.random);
    this.#latency = { minMs: options.latency.min, maxMs: options.latency.max };
  }

  attach(cloud: ControlledCloud): void {
    this.#cloud = cloud;
  }

  countCall(operation: string): void {
    this.#calls.set(operation, (this.#calls.get(operation) ?? 0) + 1);
  }

  recordEffect(entry: Omit<AuditEntry, 'at'>): void {
    // Dropping the oldest tenth at once keeps the cost of the limit off the single call.
    if (this.#audit.length >= auditLimit) {
      this.#audit = this.#audit.slice(auditLimit / 10);
      this.#dropped += auditLimit / 10;
    }
    this.#audit.push({ at: new Date().toISOString(), ...entry });
  }

  takeFault(phase: FaultPhase, operation: string): Fault | null {
    return this.#faults.take(phase, operation);
  }

  /** How long the job of this operation takes. */
  drawLatency(operation: string): number {
    const range = this.#latencyByOperation.get(operation) ?? this.#latency;
    return range.minMs + this.random() * (range.maxMs - range.minMs);
  }

  /** Answers a path under `/_sim/`. */
  handle(request: HttpRequest): HttpAnswer {
    const route = `${request.method} ${request.path.replace(/\/$/, '')}`;
    switch (route) {
      case 'GET /_sim/resources':
        return json(200, { resources: this.#cloud?.resources() ?? [] });
      case 'GET /_sim/calls':
        return json(200, { calls: Object.fromEntries(this.#calls) });
      case 'GET /_sim/effects':
        return json(200, { effects: this.#audit, dropped: this.#dropped });
      case 'GET /_sim/faults':
        return json(200, { faults: this.#faults.list(), held: this.frozen.heldCount });
      case 'POST /_sim/faults':
        return this.#addFaults(request.body);
      case 'DELETE /_sim/faults':
        this.#faults.clear();
        this.frozen.thaw();
        return json(200, { faults: [] });
      case 'POST /_sim/latency':
        return this.#setLatency(request.body);
      case 'POST /_sim/reset':
        this.#reset();
        return json(200, { reset: true });
      default:
        return json(404, { error: `the control side does not know ${route}` });
    }
  }

  #addFaults(body: string | null): HttpAnswer {
    const parsed = z.union([z.array(FaultRequest), FaultRequest.transform((one) => [one])]).safeParse(readJson(body));
    if (!parsed.success) return json(400, { error: z.prettifyError(parsed.error) });
    return json(200, { faults: parsed.data.map((fault) => this.#switchOn(fault)) });
  }

  #switchOn(fault: FaultRequest): Fault {
    if (fault.kind === 'freeze') this.frozen.freeze(fault.operation, fault.forMs ?? usualFreezeMs);
    return this.#faults.add(fault);
  }

  #setLatency(body: string | null): HttpAnswer {
    const parsed = LatencyRequest.safeParse(readJson(body));
    if (!parsed.success) return json(400, { error: z.prettifyError(parsed.error) });
    const { minMs, maxMs, operation } = parsed.data;
    if (minMs !== undefined || maxMs !== undefined) {
      const low = minMs ?? Math.min(this.#latency.minMs, maxMs ?? 0);
      this.#latency = { minMs: low, maxMs: Math.max(low, maxMs ?? low) };
    }
    for (const [name, range] of Object.entries(operation ?? {})) this.#latencyByOperation.set(name, range);
    return json(200, { ...this.#latency, operation: Object.fromEntries(this.#latencyByOperation) });
  }

  #reset(): void {
    this.#calls.clear();
    this.#audit = [];
    this.#dropped = 0;
    this.#faults.clear();
    this.frozen.clear();
    this.#latency = { minMs: this.options.latency.min, maxMs: this.options.latency.max };
    this.#latencyByOperation.clear();
    this.#cloud?.reset();
  }
}

function readJson(body: string | null): unknown {
  try {
    return JSON.parse(body ?? '') as unknown;
  } catch {
    return undefined;
  }
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}
