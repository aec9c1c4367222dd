import { type Command, InvalidArgumentError } from 'commander';
import type { NewTokenJson, TokenJson, TokensJson } from '../../http/token-routes.js';
import { type Role, roles } from '../../roles.js';
import { Api, describeProblem } from '../api.js';
import { CommandError, type Io } from '../io.js';
import { table } from '../table.js';
import { clean, cleanAll, instant } from '../terminal.js';
import { remote, type RemoteOptions } from './reading.js';

/** Who may use the API. Takes an admin's token in ORDERWRIGHT_API_TOKEN, as every command does. */
export function addTokenCommands(program: Command, io: Io): void {
  const tokens = program.command('tokens').description('who may use the API');

  remote(tokens.command('add'))
    .argument('<name>', 'how the audit is to call whoever uses it')
    .requiredOption('--role <role>', `what it may do: ${roles.join(', ')}`, readRole)
    .option('--account <id>', 'sees and does the things of this account only')
    .option('--expires <days>', 'opens nothing after so many days', readDays)
    .option('--reason <text>', 'why, for the audit')
    .description('makes a token and shows it, this once')
    .action(async (name: string, options: RemoteOptions & NewTokenOptions) => {
      const { role, account, expires, reason } = options;
      const expiresAt = expires === undefined ? null : new Date(io.now() + expires * 86_400_000).toISOString();
      const answer = await send<NewTokenJson>(io, options, '/v1/tokens', {
        name,
        role,
        accountId: account ?? null,
        expiresAt,
        ...(reason !== undefined && { reason }),
      });
      if (options.json) io.out(JSON.stringify(cleanAll(answer), null, 2));
      else {
        // Alone on its line and alone on standard output, so that a script can keep it.
        io.out(clean(answer.token));
        io.err(`This is the token "${clean(answer.name)}". It is not shown again.`);
      }
    });

  remote(tokens.command('list'))
    .description('every token there ever was, never the token itself')
    .action(async (options: RemoteOptions) => {
      const answer = await Api.of(io, options).get<TokensJson>('/v1/tokens');
      if (options.json) io.out(JSON.stringify(cleanAll(answer), null, 2));
      else io.out(showTokens(answer.tokens, io).join('\n'));
    });

  remote(tokens.command('revoke'))
    .argument('<name>')
    .option('--reason <text>', 'why, for the audit')
    .description('within 5 s it opens nothing any more')
    .action(async (name: string, options: RemoteOptions & { reason?: string }) => {
      const path = `/v1/tokens/${encodeURIComponent(name)}/revoke`;
      const answer = await send<TokenJson>(io, options, path, { reason: options.reason ?? '' });
      if (options.json) io.out(JSON.stringify(cleanAll(answer), null, 2));
      else io.out(`Revoked: ${clean(answer.name)} (${instant(answer.revokedAt, io.now())})`);
    });
}

/** POSTs JSON. @throws CommandError when it is refused */
async function send<T>(io: Io, options: RemoteOptions, path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await Api.of(io, options).post<T>(path, Buffer.from(JSON.stringify(body)), headers);
  if (status < 300) return json;
  throw new CommandError(describeProblem(json as object, status));
}

interface NewTokenOptions {
  role: Role;
  account?: string;
  expires?: number;
  reason?: string;
}

function showTokens(tokens: readonly TokenJson[], io: Io): string[] {
  if (tokens.length === 0) return ['No tokens in the table. Those of ORDERWRIGHT_API_TOKENS are not listed.'];
  return table(
    tokens,
    [
      { title: 'name', value: (one) => one.name, shrinks: true },
      { title: 'role', value: (one) => one.role },
      { title: 'account', value: (one) => one.accountId ?? 'all', shrinks: true },
      { title: 'made', value: (one) => instant(one.createdAt, io.now()) },
      { title: 'by', value: (one) => one.createdBy, shrinks: true },
      { title: 'state', value: (one) => stateOf(one, io.now()) },
    ],
    io.paint,
    io.columns,
  );
}

function stateOf(token: TokenJson, now: number): string {
  if (token.revokedAt !== null) return `revoked ${instant(token.revokedAt, now)}`;
  if (token.expiresAt === null) return 'open';
  return `${Date.parse(token.expiresAt) <= now ? 'expired' : 'open until'} ${instant(token.expiresAt, now)}`;
}

function readRole(text: string): Role {
  const role = roles.find((one) => one === text);
  if (role === undefined) throw new InvalidArgumentError(`A role is one of ${roles.join(', ')}.`);
  return role;
}

function readDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days < 1) throw new InvalidArgumentError('Give a number of days from 1.');
  return days;
}
