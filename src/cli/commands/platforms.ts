import type { Command } from 'commander';
import type {
  PlatformCheckJson,
  PlatformDetailJson,
  PlatformJson,
  PlatformsJson,
} from '../../http/platform-schemas.js';
import type { ProblemJson } from '../../http/problem.js';
import { Api, describeProblem } from '../api.js';
import { parseJson, parseObject, readObject, readText } from '../input-files.js';
import { CommandError, exitCodes, type Io } from '../io.js';
import { showCheck, showPlatform, showPlatforms } from '../show-platforms.js';
import { clean, cleanAll } from '../terminal.js';
import { print, remote, type RemoteOptions } from './reading.js';

const credentialsVariable = 'ORDERWRIGHT_PLATFORM_CREDENTIALS';

/** Why credentials are no option: every user of the machine sees command lines, and shells remember them. */
const aboutCredentials = `
Credentials are never given on the command line, where every user of the machine and the shell's history would see them.
They are a JSON object, such as {"apiKey": "…", "secretKey": "…"}, read from the file of --credentials-file ("-": standard
input), or from the environment variable ${credentialsVariable}. They are sealed at once and never shown again.`;

interface FieldOptions {
  name?: string;
  shortName?: string;
  serviceUrl?: string;
  region?: string;
  domain?: string;
  project?: string;
  externalNetwork?: string;
  caCertificateFile?: string;
  settingsFile?: string;
  credentialsFile?: string;
}
type WriteOptions = RemoteOptions & FieldOptions & { reason?: string; ifVersion?: string };

/** The data centres that orders may name: looked at, added, edited, checked, closed and removed. */
export function addPlatformCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  const platforms = program.command('platforms').description('the data centres that orders may name');

  remote(platforms.command('list'))
    .description('all of them, with their weather')
    .action(async (options: RemoteOptions) => {
      const answer = await Api.of(io, options).get<PlatformsJson>('/v1/platforms');
      print(io, options, answer, (one) => showPlatforms(one.platforms, io));
    });

  remote(platforms.command('show'))
    .argument('<id>', 'id or name of a platform')
    .description('one of them with its settings; never its credentials')
    .action(async (id: string, options: RemoteOptions) => {
      const api = Api.of(io, options);
      const platform = await api.get<PlatformDetailJson>(pathOf((await findPlatform(api, id)).id));
      print(io, options, platform, (one) => showPlatform(one, io));
    });

  fields(platforms.command('add'))
    .argument('<id>', 'what orders call platformId')
    .requiredOption('--kind <kind>', 'the cloud: cloudstack, openstack …')
    .option('--reason <text>', 'why, for the audit')
    .description('adds one; "platforms check" then tries it')
    .addHelpText('after', aboutCredentials)
    .action(async (platformId: string, options: WriteOptions & { kind: string }) => {
      const { kind, reason } = options;
      const body = { platformId, kind, reason, ...(await readFieldOptions(io, options)) };
      const added = await Api.of(io, options).send<PlatformDetailJson>('POST', '/v1/platforms', body);
      print(io, options, added, (one) => [`Added: ${clean(one.name)}`, ...showPlatform(one, io)]);
    });

  fields(change(platforms.command('edit')))
    .argument('<id>', 'id or name of a platform')
    .description('replaces what is given, leaves the rest; workers take it up within seconds')
    .addHelpText('after', aboutCredentials)
    .action(async (id: string, options: WriteOptions) => {
      const api = Api.of(io, options);
      const path = pathOf((await findPlatform(api, id)).id);
      const body = { reason: options.reason, ...(await readFieldOptions(io, options)) };
      const edited = await api.send<PlatformDetailJson>('PATCH', path, body, ifMatch(options));
      print(io, options, edited, (one) => showPlatform(one, io));
    });

  remote(platforms.command('check'))
    .argument('<id>', 'id or name of a platform')
    .description('really logs in, and looks for everything its settings name (exit code 1 when something is missing)')
    .action(async (id: string, options: RemoteOptions) => {
      const api = Api.of(io, options);
      const path = `${pathOf((await findPlatform(api, id)).id)}/check`;
      const answer = await api.send<PlatformCheckJson>('POST', path, null);
      print(io, options, answer, (one) => showCheck(one, io));
      done(answer.ok ? exitCodes.done : exitCodes.refused);
    });

  const acts = {
    enable: 'opens it: what waited for it goes on',
    disable: 'new orders that name it are held; those under way go on',
    maintenance: 'new orders that name it wait; those that are planned go on',
  } as const;
  for (const act of ['enable', 'disable', 'maintenance'] as const) {
    change(remote(platforms.command(act)))
      .argument('<id>', 'id or name of a platform')
      .description(acts[act])
      .action(async (id: string, options: WriteOptions) => {
        const api = Api.of(io, options);
        const path = `${pathOf((await findPlatform(api, id)).id)}/${act}`;
        const body = { reason: options.reason };
        const changed = await api.send<PlatformDetailJson>('POST', path, body, ifMatch(options));
        print(io, options, changed, (one) => [`${clean(one.name)}: ${one.state}`]);
      });
  }

  change(remote(platforms.command('remove')))
    .argument('<id>', 'id or name of a platform')
    .description('takes it out of use; refused while orders that have not ended name it')
    .action(async (id: string, options: WriteOptions) => {
      const api = Api.of(io, options);
      const query = new URLSearchParams({ reason: options.reason ?? '' }).toString();
      const path = `${pathOf((await findPlatform(api, id)).id)}?${query}`;
      const removed = await api.send<PlatformDetailJson>('DELETE', path, null, ifMatch(options));
      print(io, options, removed, (one) => [`${clean(one.name)}: removed`]);
    });

  remote(platforms.command('import'))
    .argument('<file>', 'a JSON array as ORDERWRIGHT_PLATFORMS takes it, or - for standard input')
    .option('--reason <text>', 'why, for the audit')
    .description('adds every platform of a file that is not there yet; what is there is left as it is')
    .action(async (file: string, options: WriteOptions) => importFile(io, file, options, done));
}

