/** reliability.md 6.11: what the program is made of can be told, offline, and nobody's licence forbids it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';

interface Component {
  name: string;
  version: string;
  purl: string;
  licenses?: { license?: { id?: string }; expression?: string }[];
}
interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { component: { name: string; version: string } };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}
const root = new URL('../..', import.meta.url);
const readJson = <T>(name: string) => JSON.parse(readFileSync(new URL(name, root), 'utf8')) as T;
const env = { ...process.env, NODE_OPTIONS: '', npm_config_offline: 'true' };

describe('the bill of materials', () => {
  let bom: Bom;
  beforeAll(() => {
    const script = fileURLToPath(new URL('scripts/sbom.mjs', root));
    bom = JSON.parse(execFileSync(process.execPath, [script], { env, encoding: 'utf8' })) as Bom;
  }, 60_000);

  it('is a CycloneDX document about this version', () => {
    const { version } = readJson<{ version: string }>('package.json');
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: expect.stringMatching(/^1\.[5-9]$/) });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    expect(bom.metadata.component.version).toBe(version);
  });

  it('has every direct dependency, each as the lockfile pins it, and nothing that only tests need', () => {
    const { dependencies, devDependencies } = readJson<Record<string, Record<string, string>>>('package.json');
    const named = new Map(bom.components.map(({ name, version }) => [name, version]));
    for (const [name, version] of Object.entries(dependencies ?? {}))
      expect([name, named.get(name)]).toEqual([name, version]);
    for (const name of Object.keys(devDependencies ?? {})) expect([name, named.has(name)]).toEqual([name, false]);
    const locked = new Set(
      Object.entries(readJson<{ packages: Record<string, { version?: string }> }>('package-lock.json').packages).map(
        ([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`,
      ),
    );
    for (const { name, version, purl } of bom.components) {
      expect(locked).toContain(`${name}@${version}`);
      expect(purl).toMatch(/^pkg:npm\//);
    }
  });

  it('says of each who depends on it: no reference leads nowhere', () => {
    const known = new Set(bom.dependencies.map(({ ref }) => ref));
    expect(bom.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !known.has(ref))).toEqual([]);
  });

  it('names a licence that permits shipping it, for each', () => {
    const fine = new Set(['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']);
    const others = bom.components.filter(
      ({ licenses = [] }) =>
        licenses.length === 0 || !licenses.every((one) => fine.has(one.license?.id ?? one.expression ?? '')),
    );
    expect(others.map(({ name, licenses }) => [name, licenses])).toEqual([]);
  });
});

describe('the question for known holes', () => {
  // Run as a program would: the module is plain JavaScript outside the compiled tree.
  const judge = (text: string) => {
    const url = new URL('scripts/audit-dependencies.mjs', root).href;
    const script = `import { judge } from ${JSON.stringify(url)}; console.log(JSON.stringify(judge(${JSON.stringify(text)})))`;
    return JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' }),
    ) as { line: string; failed: boolean };
  };

  it.each([
    [
      '{"message":"405 Method Not Allowed - POST https://r/x"}',
      'dependencies: not run (405 Method Not Allowed)',
      false,
    ],
    ['<html>', 'dependencies: not run (npm gave no answer that can be read)', false],
    [
      '{"metadata":{"vulnerabilities":{"total":2,"high":0,"critical":0}}}',
      'dependencies: 2 known holes, 0 critical, 0 high',
      false,
    ],
    [
      '{"metadata":{"vulnerabilities":{"total":1,"high":1,"critical":0}}}',
      'dependencies: 1 known holes, 0 critical, 1 high',
      true,
    ],
  ])('that is answered by %s says so', (text, line, failed) => {
    expect(judge(text)).toEqual({ line, failed });
  });
});
