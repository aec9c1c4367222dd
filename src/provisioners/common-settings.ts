import type { Json } from '../json.js';
import type { PlatformFields } from '../schemas/platform.js';
import type { PlatformConfig } from './provisioner.js';
import { cloudKindOf } from './registry.js';

/** A platform as it is stored, its credentials opened. */
export interface PlatformToBuild {
  platformId: string;
  name: string;
  kind: string;
  serviceUrl: string;
  settings: Record<string, Json>;
  fields?: Partial<PlatformFields> | undefined;
}

const placeOf = (kind: string, path: string): string | undefined => cloudKindOf(kind)?.places[path];

/** Words about a place: kept for people even where the cloud has no use for them. */
const descriptive = new Set(['region', 'domain', 'project', 'externalNetwork']);

export interface AdapterConfig {
  config: PlatformConfig;
  /** What is wrong before the cloud's own schema looks, by the path a person wrote it at. */
  problems: { path: string; message: string }[];
  /** The path a person wrote something at, from the adapter's own (`diskOfferings.SATA` → `maps.diskTypes.SATA`). */
  pathOf(settingPath: string): string;
}

/** The configuration of a platform in the terms of its cloud's adapter. Pure; `settings.pace` is the runner's and left out. */
export function adapterConfig(platform: PlatformToBuild, credentials: Record<string, string>): AdapterConfig {
  const { pace: _pace, ...own } = platform.settings;
  const to: Record<'settings' | 'credentials', Record<string, Json>> = {
    settings: { ...own },
    credentials: { ...credentials },
  };
  const problems: AdapterConfig['problems'] = [];
  const writtenAt = new Map<string, string>();
  for (const [path, value] of flat(platform.fields ?? {})) {
    const place = placeOf(platform.kind, path);
    if (place === undefined) {
      if (!descriptive.has(path)) {
        problems.push({ path, message: `a platform of the kind "${platform.kind}" has no use for this` });
      }
      continue;
    }
    const [where = 'settings', name = ''] = place.split('.');
    const target = to[where as keyof typeof to];
    if (Object.hasOwn(target, name)) {
      problems.push({ path, message: `is said in ${place} too; say it once` });
      continue;
    }
    target[name] = value;
    if (where === 'settings') writtenAt.set(name, path);
  }
  const { platformId: id, name, kind, serviceUrl } = platform;
  return {
    config: {
      id,
      name,
      kind,
      serviceUrl,
      credentials: to.credentials as Record<string, string>,
      settings: to.settings,
    },
    problems,
    pathOf(settingPath) {
      const [, first = '', rest = ''] = /^([^.[]+)(.*)$/.exec(settingPath) ?? [];
      return first === '' ? 'settings' : `${writtenAt.get(first) ?? `settings.${first}`}${rest}`;
    },
  };
}

/** The fields that adapters may use, by path, without those that say nothing. */
function flat(fields: Partial<PlatformFields>): [string, Json][] {
  const { region, domain, project, externalNetwork, caCertificate, limits, maps, naming } = fields;
  const texts = { region, domain, project, externalNetwork, caCertificate };
  const found = [
    ...Object.entries(texts),
    ...Object.entries({ limits, maps, naming }).flatMap(([group, members]) =>
      Object.entries(members ?? {}).map(([name, value]): [string, Json | undefined] => [`${group}.${name}`, value]),
    ),
  ];
  return found.filter((pair): pair is [string, Json] => pair[1] !== null && pair[1] !== undefined);
}

/** Paths of a platform's fields that its cloud has no use for; they are kept for people. */
export function unusedFields({ kind, fields = {} }: Pick<PlatformToBuild, 'kind' | 'fields'>): string[] {
  return flat(fields).flatMap(([path]) => (placeOf(kind, path) === undefined ? [path] : []));
}

/**
 * What a cloud's own schema found wrong, by the paths people wrote things at. The factories throw an Error whose message is
 * zod's `prettifyError` behind a head that begins with "settings" or "credentials": `✖ <what>`, and on the next line `→ at <path>`.
 */
export function settingsProblems(error: Error, pathOf: AdapterConfig['pathOf']): { path: string; message: string }[] {
  const [head = '', ...found] = error.message.split('✖ ');
  if (found.length === 0) return [{ path: /^credentials\b/.test(head) ? 'credentials' : 'settings', message: head }];
  return found.map((text) => {
    const [message = '', ...rest] = text.trim().split('\n');
    return { path: pathOf(/→ at (.+)/.exec(rest.join('\n'))?.[1] ?? ''), message };
  });
}
