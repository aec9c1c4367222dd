import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** One statement as the engine sent it for one order. */
export interface RecordedStatement {
  name: string;
  text: string;
  values: unknown[];
}

/**
 * The bare group-commit ceiling: the very statements and rows that one order costs the engine, written for `groupSize`
 * orders at a time by a loop that decides nothing. Everything is made before the clock starts; what is measured is pg and
 * PostgreSQL alone.
 *
 * @returns a function that writes all of it
 */
export function prepareCeiling(
  pool: pg.Pool,
  recorded: RecordedStatement[],
  ids: string[],
  orders: number,
  groupSize: number,
): () => Promise<void> {
  const groups: RecordedStatement[][] = [];
  for (let done = 0; done < orders; done += groupSize) {
    const size = Math.min(groupSize, orders - done);
    const renamings = Array.from({ length: size }, (_, i) => renaming(ids, done + i));
    groups.push(recorded.map((statement) => multiply(statement, renamings)));
  }
  return async () => {
    for (const statements of groups) for (const statement of statements) await pool.query(statement);
  };
}

/** Every id of the recorded order, and what it is called in copy number n. Of the same length, so that rows keep their size. */
function renaming(ids: string[], number: number): Map<string, string> {
  return new Map(
    ids.map((id) => [
      id,
      /^[0-9a-f-]{36}$/.test(id) ? randomUUID() : `C${String(number).padStart(id.length - 1, '0')}`.slice(0, id.length),
    ]),
  );
}

function multiply(statement: RecordedStatement, renamings: Map<string, string>[]): RecordedStatement {
  return {
    name: statement.name,
    text: statement.text,
    values: statement.values.map((value) => multiplyValue(value, renamings)),
  };
}

/** An array is one column; so is a text that holds a JSON or a PostgreSQL array (see `src/store/rows.ts`). */
function multiplyValue(value: unknown, renamings: Map<string, string>[]): unknown {
  if (Array.isArray(value)) {
    return renamings.flatMap((names) =>
      value.map((one: unknown) => (typeof one === 'string' ? rename(one, names) : one)),
    );
  }
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  const inner = value.slice(1, -1);
  const copies = renamings.map((names) => rename(inner, names)).filter(Boolean);
  return `${value[0]}${copies.join(',')}${value.at(-1)}`;
}

function rename(text: string, names: Map<string, string>): string {
  let renamed = text;
  for (const [from, to] of names) renamed = renamed.replaceAll(from, to);
  return renamed;
}
