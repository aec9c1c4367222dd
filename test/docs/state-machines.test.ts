import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { itemMachines } from '../../src/machines/move.js';
import { operationMachine } from '../../src/machines/operation.machine.js';
import { workOrderMachine } from '../../src/machines/work-order.machine.js';

const script = new URL('../../scripts/machine-diagrams.mjs', import.meta.url).href;
const { drawInto } = (await import(script)) as { drawInto(page: string, machines: object): string };

const page = readFileSync(new URL('../../docs/state-machines.md', import.meta.url), 'utf8');
const machines = { order: workOrderMachine, operation: operationMachine, ...itemMachines };

describe('docs/state-machines.md', () => {
  it('draws the machines as they are (if not: node scripts/machine-diagrams.mjs)', () => {
    expect(page).toBe(drawInto(page, machines));
  });

  it.each(Object.entries(machines))('draws the machine %s and says what each of its states means', (name, machine) => {
    const section = page.split(/^## /m).find((one) => one.includes(`<!-- diagram: ${name} -->`)) ?? '';
    const told = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, state]) => state);
    expect(told.toSorted()).toEqual(Object.keys(machine.config.states ?? {}).toSorted());
  });
});
