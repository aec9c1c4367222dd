import { readFile } from 'node:fs/promises';
import { CommandError, type Io } from './io.js';
import { clean } from './terminal.js';

/** A file as text; `-`: standard input. @throws CommandError */
export async function readText(io: Io, file: string): Promise<string> {
  if (file === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of io.stdin) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${clean(file)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** A file with a JSON object. @throws CommandError */
export async function readObject(io: Io, file: string): Promise<Record<string, unknown>> {
  return parseObject(await readText(io, file), file);
}

/** @throws CommandError that does not repeat the text */
export function parseObject(text: string, from: string): Record<string, unknown> {
  const read = parseJson(text, from);
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>;
  throw new CommandError(`${clean(from)} is not a JSON object.`);
}

/** The parser's own words are not repeated: they quote the text, which may hold credentials. */
export function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`${clean(from)} is not JSON.`);
  }
}
