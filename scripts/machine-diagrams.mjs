/**
 * Draws the state machines into docs/state-machines.md, between `<!-- diagram: name -->` and `<!-- end -->`:
 * `node scripts/machine-diagrams.mjs`. test/docs/state-machines.test.ts fails while a diagram is older than its machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

/** One machine as a Mermaid state diagram. An event in brackets leads there only when its condition holds. */
export function diagramOf(machine) {
  const { initial, states } = machine.config;
  const labels = new Map();
  for (const [from, state] of Object.entries(states)) {
    for (const [event, given] of Object.entries(state.on ?? {})) {
      for (const one of [given].flat()) {
        const { target, guard } = typeof one === 'string' ? { target: one } : one;
        // Without a target the state stays and only something is remembered.
        if (target === undefined || (target === from && event === 'RESUMED')) continue;
        const arrow = `${from} --> ${target}`;
        const label = guard === undefined ? event : `${event} (${guard})`;
        labels.set(arrow, [...(labels.get(arrow) ?? []), label]);
      }
    }
  }
  const final = Object.keys(states).filter((name) => states[name].type === 'final');
  return [
    'stateDiagram-v2',
    `  [*] --> ${initial}`,
    ...[...labels].map(([arrow, events]) => `  ${arrow}: ${events.join(', ')}`),
    ...final.map((name) => `  ${name} --> [*]`),
  ].join('\n');
}

/** @param {string} page @param {Record<string, object>} machines by the name that stands in the page */
export function drawInto(page, machines) {
  return page.replace(/(<!-- diagram: (\w+) -->\n).*?(\n<!-- end -->)/gs, (whole, begin, name, end) =>
    name in machines ? `${begin}\n\`\`\`mermaid\n${diagramOf(machines[name])}\n\`\`\`\n${end}` : whole,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bootstrap();
  const { workOrderMachine } = await import('../dist/src/machines/work-order.machine.js');
  const { operationMachine } = await import('../dist/src/machines/operation.machine.js');
  const { itemMachines } = await import('../dist/src/machines/move.js');
  const machines = { order: workOrderMachine, operation: operationMachine, ...itemMachines };
  const path = new URL('../docs/state-machines.md', import.meta.url);
  writeFileSync(path, drawInto(readFileSync(path, 'utf8'), machines));
}
