import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { loadConfig } from '../../config.js';
import { rotateKeys } from '../../rotate-keys.js';
import { parseSecretKey } from '../../secrets.js';
import { createDataSource, poolOf } from '../../store/data-source.js';
import { exitCodes, type Io } from '../io.js';
import { clean } from '../terminal.js';

/** Works on the database itself, like `migrate`: the keys never go over the API. */
export function addKeyCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  const keys = program.command('keys').description('the keys that seal passwords and credentials');
  keys
    .command('rotate')
    .description(
      'seals everything anew under the first key of ORDERWRIGHT_SECRET_KEY (exit code 1 when something stays unopened)',
    )
    .option('--reason <text>', 'why, for the audit', '')
    .option('--json', 'print as JSON')
    .action(async ({ reason, json }: { reason: string; json?: boolean }) => {
      // Nothing but the database and the keys is asked for: the rest of the environment is the workers'.
      const { databaseUrl, secretKeys } = loadConfig(
        { DATABASE_URL: io.env['DATABASE_URL'], ORDERWRIGHT_SECRET_KEY: io.env['ORDERWRIGHT_SECRET_KEY'] },
        'embedded',
      );
      const dataSource = createDataSource(databaseUrl, { applicationName: 'orderwright-keys', poolSize: 2 });
      await dataSource.initialize();
      try {
        const rotation = await rotateKeys({
          pool: poolOf(dataSource),
          keys: secretKeys.map(parseSecretKey),
          actor: `cli:${userName()}`,
          reason,
        });
        if (json) io.out(JSON.stringify(rotation, null, 2));
        else {
          const counts = Object.entries(rotation.rewrapped).map(([what, count]) => `${count} of ${what}`);
          io.out(`Sealed anew under key ${rotation.keyId}: ${counts.join(', ')}.`);
          for (const [keyId, count] of Object.entries(rotation.unopened)) {
            io.err(`${count} stay sealed under key ${clean(keyId)}, which is not in ORDERWRIGHT_SECRET_KEY.`);
          }
        }
        done(Object.keys(rotation.unopened).length === 0 ? exitCodes.done : exitCodes.refused);
      } finally {
        await dataSource.destroy();
      }
    });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name.
    return 'unknown';
  }
}
