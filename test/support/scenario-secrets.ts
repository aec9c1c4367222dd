/** Looks for passwords where none may be, in every form they could have taken on their way. */
import type { World } from './scenario-world.js';

/** A secret as it looks raw and in the encodings that hide it from a plain search. */
export function guises(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first and last characters depend on what stands beside it.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = bytes.toString('hex');
  const reversed = secret.split('').toReversed().join('');
  const escaped = secret
    .split('')
    .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
  const percent = encodeURIComponent(secret);
  return [...new Set([secret, ...base64, ...url, hex, hex.toUpperCase(), reversed, escaped, percent])];
}

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