/** The options of everything that changes a platform that is there. */
function change(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; kept with who did it and when')
    .option('--if-version <n>', 'only if it is still at this version');
}

function fields(command: Command): Command {
  return remote(command)
    .option('--name <name>')
    .option('--short-name <name>')
    .option('--service-url <url>', 'where the cloud answers, without user and password')
    .option('--region <region>')
    .option('--domain <domain>')
    .option('--project <project>')
    .option('--external-network <network>')
    .option('--ca-certificate-file <file>', "PEM of the cloud's own authority")
    .option(
      '--settings-file <file>',
      'JSON object: settings of the cloud; it may hold "limits", "maps" and "naming" too',
    )
    .option('--credentials-file <file>', 'JSON object; - for standard input');
}

async function readFieldOptions(io: Io, options: FieldOptions): Promise<object> {
  const { name, shortName, serviceUrl, region, domain, project, externalNetwork } = options;
  const settings = options.settingsFile === undefined ? {} : await readObject(io, options.settingsFile);
  const { limits, maps, naming, ...own } = settings;
  const credentials = await readCredentials(io, options.credentialsFile);
  return {
    name,
    shortName,
    serviceUrl,
    region,
    domain,
    project,
    externalNetwork,
    limits,
    maps,
    naming,
    ...(Object.keys(own).length > 0 && { settings: own }),
    ...(options.caCertificateFile !== undefined && { caCertificate: await readText(io, options.caCertificateFile) }),
    ...(credentials && { credentials }),
  };
}

async function readCredentials(io: Io, file: string | undefined): Promise<object | null> {
  if (file !== undefined) return readObject(io, file);
  const text = io.env[credentialsVariable];
  return text ? parseObject(text, credentialsVariable) : null;
}

async function importFile(io: Io, file: string, options: WriteOptions, done: (exitCode: number) => void) {
  const read = parseJson(await readText(io, file), file);
  if (!Array.isArray(read)) throw new CommandError(`${clean(file)} is not a JSON array of platforms.`);
  const api = Api.of(io, options);
  const outcomes: { platformId: string; outcome: 'added' | 'left' | 'refused'; message: string }[] = [];
  for (const one of read as unknown[]) {
    const { reason } = options;
    const bytes = Buffer.from(JSON.stringify({ ...(one as object), reason }));
    const headers = { 'content-type': 'application/json' };
    const { status, json } = await api.post<Partial<ProblemJson>>('/v1/platforms', bytes, headers);
    const outcome = status < 300 ? 'added' : json.code === 'OPS_PLATFORM_EXISTS' ? 'left' : 'refused';
    const id = (one as { platformId?: unknown } | null)?.platformId;
    const platformId = typeof id === 'string' ? id : '?';
    outcomes.push({ platformId, outcome, message: outcome === 'refused' ? describeProblem(json, status) : '' });
  }
  if (options.json) io.out(JSON.stringify(cleanAll(outcomes), null, 2));
  const words = { added: 'added', left: 'is there already, left as it is', refused: 'refused' };
  for (const { platformId, outcome, message } of options.json ? [] : outcomes) {
    io.out(`${clean(platformId)}: ${words[outcome]}`);
    if (message !== '') io.err(message);
  }
  done(outcomes.some(({ outcome }) => outcome === 'refused') ? exitCodes.refused : exitCodes.done);
}

/** @throws CommandError when none or several are called so */
export async function findPlatform(api: Api, idOrName: string): Promise<PlatformJson> {
  const { platforms } = await api.get<PlatformsJson>('/v1/platforms');
  const byName = platforms.filter((one) => one.name === idOrName);
  const found = platforms.find((one) => one.id === idOrName) ?? byName[0];
  if (!found)
    throw new CommandError(`There is no platform "${clean(idOrName)}". "orderwright platforms list" names all.`);
  if (found.id !== idOrName && byName.length > 1) {
    throw new CommandError(
      `Several platforms are called "${clean(idOrName)}": ${byName.map((one) => clean(one.id)).join(', ')}.`,
    );
  }
  return found;
}

function pathOf(id: string): string {
  return `/v1/platforms/${encodeURIComponent(id)}`;
}

function ifMatch({ ifVersion }: WriteOptions): Record<string, string> {
  return ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` };
}
