/** What has to hold of any message whatever, and where one that breaks it is kept. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isCode } from '../../src/codes.js';
import { readMessage } from '../../src/consumers/read/read-message.js';
import type { Reading } from '../../src/schemas/work-order.js';
import type { FuzzedMessage } from './mutate.js';

const hashKey = Buffer.from('a key for fuzzing, 32 bytes long');
/** CPU time of one message. Measured: 0.1 ms for a sample, 30 ms for the worst mebibyte; quadratic time takes minutes. */
export const slowestMs = 250;
/** PostgreSQL refuses these in jsonb, and with them the commit of everybody else in the batch. */
const unstorable = /\p{Surrogate}|\0/u;

/** Passwords of the corpus; the samples' own is part of too many numbers to look for. */
const secrets = ['Corpus-Pass-1', 'canary-7c1f0b'];

/** What is wrong with how this message is read; null when nothing is. */
export function wrongWith(message: FuzzedMessage): string | null {
  let reading: Reading;
  try {
    const [first, cpuMs] = timed(message);
    reading = first;
    // Once more: the collector may have run, or another process.
    if (cpuMs > slowestMs && Math.min(timed(message)[1], timed(message)[1]) > slowestMs) return `took ${cpuMs} ms`;
  } catch (error) {
    return `threw ${(error as Error).name}: ${(error as Error).message.slice(0, 100)}`;
  }
  const again = readMessage(message, { hashKey });
  if (JSON.stringify(again) !== JSON.stringify(reading)) return 'reads differently the second time';
  if (findUnstorable(reading)) return 'holds a text that PostgreSQL refuses';
  const said = saidOf(reading);
  const foreign = said.codes.find((code) => !isCode(code));
  if (foreign !== undefined) return `answers with ${foreign}, which is not registered`;
  if (reading.verdict === 'unreadable') {
    if (reading.problems.length === 0) return 'is refused without a reason';
    if (reading.problems.length > 20) return `names ${reading.problems.length} problems`;
  } else if (!/^[0-9a-f]{64}$/.test(reading.contentHash)) return 'has no content hash';
  const told = tellsSecret(message.bytes, JSON.stringify(said.texts));
  return told ? `repeats ${told}` : null;
}

function timed(message: FuzzedMessage): [Reading, number] {
  const before = process.cpuUsage();
  const reading = readMessage(message, { hashKey });
  const { user, system } = process.cpuUsage(before);
  return [reading, (user + system) / 1000];
}

/** Everything that is told about a message to others. The order itself, and a proposal, stay inside and sealed. */
function saidOf(reading: Reading): { codes: string[]; texts: unknown[] } {
  const notes = reading.verdict === 'readable' ? [...reading.warnings, ...reading.holds] : reading.problems.concat([]);
  return { codes: notes.map(({ code }) => code), texts: [notes, reading.repairs] };
}

/**
 * The secret that an answer repeats. Only where every copy of it in the message is the value of a `rootPassword`: a change
 * may have made it somebody's name, and a name is quoted.
 */
export function tellsSecret(message: Buffer, answer: string): string | null {
  return (
    secrets.find((secret) => {
      if (!answer.includes(secret)) return false;
      const text = message.toString();
      const copies = text.split(secret).length - 1;
      const values = text.match(new RegExp(`rootPassword\\\\{0,9}"\\s*:\\s*\\\\{0,9}"${secret}`, 'g'))?.length ?? 0;
      return copies > 0 && copies === values;
    }) ?? null
  );
}

function findUnstorable(value: unknown): boolean {
  if (typeof value === 'string') return unstorable.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, member]) => unstorable.test(key) || findUnstorable(member));
}

const folder = new URL('./regressions/', import.meta.url);

/** Keeps a message that broke something, so that `npm test` sends it for ever. */
export function keepRegression({ bytes, contentType }: FuzzedMessage): string {
  const name = createHash('sha256').update(bytes).update(String(contentType)).digest('hex').slice(0, 12);
  const kept = { contentType, base64: bytes.toString('base64') };
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(kept, null, 2)}\n`);
  return name;
}

/** Every message that ever broke something. */
export function regressions(): (FuzzedMessage & { name: string })[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const kept = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
        contentType: string | null;
        base64: string;
      };
      return { name, contentType: kept.contentType, bytes: Buffer.from(kept.base64, 'base64') };
    });
}
