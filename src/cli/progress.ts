import type { ItemJson, OrderJson } from '../http/order-schemas.js';
import { clean, type Colour, cut, duration, pad, type Paint, width, wrap } from './terminal.js';

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
  compensated: { glyph: '↺', colour: 'red' },
  held: { glyph: '⏸', colour: 'yellow' },
};

/** Orders whose reason is worth a line. */
const saysWhy: readonly string[] = ['held', 'compensating', 'failed', 'cancelled'];

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
  return text
    .replaceAll(/\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '$1')
    .replaceAll(/\b(\w{8})[0-9a-f]{16,}\b/gi, '$1…');
}

/** Widths that several blocks share, so that they stand in line with each other. */
export interface Widths {
  ids: number;
  summaries: number;
}

export function widthsOf(orders: readonly OrderJson[]): Widths {
  const items = orders.flatMap((order) => order.items);
  const widest = (texts: string[]) => Math.max(0, ...texts.map((text) => width(clean(text))));
  return {
    ids: widest(items.map((item) => item.workOrderItemId)),
    summaries: Math.min(44, widest(items.map((item) => item.summary))),
  };
}

/** One order as a block: a line for it, a line for each item. */
export function orderBlock(order: OrderJson, style: Style, title = '', widths = widthsOf([order])): string[] {
  const { paint, columns, now } = style;
  const end = order.finishedAt === null ? now : Date.parse(order.finishedAt);
  const took = order.status === 'held' ? '' : duration(end - Date.parse(order.createdAt));
  const head = [
    `  ${glyph(order.status === 'received' || order.status === 'planned' ? 'working' : order.status, style)} ${paint('bold', clean(title === '' ? order.workOrderId : title))}`,
    ...(title === '' ? [] : [paint('grey', clean(order.workOrderId))]),
    paint(statusColour(order.status), order.status),
    paint('grey', took),
  ].join('  ');
  // What an item does now is worth more than what was ordered.
  const summaries = Math.min(widths.summaries, Math.max(16, columns - 86));
  const lines = [cut(head.trimEnd(), columns)];
  if (saysWhy.includes(order.status) && order.reason) {
    const wrapped = wrap(clean(order.reason.message), Math.min(columns, 160) - 6);
    lines.push(...wrapped.map((line) => `      ${paint('yellow', line)}`));
    const undone = undoneIn(order, now);
    if (undone !== '') lines.push(`      ${paint('yellow', undone)}`);
  }
  for (const item of order.items) {
    const fields = [
      `      ${itemGlyph(item, style)} ${pad(clean(item.workOrderItemId), widths.ids)}`,
      pad(typeWords[item.resourceType] ?? clean(item.resourceType), 7),
      pad(cut(clean(item.summary), summaries), summaries),
      doing(item, style, order.status === 'held' && order.reason !== null),
    ];
    lines.push(cut(fields.join('  ').trimEnd(), columns));
  }
  return lines;
}

/** Something that is made and only waits for another thing does not turn. */
function itemGlyph(item: ItemJson, style: Style): string {
  const isWaiting = item.status === 'provisioning' && item.state.startsWith('waiting');
  return isWaiting ? style.paint('cyan', '◔') : glyph(item.status, style);
}

/** Whether it is undone at its time when nobody comes: what `waitingFor` says of an order that has failed as a whole. */
export function isUndoneInTime({ what }: NonNullable<ItemJson['waitingFor']>): boolean {
  return what.startsWith('an operator, or else it is undone');
}

/** Until when a person can still mend an order that has failed; '' for any other. */
function undoneIn({ items }: OrderJson, now: number): string {
  const waiting = items.map(({ waitingFor }) => waitingFor).find((one) => one && isUndoneInTime(one));
  if (!waiting?.until) return '';
  return `undone in ${duration(Math.max(0, Date.parse(waiting.until) - now))} when nobody comes`;
}

/** What an item does now, for how long, or what became of it. */
function doing(item: ItemJson, { paint, now }: Style, reasonIsSaid: boolean): string {
  if (item.status === 'completed') return `${paint('green', 'delivered')}  ${paint('grey', delivered(item))}`;
  if (item.failure && item.status !== 'provisioning') {
    return paint(item.status === 'held' ? 'yellow' : 'red', clean(item.failure.message));
  }
  const waiting = item.waitingFor;
  if (!waiting) return paint('grey', item.state);
  if (reasonIsSaid && waiting.what.startsWith('an operator')) {
    const isThere = item.cloudResourceIds.length > 0;
    return isThere ? `${paint('cyan', 'made')}  ${paint('grey', delivered(item))}` : paint('grey', 'nothing is built');
  }
  const since = waiting.since === null ? '' : duration(now - Date.parse(waiting.since));
  const { text, job } = phrase(clean(waiting.what));
  const tail = [job === '' ? '' : `job ${job}`, since].filter(Boolean).join('  ');
  if (item.status === 'pending') return `${paint('grey', `waits for ${text}`)}  ${paint('grey', tail)}`.trimEnd();
  if (item.state.startsWith('waiting')) {
    return `${paint('cyan', 'made')}  ${paint('grey', `waits for ${text}`)}  ${paint('grey', tail)}`.trimEnd();
  }
  return `${paint('cyan', item.state)}  ${text}  ${paint('grey', tail)}`.trimEnd();
}

/** The sentence of `waitingFor` for a line of a terminal: the job apart, ids short, the user left out. */
function phrase(what: string): { text: string; job: string } {
  const [, jobFirst, operation] = /^\w+ job (\S+) for (.+)$/.exec(what) ?? [];
  if (jobFirst !== undefined && operation !== undefined) return { text: operation, job: shortIds(jobFirst) };
  const [, before = what, jobLast = ''] = /^(.*) \(\w+ job (\S+)\)$/.exec(what) ?? [];
  return { text: shortIds(before.replace(/ of user \S+/, '')), job: shortIds(jobLast) };
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
    const undone = undoneIn(after, Date.parse(after.updatedAt));
    lines.push(`${name} ${after.status}${reason}${undone === '' ? '' : ` (${undone})`}`);
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
  // Which of somebody else's jobs an item waits for is worth no line of its own.
  const shorten = (what: string) => (item.status === 'pending' ? phrase(what).text : what);
  const waiting = item.waitingFor && { ...item.waitingFor, what: shorten(item.waitingFor.what), since: null };
  return doing({ ...item, waitingFor: waiting }, plain, false)
    .trim()
    .replaceAll(/ {2,}/g, ', ');
}

/** Whether an order will not move again by itself. */
export function isSettled(order: OrderJson): boolean {
  if (order.finishedAt !== null) return true;
  if (order.status !== 'held') return false;
  // Held by its plan, or every item that still could move waits for the one that needs a person.
  return order.items.every((item) => item.status !== 'provisioning');
}
