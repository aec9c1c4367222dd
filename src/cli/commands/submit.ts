import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { ReceiptJson } from '../../http/intake-routes.js';
import type { ProblemJson } from '../../http/problem.js';
import { Api, describeProblem } from '../api.js';
import { CommandError, exitCodes, type Io } from '../io.js';
import { clean, cleanAll } from '../terminal.js';
import { remote, type RemoteOptions } from './reading.js';

export function addSubmitCommand(program: Command, io: Io, done: (exitCode: number) => void): void {
  remote(program.command('submit'))
    .argument('<file>', 'a file with one order, or - for standard input')
    .description('hands an order in')
    .action(async (file: string, options: RemoteOptions) => {
      const bytes = file === '-' ? await readAll(io.stdin) : await readOrderFile(file);
      const { status, json } = await Api.of(io, options).post<ReceiptJson | ProblemJson>('/v1/work-orders', bytes, {
        'content-type': contentTypeOf(bytes),
        'orderwright-file': encodeURIComponent(file === '-' ? 'standard input' : basename(file)),
      });
      if (options.json) io.out(JSON.stringify(cleanAll(json), null, 2));
      if (status >= 400) {
        const problem = json as ProblemJson;
        if (!options.json) {
          const kept = problem.messageId
            ? [`  kept as message ${problem.messageId}; see "orderwright rejected show"`]
            : [];
          io.err([describeProblem(problem, status), ...kept].join('\n'));
        }
        done(exitCodes.refused);
      } else if (!options.json) {
        io.out(describeReceipt(json as ReceiptJson, io).join('\n'));
      }
    });
}

/** What a file holds, from its first bytes: a form that a program posted, or text for the intake to make sense of. */
export function contentTypeOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  return /^[\w.-]+=/.test(start) ? 'application/x-www-form-urlencoded' : 'application/json';
}

/** A taken order as lines for people. */
export function describeReceipt(receipt: ReceiptJson, io: Pick<Io, 'paint'>): string[] {
  const { paint } = io;
  const id = paint('bold', clean(receipt.workOrderId ?? ''));
  const lines = {
    accepted: [`${paint('green', '✔')} ${id} accepted`],
    duplicate: [
      `${paint('green', '=')} ${id} is the same order again (${receipt.status ?? 'known'}); nothing was done`,
    ],
    held: [`${paint('yellow', '⏸')} ${id} accepted and held`],
    skipped: ['an empty message was skipped'],
  }[receipt.verdict];
  for (const hold of receipt.holds) lines.push(`  ${clean(hold.message)} (${hold.code})`);
  for (const warning of receipt.warnings) {
    lines.push(`  ${paint('yellow', 'warning')} ${clean(warning.path)}: ${clean(warning.message)}`);
  }
  if (receipt.repairs.length > 0) {
    const rules = [...new Set(receipt.repairs.map((repair) => repair.rule))].join(', ');
    lines.push(
      `  ${paint('grey', `${receipt.repairs.length} repairs to read it (${clean(rules)}), nothing was lost`)}`,
    );
  }
  return lines;
}

async function readOrderFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CommandError(`${clean(file)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
