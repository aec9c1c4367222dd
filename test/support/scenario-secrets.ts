/** Looks for passwords where none may be, in every form they could have taken on their way. */
import { guises } from '../invariants/guises.js';
import type { World } from './scenario-world.js';

/** @returns a line for each secret that stands in one of the texts */
export function leaks(secrets: string[], texts: Record<string, string>): string[] {
  return Object.entries(texts).flatMap(([where, text]) =>
    secrets.flatMap((secret) => {
      const guise = guises(secret).find((one) => text.includes(one));
      if (guise === undefined) return [];
      const at = text.indexOf(guise);
      return [`${where} shows a password as ${guise}: …${text.slice(Math.max(0, at - 80), at + 40)}…`];
    }),
  );
}

/** Every row of every table as text; binary columns as hex and, beside it, as the characters in them. */
export async function dump(world: World): Promise<string> {
  const columns = await world.query<{ table: string; binary: string[] }>(
    `select c.table_name as table, coalesce(array_agg(c.column_name::text) filter (where data_type = 'bytea'), '{}') as binary
       from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where table_schema = 'public' and table_type = 'BASE TABLE' group by c.table_name`,
  );
  if (columns.length < 10) throw new Error(`only ${columns.length} tables were found`);
  const texts = await Promise.all(
    columns.map(async ({ table, binary }) => {
      const decoded = binary.map((column) => `|| coalesce(encode(t."${column}", 'escape'), '')`).join(' ');
      const rows = await world.query<{ text: string }>(`select t::text ${decoded} as text from "${table}" t`);
      return `${table}:\n${rows.map(({ text }) => text).join('\n')}`;
    }),
  );
  return texts.join('\n');
}
