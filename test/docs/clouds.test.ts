import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { CloudStackSettings } from '../../src/provisioners/cloudstack/settings.js';
import { OpenStackSettings } from '../../src/provisioners/openstack/settings.js';
import { clouds } from '../../src/provisioners/registry.js';

const settings: Record<string, { shape: object }> = { cloudstack: CloudStackSettings, openstack: OpenStackSettings };

describe.each(Object.keys(clouds))('docs/clouds/%s.md', (kind) => {
  it('lists every setting of this kind of cloud and no other', () => {
    const page = readFileSync(new URL(`../../docs/clouds/${kind}.md`, import.meta.url), 'utf8');
    const section = page.split(/^## /m).find((one) => one.startsWith('Settings')) ?? '';
    const told = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim().replaceAll('`', '')),
    );
    // The runner's, and the same for all.
    expect(told.toSorted()).toEqual([...Object.keys(settings[kind]?.shape ?? {}), 'pace'].toSorted());
  });
});
