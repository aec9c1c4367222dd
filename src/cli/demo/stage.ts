import type { OrderJson } from '../../http/order-schemas.js';
import type { Io } from '../io.js';
import { isSettled, orderBlock, progressLines, widthsOf } from '../progress.js';
import { styleOf } from '../show.js';
import { pad, type Colour } from '../terminal.js';
import type { Finding, CloudResource } from './expectation.js';
import type { Sample, Verdict } from './samples.js';

export interface SentMessage {
  sample: Sample;
  verdict: Verdict | null;
}

const verdictWords: Readonly<Record<Verdict, { glyph: string; colour: Colour; text: string }>> = {
  accepted: { glyph: '✔', colour: 'green', text: 'accepted' },
  duplicate: { glyph: '=', colour: 'green', text: 'the same order again, nothing was done' },
  held: { glyph: '⏸', colour: 'yellow', text: 'accepted and held for a person' },
  'set-aside': { glyph: '✂', colour: 'yellow', text: 'damaged: set aside as it came, never guessed' },
  conflict: { glyph: '✖', colour: 'red', text: 'another order under a known id' },
  refused: { glyph: '✖', colour: 'red', text: 'refused' },
  skipped: { glyph: '·', colour: 'grey', text: 'skipped' },
};

/** Everything that moves, as lines: the messages that were sent, and the orders that came of them. */
export function stage(
  messages: SentMessage[],
  orders: OrderJson[],
  titles: Map<string, string>,
  io: Io,
  frame: number,
  rows: number,
): string[] {
  const style = styleOf(io, frame);
  const widths = widthsOf(orders);
  const blocks = orders.map((order) => orderBlock(order, style, titles.get(order.workOrderId), widths));
  const whole = [...messageLines(messages, io), '', ...blocks.flatMap((block) => [...block, ''])];
  if (whole.length < rows) return whole;
  // A low screen: messages in one line, then orders that are over in one line each.
  const short = [messageCount(messages, io), '', ...blocks.flatMap((block) => [...block, ''])];
  if (short.length < rows) return short;
  return [
    messageCount(messages, io),
    '',
    ...blocks.flatMap((block, i) => (orders[i] && isSettled(orders[i]) ? block.slice(0, 1) : block)),
  ];
}

export function messageLines(messages: SentMessage[], io: Io): string[] {
  const files = Math.max(0, ...messages.map(({ sample }) => sample.file.length));
  return messages.map(({ sample, verdict }) => {
    const file = pad(sample.file, files);
    if (verdict === null) return `  ${io.paint('cyan', '→')} ${file}  ${io.paint('grey', 'sent')}`;
    const { glyph, colour, text } = verdictWords[verdict];
    return `  ${io.paint(colour, glyph)} ${file}  ${io.paint('grey', text)}`;
  });
}

function messageCount(messages: SentMessage[], io: Io): string {
  const known = messages.filter((one) => one.verdict !== null).length;
  return `  ${io.paint('grey', `${messages.length} messages sent, ${known} answered`)}`;
}

/** The same for a log: only what is new since the last look. */
export class PlainStage {
  private readonly said = new Set<string>();
  private readonly before = new Map<string, OrderJson>();

  lines(messages: SentMessage[], orders: OrderJson[]): string[] {
    const lines: string[] = [];
    for (const { sample, verdict } of messages) {
      if (verdict === null || this.said.has(sample.file)) continue;
      this.said.add(sample.file);
      lines.push(`${sample.file}: ${verdictWords[verdict].text}`);
    }
    for (const order of orders) {
      lines.push(...progressLines(this.before.get(order.workOrderId) ?? null, order));
      this.before.set(order.workOrderId, order);
    }
    return lines;
  }
}

/** What the clouds hold in the end, and whether that is right. */
export function closing(
  clouds: { name: string; resources: CloudResource[] }[],
  findings: Finding[],
  { paint }: Io,
): string[] {
  const kinds: [string, string][] = [
    ['vm', 'virtual machines'],
    ['volume', 'disks'],
    ['address', 'public addresses'],
    ['network', 'networks'],
  ];
  const count = (resources: CloudResource[], kind: string) =>
    String(resources.filter((one) => one.kind === kind).length);
  return [
    `  ${paint('bold', pad('what the clouds hold now', 26))}${clouds.map(({ name }) => pad(name, 6, 'right')).join('')}`,
    ...kinds.map(
      ([kind, text]) =>
        `    ${pad(text, 24)}${clouds.map(({ resources }) => pad(count(resources, kind), 6, 'right')).join('')}`,
    ),
    '',
    `  ${paint('bold', 'what was to be expected')}`,
    ...findings.flatMap(({ ok, what, found }) => [
      `    ${ok ? paint('green', '✔') : paint('red', '✖')} ${what}`,
      ...(found === null ? [] : [`      ${paint('red', found)}`]),
    ]),
    '',
  ];
}
