import type { Command } from 'commander';
import type { RegistrationJson, RegistrationPageJson } from '../../http/registration-routes.js';
import { Api } from '../api.js';
import type { Io } from '../io.js';
import { table } from '../table.js';
import { clean, instant } from '../terminal.js';
import { findPlatform } from './platforms.js';
import { more, print, remote, type RemoteOptions } from './reading.js';

type ActOptions = RemoteOptions & { platform: string; reason: string; withNetwork?: boolean };

const acts = {
  register: 'registers a user there, as his first order would; one that failed is tried again',
  unregister: 'takes it back, once nothing that was bought is left there',
} as const;

/** Users' registrations in data centres: looked at, made, taken back. */
export function addRegistrationCommands(program: Command, io: Io): void {
  const registrations = program
    .command('registrations')
    .description('which users are registered in which data centres');

  remote(registrations.command('list'))
    .description('how they stand, by user, and what each waits for')
    .option('--user <id>')
    .option('--platform <platform>', 'id or name')
    .option('--state <state>', 'asked, working, waiting, registered, unregistered or failed')
    .option('--limit <n>', 'how many at most: 1 to 200 (50)')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (options: RemoteOptions & Record<string, string | undefined>) => {
      const api = Api.of(io, options);
      const { user, state, limit, cursor } = options;
      const platform = options['platform'] && (await findPlatform(api, options['platform'])).id;
      const query = { user, platform, state, limit, cursor };
      const page = await api.get<RegistrationPageJson>('/v1/registrations', query);
      print(io, options, page, ({ registrations: list, nextCursor }) => [
        ...showRegistrations(list, io),
        ...more(nextCursor, io),
      ]);
    });

  for (const act of ['register', 'unregister'] as const) {
    const command = remote(registrations.command(act))
      .argument('<user>', "billing's id of the user")
      .requiredOption('--platform <platform>', 'id or name')
      .requiredOption('--reason <text>', 'why; kept with who did it and when')
      .description(acts[act]);
    if (act === 'register') command.option('--with-network', "makes the user's default network, too");
    command.action(async (user: string, options: ActOptions) => {
      const api = Api.of(io, options);
      const { id } = await findPlatform(api, options.platform);
      const path = `/v1/registrations/${encodeURIComponent(id)}/${encodeURIComponent(user)}/${act}`;
      const { reason, withNetwork } = options;
      const body = act === 'register' ? { reason, withNetwork } : { reason };
      const answer = await api.send<RegistrationJson>('POST', path, body);
      print(io, options, answer, (one) => [
        `${clean(one.userId)} in ${clean(one.platformName)}: to be ${one.wanted}, ${one.state}`,
        io.paint('grey', `orderwright registrations list --user ${clean(one.userId)}   shows how it goes`),
      ]);
    });
  }
}

function showRegistrations(registrations: RegistrationJson[], io: Io): string[] {
  if (registrations.length === 0) return ['No registrations.'];
  const colours = { registered: 'green', failed: 'red', waiting: 'yellow' } as const;
  return table(
    registrations,
    [
      { title: 'USER', value: (one) => one.userId, shrinks: true },
      { title: 'PLATFORM', value: (one) => one.platformName },
      {
        title: 'STATE',
        value: (one) => one.state,
        paint: (text, one) =>
          one.state in colours ? io.paint(colours[one.state as keyof typeof colours], text) : text,
      },
      { title: 'TO BE', value: (one) => (one.wanted === one.state ? '' : one.wanted) },
      { title: 'SINCE', value: (one) => instant(one.since, io.now()) },
      { title: 'WHY', value: (one) => one.detail, shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}
