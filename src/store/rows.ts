/** One column of many rows, on its way into a statement. */
export interface Column {
  name: string;
  /** SQL type of one value. */
  type: string;
  values: Cell[];
}

/** What pg takes as one value: text, number, truth, bytes. */
export type Cell = string | number | boolean | Uint8Array | null | undefined;

export function column<Row>(name: string, type: string, rows: readonly Row[], read: (row: Row) => Cell): Column {
  return { name, type, values: rows.map(read) };
}

/** Types whose values hold nothing that an array literal would need to quote; pg looks through every character for it. */
const plainTypes = new Set(['uuid', 'int', 'smallint', 'boolean', 'timestamptz']);

/**
 * Many rows as a table expression `rows from (…) as given (…)`, its parameters added to `values`. Arrays, so that their
 * number does not depend on the number of rows (the wire counts parameters in 16 bits, reliability P3).
 *
 * JSON goes as one JSON array: as a PostgreSQL array every quote in it would be escaped once more, which was a twentieth
 * of the engine's time. Its values here are JSON texts; null becomes JSON's null.
 */
export function given(columns: readonly Column[], values: unknown[]): string {
  const sources = columns.map(({ type, values: cells }) => {
    if (type === 'jsonb') {
      values.push(storableJson(`[${cells.map((cell) => String(cell ?? 'null')).join(',')}]`));
      return `jsonb_array_elements($${values.length}::jsonb)`;
    }
    if (plainTypes.has(type)) values.push(`{${cells.map((cell) => String(cell ?? 'NULL')).join(',')}}`);
    else values.push(type === 'text' ? cells.map(storableText) : cells);
    return `unnest($${values.length}::${type}[])`;
  });
  return `rows from (${sources.join(', ')}) as given (${columns.map(({ name }) => name).join(', ')})`;
}

/** ms since epoch as a timestamptz parameter. */
export function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Escapes that jsonb refuses: NUL, and halves of characters that have no other half. An escaped backslash is no escape. */
const refusedEscape =
  /\\(?:u(?:0000|d[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?:d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|d[c-f][0-9a-f]{2})|[^u])/gi;

/**
 * One half character or NUL in one row, and PostgreSQL refuses the statement for the rows of all other orders too. The
 * intake and the adapters let none in; this is the net below them, so that nothing anybody says can hold a commit up.
 * `JSON.stringify` writes both as escapes, and a text without `\u` is not looked at any further.
 */
function storableJson(json: string): string {
  if (!json.includes('\\u')) return json;
  return json.replace(refusedEscape, (escape) => (escape.length === 6 ? '\\ufffd' : escape));
}

const storableText = (cell: Cell): Cell =>
  typeof cell === 'string' && cell.includes('\0') ? cell.replaceAll('\0', '\ufffd') : cell;
