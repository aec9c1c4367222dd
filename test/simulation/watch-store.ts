/** What must hold of statements: whose step a worker takes for lost, and which errors may come. */
import type { SimulatedProcess } from './virtual-time.js';

export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

/** A step on its way into the table. */
export interface SavedStep {
  orderId: string;
  workerId: string;
  seenRevision: number;
  epoch: number;
}

/** The steps that a statement of `saveSteps` stores; none of any other. */
export function stepsOf({ name, text, values = [] }: Statement): SavedStep[] {
  if (name?.startsWith('save-steps') !== true) return [];
  const columns = columnsOf(text, values);
  const workerId = String(values[0]);
  return (columns.get('order_id') ?? []).map((orderId, i) => ({
    orderId,
    workerId,
    seenRevision: Number(columns.get('seen_revision')?.[i]),
    epoch: Number(columns.get('seen_epoch')?.[i]),
  }));
}

/** Columns of the first table that a statement is given, as `given` in src/store/rows.ts writes them. */
function columnsOf(text: string, values: unknown[]): Map<string, string[]> {
  const [, sources = '', names = ''] = /rows from \((.*?)\) as given \((.*?)\)/s.exec(text) ?? [];
  const places = [...sources.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place) - 1);
  return new Map(names.split(', ').map((column, i) => [column, cellsOf(values[places[i] ?? -1])]));
}

function cellsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' && value.startsWith('{') ? value.slice(1, -1).split(',') : [];
}

/**
 * A lost race needs a winner: whoever says that another worker took an order is wrong when the row still stands in the name
 * and epoch that its own step was written in.
 */
export class Races {
  private readonly last = new Map<string, SavedStep>();

  executed(process: SimulatedProcess, statement: Statement): void {
    for (const step of stepsOf(statement)) this.last.set(`${process.name} ${step.orderId}`, step);
  }

  problem(
    process: SimulatedProcess,
    orderId: string,
    row: { workerId: string | null; epoch: number; revision: number } | null,
  ): string | null {
    const step = this.last.get(`${process.name} ${orderId}`);
    if (!step || !row || row.workerId !== step.workerId || row.epoch !== step.epoch) return null;
    return `${process.name} says that ${orderId} was taken over, and the row is its own: ${row.workerId}, epoch ${row.epoch}, revision ${row.revision} (its step was of ${step.seenRevision})`;
  }
}

/** An error that PostgreSQL itself gives in a run: nobody injects those, so somebody asked for something impossible. */
export function sqlProblem(
  process: SimulatedProcess,
  { name, text }: Statement,
  error: { code?: string; message: string },
) {
  if (!/^[0-9A-Z]{5}$/.test(error.code ?? '')) return null;
  return `${process.name}: ${error.code} ${error.message} (${name ?? text.trim().slice(0, 80)})`;
}
