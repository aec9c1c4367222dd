import { z } from 'zod';
import { checkLine } from './check-line.js';
import type { CheckLine } from './provisioner.js';

/** Sizes that billing sells, as `<cpu>-<memory MiB>`; orders are not bound to them. */
export const SoldSizes = z
  .array(z.string().regex(/^[1-9]\d*-[1-9]\d*$/, 'must be cpu-memory, such as 2-4096'))
  .default([]);

/** A line for each size: what a VM of it would be, or why there is nothing for it. */
export async function checkSizes(
  sizes: readonly string[],
  find: (size: { cpuCount: number; memoryMib: number }) => Promise<string>,
): Promise<CheckLine[]> {
  const lines: CheckLine[] = [];
  for (const size of sizes) {
    const [cpuCount = 0, memoryMib = 0] = size.split('-').map(Number);
    lines.push(await checkLine(`size ${size}`, () => find({ cpuCount, memoryMib })));
  }
  return lines;
}
