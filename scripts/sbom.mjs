/**
 * What this program is made of, from the lockfile alone: `npm run sbom` prints a CycloneDX document, `npm run licences` the
 * packages by licence. What is only needed to build and test is left out. Nothing is asked of a registry.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The document that npm makes of the lockfile, without what only building and testing needs. That is taken out here:
 * `npm sbom --omit dev` (npm 11.19) also drops what a development package happens to share with us, undici for one.
 */
export function readBom() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const npm = process.env['npm_execpath'];
  const [command, ...before] = npm ? [process.execPath, npm] : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const options = {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  };
  return withoutDevelopment(JSON.parse(execFileSync(command, [...before, ...args], options)));
}

function withoutDevelopment(bom) {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const shipped = new Set(
    Object.entries(packages).flatMap(([path, { dev, version }]) =>
      path === '' || dev ? [] : [`${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`],
    ),
  );
  const components = bom.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
  const refs = new Set([bom.metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  return { ...bom, components, dependencies };
}

/** Licence → packages, as `name@version`. */
export function byLicence({ components }) {
  const found = new Map();
  for (const { name, version, licenses = [] } of components) {
    const licence =
      licenses.map((one) => one.expression ?? one.license?.id ?? one.license?.name ?? 'unknown').join(' AND ') ||
      'unknown';
    found.set(licence, [...(found.get(licence) ?? []), `${name}@${version}`]);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bom = readBom();
  if (process.argv.includes('--licences')) {
    for (const [licence, packages] of byLicence(bom)) {
      console.log(`${licence} (${packages.length})\n  ${packages.sort().join('\n  ')}`);
    }
  } else console.log(JSON.stringify(bom, null, 2));
}
