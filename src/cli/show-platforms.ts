import type { PlatformCheckJson, PlatformDetailJson, PlatformJson } from '../http/platform-schemas.js';
import type { Io } from './io.js';
import { table } from './table.js';
import { clean, instant, pad } from './terminal.js';

export function showPlatforms(platforms: PlatformJson[], io: Io): string[] {
  if (platforms.length === 0) return ['No platforms.'];
  return table(
    platforms,
    [
      { title: 'PLATFORM', value: (one) => one.id },
      { title: 'NO', side: 'right', value: (one) => String(one.number) },
      { title: 'NAME', value: (one) => one.name },
      { title: 'KIND', value: (one) => one.kind },
      {
        title: 'STATE',
        value: (one) => one.weather?.state ?? one.state,
        paint: (text, one) => io.paint(platformColour(one.weather?.state ?? one.state), text),
      },
      { title: 'PARKED', value: (one) => String(one.weather?.parked ?? 0) },
      { title: 'QUEUED', value: (one) => String(one.weather?.queued ?? 0) },
      { title: 'WHY', value: (one) => weatherText(one, io.now()), shrinks: true },
      { title: 'SERVICE', value: (one) => one.serviceUrl, shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}

function platformColour(state: string): 'green' | 'yellow' | 'red' {
  return state === 'open' ? 'green' : ['broken', 'unusable'].includes(state) ? 'red' : 'yellow';
}

function weatherText({ weather, stateReason }: PlatformJson, now: number): string {
  if (!weather || weather.state === 'open') return '';
  if (weather.state === 'disabled') return stateReason ?? '';
  const next = weather.nextProbeAt === null ? '' : `next probe ${instant(weather.nextProbeAt, now)}`;
  const since = weather.since === null ? '' : `since ${instant(weather.since, now)}`;
  return [weather.reason ?? '', since, next].filter((part) => part !== '').join(', ');
}

/** One of them with everything that may be seen of it. */
export function showPlatform(platform: PlatformDetailJson, io: Io): string[] {
  const { limits, maps, naming, settings, caCertificate } = platform;
  const now = io.now();
  const state = [
    platform.state,
    `since ${instant(platform.stateSince, now)}`,
    ...(platform.stateReason === null ? [] : [platform.stateReason]),
  ].join(', ');
  const groups = Object.entries({ limits, maps, naming, settings }).flatMap(([name, group]): [string, string][] =>
    Object.entries(group).map(([key, value]) => [`${name}.${key}`, JSON.stringify(value)]),
  );
  const lines: [string, string | null][] = [
    ['id', platform.id],
    ['number', String(platform.number)],
    ['name', platform.name],
    ['short name', platform.shortName],
    ['kind', platform.kind],
    ['service', platform.serviceUrl],
    ['region', platform.region],
    ['domain', platform.domain],
    ['project', platform.project],
    ['external network', platform.externalNetwork],
    ['host', platform.host],
    ['CA certificate', caCertificate === null ? null : 'set'],
    ['credentials', 'sealed'],
    ['state', state],
    [
      'weather',
      platform.weather ? [platform.weather.state, weatherText(platform, now)].filter(Boolean).join(', ') : null,
    ],
    ...groups,
    [
      'not used',
      platform.unused.length === 0 ? null : `${platform.unused.join(', ')} (kept; this cloud has no use for it)`,
    ],
    ['open orders', String(platform.openOrders)],
    ['version', `${platform.version}, of ${instant(platform.updatedAt, now)}`],
  ];
  const said = lines.filter((line): line is [string, string] => line[1] !== null);
  const wide = Math.max(...said.map(([name]) => name.length));
  return said.map(([name, value]) => `${io.paint('grey', pad(clean(name), wide))}  ${clean(value)}`);
}

/** One line for each thing that was looked at. */
export function showCheck({ lines }: PlatformCheckJson, io: Io): string[] {
  const wide = Math.max(...lines.map(({ what }) => clean(what).length));
  return lines.map(({ what, ok, detail }) => {
    const mark = ok ? io.paint('green', '✔') : io.paint('red', '✖');
    return `${mark} ${pad(clean(what), wide)}  ${clean(detail)}`;
  });
}
