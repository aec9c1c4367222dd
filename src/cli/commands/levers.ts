import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AuditJson, BulkReplayJson, LeverJson } from '../../http/lever-routes.js';
import type { OrphanDecisionJson, ResubmissionJson } from '../../http/leftover-routes.js';
import type { OrphansJson } from '../../http/operator-routes.js';
import { Api, describeProblem } from '../api.js';
import { CommandError, exitCodes, type Io } from '../io.js';
import { showAudit, showBulkReplay, showLever, showResubmission } from '../show-levers.js';
import { clean } from '../terminal.js';
import { orderPath, print, remote, type RemoteOptions } from './reading.js';

type LeverOptions = RemoteOptions & { reason: string; dryRun?: boolean };

const acts = {
  replay: 'tries again what failed or needs a person; with --all every order that the filter finds',
  cancel: 'ends an order: what was made is removed, the last thing first',
  hold: 'lets what is under way end, and begins nothing new',
  resume: 'goes on where a hold stopped; accepts a held message as it is',
} as const;

/** The options of every command that changes something: why, and what it would do. */
function lever(command: Command): Command {
  return remote(command)
    .requiredOption('--reason <text>', 'why; kept with who did it and when')
    .option('--dry-run', 'say what would be done, and do nothing');
}

/** Operators' levers (`orders replay …`, `rejected resubmit`, `orphans destroy` …), beside the commands that read. */
export function addLeverCommands(program: Command, io: Io): void {
  const group = (name: string) => {
    const found = program.commands.find((command) => command.name() === name);
    if (!found) throw new Error(`there is no command "${name}"`);
    return found;
  };
  const orders = group('orders');

  for (const act of ['cancel', 'hold', 'resume'] as const) {
    lever(orders.command(act))
      .argument('<id>', 'workOrderId, or our order id')
      .description(acts[act])
      .action((id: string, options: LeverOptions) => pull(io, options, `${orderPath(id)}/${act}`, {}));
  }

  lever(orders.command('replay'))
    .argument('[id]', 'workOrderId, or our order id; left out with --all')
    .description(acts.replay)
    .option('--all', 'every order that the filter finds')
    .option('--status <status>', 'with --all: only these, separated by commas (held)')
    .option('--platform <id>', 'with --all: only those with an item on this platform')
    .option('--account <id>', 'with --all')
    .option('--q <text>', 'with --all: part of a workOrderId')
    .option('--expected <n>', 'with --all: how many the dry run said')
    .action(async (id: string | undefined, options: LeverOptions & Record<string, string> & { all?: boolean }) => {
      if ((id === undefined) !== (options.all === true)) {
        throw new CommandError('Name one order, or give --all and a filter.', exitCodes.usage);
      }
      if (id !== undefined) return pull(io, options, `${orderPath(id)}/replay`, {});
      const { status, platform, account, q, expected, reason, dryRun } = options;
      const body = { status, platform, account, q, reason, dryRun, expected: expected && Number(expected) };
      const answer = await send<BulkReplayJson>(io, options, '/v1/replays', body);
      print(io, options, answer, (one) => showBulkReplay(one, io));
    });

  lever(orders.command('skip'))
    .argument('<id>', 'workOrderId, or our order id')
    .argument('<item>', 'workOrderItemId')
    .description('gives an item up: what there is of it is removed, the rest of the order goes on')
    .action((id: string, item: string, options: LeverOptions) => pull(io, options, itemPath(id, item, 'skip'), {}));

  lever(orders.command('mark-done'))
    .argument('<id>', 'workOrderId, or our order id')
    .argument('<item>', 'workOrderItemId')
    .requiredOption('--resource-id <id>', "the cloud's id of what the step comes to")
    .description('names the outcome of a failed or unclear step; the cloud is asked before it is believed')
    .action((id: string, item: string, options: LeverOptions & { resourceId: string }) =>
      pull(io, options, itemPath(id, item, 'mark-done'), { resourceId: options.resourceId }),
    );

  remote(orders.command('audit'))
    .argument('<id>', 'workOrderId, or our order id')
    .description('who did what to an order, and why')
    .action(async (id: string, options: RemoteOptions) => {
      const audit = await Api.of(io, options).get<AuditJson>(`${orderPath(id)}/audit`);
      print(io, options, audit, (one) => showAudit(one, io));
    });

  lever(group('rejected').command('resubmit'))
    .argument('<id>', 'message id')
    .option('--file <file>', 'the edited message; left out: the mended text that is kept, else as it came')
    .description('sends a message that could not be taken again')
    .action(async (id: string, options: LeverOptions & { file?: string }) => {
      const text = options.file === undefined ? undefined : await readText(options.file);
      const { reason, dryRun } = options;
      const path = `/v1/rejected-messages/${encodeURIComponent(id)}/resubmit`;
      const answer = await send<ResubmissionJson>(io, options, path, { reason, dryRun, text });
      print(io, options, answer, (one) => showResubmission(one, io));
    });

  for (const act of ['adopt', 'destroy'] as const) {
    lever(group('orphans').command(act))
      .argument('<resource>', 'id of the resource, as "orphans list" shows it')
      .option('--platform <id>', 'where the same id is known on several platforms')
      .description(
        act === 'adopt'
          ? 'keeps it: it is somebody’s outside of any order'
          : 'removes it from its cloud, by id and only while it carries our marker',
      )
      .action(async (resource: string, options: LeverOptions & { platform?: string }) => {
        const platformId = options.platform ?? (await platformOf(io, options, resource));
        const { reason, dryRun } = options;
        const path = `/v1/orphans/${encodeURIComponent(platformId)}/${encodeURIComponent(resource)}/${act}`;
        const answer = await send<OrphanDecisionJson>(io, options, path, { reason, dryRun });
        print(io, options, answer, (one) => [
          `${clean(one.resourceId)}: ${one.dryRun ? 'would be' : 'is'} ${one.state === 'destroying' ? 'removed by the workers from now on' : one.state}`,
        ]);
      });
  }
}

async function pull(io: Io, options: LeverOptions, path: string, more: object): Promise<void> {
  const { reason, dryRun } = options;
  const answer = await send<LeverJson>(io, options, path, { reason, dryRun, ...more });
  print(io, options, answer, (one) => showLever(one, io));
}

async function send<T>(io: Io, options: RemoteOptions, path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await Api.of(io, options).post<T>(path, Buffer.from(JSON.stringify(body)), headers);
  if (status >= 400) throw new CommandError(describeProblem(json as object, status));
  return json;
}

function itemPath(id: string, item: string, act: string): string {
  return `${orderPath(id)}/items/${encodeURIComponent(item)}/${act}`;
}

async function platformOf(io: Io, options: RemoteOptions, resourceId: string): Promise<string> {
  const { orphans } = await Api.of(io, options).get<OrphansJson>('/v1/orphans', { limit: '200' });
  const found = orphans.filter((one) => one.resourceId === resourceId);
  const [one] = found;
  if (!one) throw new CommandError(`There is no orphan "${clean(resourceId)}". "orderwright orphans list" names all.`);
  if (found.length > 1) throw new CommandError('Several platforms have this id; say which with --platform.');
  return one.platformId;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${clean(file)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
