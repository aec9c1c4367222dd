import { randomBytes } from 'node:crypto';
import type { Sql } from './data-source.js';

/** The id of this installation, made at first use. Markers are derived from it: two installations on one cloud never take each other's things. */
export async function installationId(sql: Sql): Promise<string> {
  await sql.query('insert into installation (installation_id) values ($1) on conflict do nothing', [
    randomBytes(8).toString('hex'),
  ]);
  const { rows } = await sql.query<{ installation_id: string }>('select installation_id from installation');
  const [row] = rows;
  if (!row) throw new Error('the installation has no id');
  return row.installation_id;
}
