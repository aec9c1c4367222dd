import type { ItemJson, OrderJson } from '../http/order-schemas.js';
import { clean, type Colour, cut, duration, pad, type Paint, width } from './terminal.js';

/** How an order's progress is drawn. Pure: the clock and the frame of the spinner come in. */
export interface Style {
  paint: Paint;
  columns: number;
  /** Counts redraws; turns the spinner. */
  frame: number;
  now: number;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const looks: Readonly<Record<string, { glyph: string; colour: Colour }>> = {
  pending: { glyph: '·', colour: 'grey' },
  completed: { glyph: '✔', colour: 'green' },
  partial: { glyph: '◐', colour: 'yellow' },
  failed: { glyph: '✖', colour: 'red' },
  cancelled: { glyph: '⊘', colour: 'red' },
  held: { glyph: '⏸', colour: 'yellow' },
};

/** The mark before an order or an item. */
export function glyph(status: string, style: Style): string {
  const look = looks[status];
  if (look) return style.paint(look.colour, look.glyph);
  return style.paint('cyan', spinner[style.frame % spinner.length] ?? '…');
}

export function statusColour(status: string): Colour {
  return looks[status]?.colour ?? 'cyan';
}

export const typeWords: Readonly<Record<string, string>> = { VM: 'VM', EBS: 'disk', NETWORK: 'address' };

/** Long ids by their first eight characters: enough to tell them apart by eye. */
export function shortIds(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '$1');
}

/** One order as a block: a line for it, a line for each item. */
export function orderBlock(order: OrderJson, style: Style, title = ''): string[] {
  const { paint, columns, now } = style;
  const end = order.finishedAt === null ? now : Date.parse(order.finishedAt);
  const took = order.status === 'held' ? '' : duration(end - Date.parse(order.createdAt));
  const head = [
    glyph(order.status === 'received' || order.status === 'planned' ? 'working' : order.status, style),
    paint('bold', clean(order.workOrderId)),
    paint(statusColour(order.status), order.status),
    ...(title === '' ? [] : [paint('grey', clean(title))]),
    paint('grey', took),
  ].join('  ');
  const lines = [cut(head, columns)];
  if (order.status === 'held' && order.reason) {
    lines.push(cut(`     ${paint('yellow', clean(order.reason.message))}`, columns));
  }
  const ids = Math.max(0, ...order.items.map((item) => width(clean(item.workOrderItemId))));
  const summaries = Math.min(44, Math.max(0, ...order.items.map((item) => width(clean(item.summary)))));
  for (const item of order.items) {
    const fields = [
      `   ${glyph(item.status, style)} ${pad(clean(item.workOrderItemId), ids)}`,
      pad(typeWords[item.resourceType] ?? clean(item.resourceType), 7),
      pad(cut(clean(item.summary), summaries), summaries),
      doing(item, style, order.status === 'held' && order.reason !== null),
    ];
    lines.push(cut(fields.join('  '), columns));
  }
  return lines;
}

/** What an item does now, for how long, or what became of it. */
function doing(item: ItemJson, { paint, now }: Style, reasonIsSaid: boolean): string {
  if (item.status === 'completed') return `${paint('green', 'delivered')}  ${paint('grey', delivered(item))}`;
  if (item.failure && item.status !== 'provisioning') {
    return paint(item.status === 'held' ? 'yellow' : 'red', clean(item.failure.message));
  }
  const waiting = item.waitingFor;
  if (!waiting) return paint('grey', item.state);
  if (reasonIsSaid && waiting.what.startsWith('an operator')) return paint('grey', 'nothing is built');
  const since = waiting.since === null ? '' : duration(now - Date.parse(waiting.since));
  const what = shortIds(clean(waiting.what));
  if (item.status === 'pending') return paint('grey', `waits for ${what}`);
  return [`${paint('cyan', item.state)}`, what, paint('grey', since)].join('  ').trimEnd();
}

/** Addresses and sizes are worth more than ids. */
function delivered(item: ItemJson): string {
  const facts = Object.assign({}, ...item.facts) as Record<string, string>;
  const shown = ['ipAddress', 'privateIp', 'device'].flatMap((name) => facts[name] ?? []);
  return shortIds(clean([...shown, ...item.cloudResourceIds].join('  ')));
}

/** What changed between two looks, as plain lines for a log. */
export function progressLines(before: OrderJson | null, after: OrderJson): string[] {
  const lines: string[] = [];
  const name = clean(after.workOrderId);
  const isFinal = after.finishedAt !== null;
  if (before?.status !== after.status && !isFinal) {
    const reason = after.reason ? `: ${clean(after.reason.message)}` : '';
    lines.push(`${name} ${after.status}${reason}`);
  }
  const plain: Style = { paint: (_, text) => text, columns: Number.POSITIVE_INFINITY, frame: 0, now: 0 };
  for (const [i, item] of after.items.entries()) {
    const old = before?.items[i];
    const text = itemLine(item, plain);
    if (old && itemLine(old, plain) === text) continue;
    if (!old && item.status === 'pending') continue;
    lines.push(
      `${name} item ${clean(item.workOrderItemId)} ${typeWords[item.resourceType] ?? clean(item.resourceType)}: ${text}`,
    );
  }
  if (before?.status !== after.status && isFinal) {
    const took = duration(Date.parse(after.finishedAt ?? after.updatedAt) - Date.parse(after.createdAt));
    lines.push(`${name} ${after.status} after ${took}`);
  }
  return lines;
}

function itemLine(item: ItemJson, plain: Style): string {
  const waiting = item.waitingFor && { ...item.waitingFor, since: null };
  return doing({ ...item, waitingFor: waiting }, plain, false)
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

/** Whether an order will not move again by itself. */
export function isSettled(order: OrderJson): boolean {
  if (order.finishedAt !== null) return true;
  if (order.status !== 'held') return false;
  // Held by its plan, or every item that still could move waits for the one that needs a person.
  return order.items.every((item) => item.status !== 'provisioning');
}
