/** What became of a message, read from outside: its HTTP answer, its row, its order's row. */
import type pg from 'pg';
import { type CorpusCase, expectedCode } from './corpus.js';

export interface Note {
  code: string;
  path: string;
  message?: string;
}

/** As far as a receipt, a problem document or rows say it. */
export interface Seen {
  verdict: string;
  code: string | null;
  problems: Note[];
  holds: Note[];
  warnings: Note[];
  status?: number;
}

interface MessageRow {
  message_id: string;
  origin: string;
  verdict: string;
  code: string | null;
  problems: Note[];
  sealed_body: Buffer;
  warnings: Note[] | null;
  holds: Note[] | null;
}

/** All kept messages with the order each led to, by whatever `key` says. */
export async function keptMessages(pool: pg.Pool): Promise<MessageRow[]> {
  const { rows } = await pool.query<MessageRow>(
    `select m.message_id, m.origin, m.verdict, m.code, m.problems, m.sealed_body, d.warnings,
            d.holds || coalesce(p.holds, '[]') as holds
       from received_message m left join work_order_document d on d.order_id = m.order_id
       left join work_order_plan p on p.order_id = m.order_id
      order by m.received_at`,
  );
  return rows;
}

export const seenInRow = (row: MessageRow): Seen => ({
  verdict: row.verdict,
  code: row.code,
  problems: row.problems,
  holds: row.holds ?? [],
  warnings: row.warnings ?? [],
});

/** What is different from what the case expects; empty when nothing is. */
export function differences(one: CorpusCase, seen: Seen): string[] {
  const { expect } = one;
  const code = expectedCode(one);
  const found: string[] = [];
  const verdict = expect.verdict === 'held-by-planning' ? 'accepted' : expect.verdict;
  if (verdict !== undefined && seen.verdict !== verdict) found.push(`verdict ${seen.verdict}`);
  if (expect.status !== undefined && seen.status !== undefined && seen.status !== expect.status)
    found.push(`status ${seen.status}`);
  if (code === null) {
    if (seen.problems.length > 0 || seen.holds.length > 0) found.push('problems or holds');
  } else if (expect.class === 'warning' && expect.verdict === 'accepted') {
    found.push(...missing(seen.warnings, code, expect.path));
  } else if (expect.verdict === 'held-by-planning') {
    found.push(...missing(seen.holds, code, expect.path));
  } else if (seen.code !== code) {
    found.push(`code ${seen.code}`);
  } else if (expect.verdict === 'held') {
    found.push(...missing(seen.holds, code, expect.path));
  } else if (expect.path !== undefined || expect.paths !== undefined) {
    for (const path of expect.paths ?? [expect.path]) found.push(...missing(seen.problems, code, path));
  }
  if (found.length > 0) found.push(JSON.stringify({ ...seen, warnings: seen.warnings.slice(0, 4) }).slice(0, 600));
  return found;
}

function missing(notes: Note[], code: string, path: string | undefined): string[] {
  const there = notes.some((note) => note.code === code && (path === undefined || note.path === path));
  return there ? [] : [`no ${code} at ${path ?? 'any path'}`];
}
