/**
 * Writes docs/codes.md from src/codes.ts: `node scripts/codes-doc.mjs`. test/docs/codes.test.ts fails while the page is
 * older than the registry.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const classes = {
  reject: 'Refused. The message is kept; sending it again unchanged gives the same answer.',
  limit: 'Refused because something is too large or too much.',
  conflict: 'Refused because it contradicts what is there. What is there stays as it is.',
  duplicate: 'The same order again: the first answer is repeated and nothing is done.',
  warning: 'Taken all the same; the order carries the warning.',
  hold: 'Taken and kept, but nothing is built before a person has looked at it.',
  auth: 'The caller may not do this, or may not know whether it exists.',
  'item-fails': 'The item fails for good and is not chargeable; the final event says so.',
  unknown: 'Nobody knows yet whether the cloud did it. It is looked up before anything is sent again.',
  'back-off': 'Nothing was done. It is tried again later by itself, or waits for a person to mend the access.',
  system: 'Our own side. Nothing of the message is at fault.',
};

const families = {
  MSG: 'The message as bytes and text',
  ORD: 'The order',
  ITM: 'The items of an order',
  CFG: 'The config of an item',
  SEM: 'What the parts of an order say together',
  URL: 'The callback address',
  AUT: 'Who asks',
  API: 'Requests to the API',
  CLD: 'Answers of the clouds',
  STO: 'The database',
  BUS: 'Kafka',
  OPS: "An operator's acts",
  SYS: 'Our own side',
};

/** @param {Record<string, { class: string, httpStatus: number, retriable: boolean, title: string }>} codes */
export function renderCodes(codes) {
  const all = Object.entries(codes);
  const used = [...new Set(all.map(([, { class: kind }]) => kind))];
  const lines = [
    '# Codes',
    '',
    'Made from `src/codes.ts` by `node scripts/codes-doc.mjs`; do not edit.',
    '',
    'Every answer that is not a plain yes carries one of these codes. Codes are never renamed and never used for something',
    'else. The HTTP status is the one an answer has when this is its code; 200 stands where the code accompanies an order',
    'that was taken. "May work later" means: the very same request can succeed another time.',
    '',
    'A hold that comes from planning also has a name in small letters (`no_matching_offering`), which its message begins',
    'with. They are listed in [operations.md](operations.md#reasons-to-hold-an-order).',
    '',
    '## What the classes mean',
    '',
    ...used.map((kind) => `- **${kind}**: ${classes[kind]}`),
  ];
  for (const [prefix, title] of Object.entries(families)) {
    const family = all.filter(([code]) => code.startsWith(`${prefix}_`));
    if (family.length === 0) continue;
    lines.push('', `## ${prefix}: ${title}`);
    for (const [code, { class: kind, httpStatus, retriable, title: text }] of family) {
      const facts = `Class ${kind}, HTTP ${httpStatus}${retriable ? ', may work later' : ''}.`;
      lines.push('', `### ${code}`, '', `${text}. ${facts}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bootstrap();
  const { codes } = await import('../dist/src/codes.js');
  writeFileSync(new URL('../docs/codes.md', import.meta.url), renderCodes(codes));
}
