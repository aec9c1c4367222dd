import type { OrderJson, OrderLineJson, PlanJson, TimelineJson } from '../http/order-schemas.js';
import type { JobsPageJson, OrphansJson, RejectedJson } from '../http/operator-routes.js';
import type { Io } from './io.js';
import { isUndoneInTime, orderBlock, statusColour, type Style } from './progress.js';
import { table } from './table.js';
import { clean, cut, duration, instant, pad, width } from './terminal.js';

/** Answers of the API as lines for people. Pure but for the clock that `Io` carries. */

export function styleOf(io: Io, frame = 0): Style {
  return { paint: io.paint, columns: io.columns, frame, now: io.now() };
}

export function showOrders(orders: OrderLineJson[], io: Io): string[] {
  if (orders.length === 0) return ['No orders.'];
  return table(
    orders,
    [
      { title: 'ORDER', value: (order) => order.workOrderId },
      {
        title: 'STATUS',
        value: (order) => order.status,
        paint: (text, order) => io.paint(statusColour(order.status), text),
      },
      { title: 'ITEMS', value: (order) => countItems(order.items) },
      { title: 'CAME', value: (order) => instant(order.createdAt, io.now()) },
      {
        title: 'TOOK',
        side: 'right',
        value: (order) =>
          order.status === 'held'
            ? ''
            : duration((order.finishedAt ? Date.parse(order.finishedAt) : io.now()) - Date.parse(order.createdAt)),
      },
      { title: 'ACCOUNT', value: (order) => order.accountId, shrinks: true },
      { title: 'WHY', value: (order) => order.reason?.message ?? '', shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}

function countItems(items: Record<string, number>): string {
  const all = Object.values(items).reduce((sum, n) => sum + n, 0);
  const done = items['completed'] ?? 0;
  return done === all ? String(all) : `${done} of ${all}`;
}

export function showOrder(order: OrderJson, io: Io): string[] {
  const { paint } = io;
  const lines = orderBlock(order, styleOf(io));
  lines.splice(1, 0, `      ${paint('grey', clean(`user ${order.userId}, account ${order.accountId}`))}`);
  for (const item of order.items) {
    const facts = item.facts.flatMap((one) => Object.entries(one).map(([name, value]) => `${name} ${value}`));
    const details = [
      ['resource', `${item.resourceId}${item.master ? ' (master)' : ''} on ${item.platformName}`],
      ['state', `${item.status}, ${item.state}`],
      ['on the cloud', [...item.cloudResourceIds, ...facts].join(', ')],
      ...item.jobs.map((job) => [
        'job',
        `${job.jobId} ${job.operation} ${job.status}, submitted ${instant(job.submittedAt, io.now())}`,
      ]),
      ['failure', item.failure ? `${item.failure.message} (${item.failure.code}, ${item.failure.class})` : ''],
      ['waits for', item.waitingFor ? waitingText(item.waitingFor, io) : ''],
    ].filter(([, value]) => value !== '');
    lines.push('', paint('bold', `item ${clean(item.workOrderItemId)}  ${clean(item.summary)}`));
    for (const [name = '', value = ''] of details) lines.push(`  ${paint('grey', pad(name, 12))}  ${clean(value)}`);
  }
  lines.push(...notes('held because', order.holds, io), ...notes('warnings', order.warnings, io));
  if (order.repairs.length > 0) {
    lines.push('', paint('bold', 'repairs made to read the message'));
    for (const { rule, path, before, after } of order.repairs) {
      lines.push(`  ${clean(rule)}  ${clean(path)}: ${clean(cut(before, 60))} → ${clean(cut(after, 60))}`);
    }
  }
  return lines;
}

function waitingText(waiting: NonNullable<OrderJson['items'][number]['waitingFor']>, io: Io): string {
  const { what, since, until } = waiting;
  const parts = [what];
  if (since !== null) parts.push(`${duration(io.now() - Date.parse(since))} so far`);
  const when = isUndoneInTime(waiting) ? 'undone' : 'again';
  if (until !== null) parts.push(`${when} in ${duration(Date.parse(until) - io.now())}`);
  return parts.join(', ');
}

function notes(title: string, list: { path: string; code: string; message: string }[], io: Io): string[] {
  if (list.length === 0) return [];
  return [
    '',
    io.paint('bold', title),
    ...list.map(
      ({ path, code, message }) => `  ${path === '' ? '' : `${clean(path)}: `}${clean(message)} (${clean(code)})`,
    ),
  ];
}

export function showTimeline(timeline: TimelineJson, io: Io): string[] {
  const start = Date.parse(timeline.entries[0]?.at ?? '');
  return timeline.entries.map((entry) => {
    const after = pad(`+${((Date.parse(entry.at) - start) / 1000).toFixed(3)} s`, 12, 'right');
    const time = io.paint('grey', `${instant(entry.at, io.now())} ${after}`);
    return cut(`${time}  ${clean(entry.text)}`, io.columns);
  });
}

export function showPlan(plan: PlanJson, io: Io): string[] {
  const { paint } = io;
  const lines = [`${paint('bold', clean(plan.workOrderId))}  ${paint(statusColour(plan.status), plan.status)}`];
  if (!plan.planned) lines.push('There is no plan.');
  for (const { key, lines: told, platformId } of plan.preparations) {
    lines.push(
      '',
      `${paint('bold', clean(key))}  ${paint('grey', `shared, on ${clean(platformId)}`)}`,
      ...planLines(told),
    );
  }
  for (const part of plan.parts) {
    lines.push(
      '',
      `${paint('bold', clean(part.key))}  ${paint('grey', `item ${clean(part.workOrderItemId)} on ${clean(part.platformName)}`)}`,
      ...planLines(part.lines),
    );
    for (const [operation, needs] of Object.entries(part.needs)) {
      const after = needs.length === 0 ? 'at once' : `after ${needs.join(', ')}`;
      lines.push(`  ${paint('cyan', operation)} ${clean(after)}`);
    }
  }
  return [...lines, ...notes('held because', plan.holds, io), ...notes('warnings', plan.warnings, io)];
}

function planLines(lines: PlanJson['parts'][number]['lines']): string[] {
  const whats = Math.max(0, ...lines.map((line) => width(clean(line.what))));
  const ordered = Math.max(0, ...lines.map((line) => width(clean(line.ordered))));
  return lines.map(
    (line) => `  ${pad(clean(line.what), whats)}  ${pad(clean(line.ordered), ordered)} → ${clean(line.resolved)}`,
  );
}

export function showRejectedList(messages: RejectedJson[], io: Io): string[] {
  if (messages.length === 0) return ['Nothing was rejected.'];
  return table(
    messages,
    [
      { title: 'MESSAGE', value: (one) => one.messageId },
      { title: 'CAME', value: (one) => instant(one.receivedAt, io.now()) },
      { title: 'VERDICT', value: (one) => one.verdict, paint: (text) => io.paint('yellow', text) },
      { title: 'CODE', value: (one) => one.code ?? '' },
      { title: 'ORDER', value: (one) => one.workOrderId ?? '', shrinks: true },
      { title: 'FROM', value: (one) => `${one.channel} ${one.origin}`, shrinks: true },
      { title: 'WHAT', value: (one) => one.problems[0]?.message ?? one.title ?? '', shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}

export function showRejected(message: RejectedJson, io: Io): string[] {
  const fields = [
    ['message', message.messageId],
    ['verdict', `${message.verdict}: ${message.title ?? ''} (${message.code ?? ''})`],
    ['came', `${instant(message.receivedAt, io.now())} by ${message.channel} from ${message.origin}`],
    ['order', message.workOrderId ?? 'could not be read'],
    ['sha256', message.bodySha256],
    ['proposal', message.hasProposal ? 'a mended text is kept for a person to accept' : 'none'],
  ];
  return [
    ...fields.map(([name = '', value = '']) => `${io.paint('grey', pad(name, 8))}  ${clean(value)}`),
    ...notes('problems', message.problems, io),
  ];
}

export function showJobs(jobs: JobsPageJson['jobs'], io: Io): string[] {
  if (jobs.length === 0) return ['No job is under way.'];
  return table(
    jobs,
    [
      { title: 'JOB', value: (job) => job.jobId },
      { title: 'PLATFORM', value: (job) => job.platformName },
      { title: 'OPERATION', value: (job) => job.operation },
      {
        title: 'SO FAR',
        side: 'right',
        value: (job) => (job.submittedAt ? duration(io.now() - Date.parse(job.submittedAt)) : ''),
      },
      { title: 'TRY', side: 'right', value: (job) => String(job.attempt) },
      { title: 'ITEM', value: (job) => job.workOrderItemId ?? '' },
      { title: 'FOR', value: (job) => job.workOrderId, shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}

export function showOrphans({ orphans, knowledge }: OrphansJson, io: Io): string[] {
  const known = knowledgeInWords(knowledge, io);
  if (orphans.length === 0) return ['Nothing is listed.', ...known];
  const rows = table(
    orphans,
    [
      { title: 'RESOURCE', value: (one) => one.resourceId },
      { title: 'PLATFORM', value: (one) => one.platformName },
      { title: 'MADE BY', value: (one) => one.operation },
      { title: 'MARKER', value: (one) => one.marker },
      { title: 'WHY', value: whyListed },
      { title: 'STATE', value: (one) => one.state },
      { title: 'LAST SEEN', value: (one) => (one.why === 'missing' ? 'not there' : instant(one.seenAt, io.now())) },
      { title: 'ORDER', value: (one) => one.workOrderId, shrinks: true },
    ],
    io.paint,
    io.columns,
  );
  return [...rows, '', ...known];
}

function whyListed({ why, afterEndSeconds }: OrphansJson['orphans'][number]): string {
  const minutes = Math.round((afterEndSeconds ?? 0) / 60);
  switch (why) {
    case 'twin':
      return 'second of one marker';
    case 'undo':
      return 'not removed';
    case 'late':
      return `found ${minutes} min after the end`;
    case 'missing':
      return `missing ${minutes} min after the end`;
  }
}

/** What is known, and no more than that. */
function knowledgeInWords(
  { lookedAt, ahead, due, dueSince, blocked, since }: OrphansJson['knowledge'],
  io: Io,
): string[] {
  const orders = (count: number) => `${count} ended ${count === 1 ? 'order' : 'orders'}`;
  return [
    `Looked at everything that ${orders(lookedAt)} made, up to an hour after their end.`,
    ...(ahead > 0 ? [`The next look at ${orders(ahead)} lies ahead.`] : []),
    ...(due > 0
      ? [
          `${due} ${due === 1 ? 'look is' : 'looks are'} due${dueSince ? `, the oldest since ${instant(dueSince, io.now())}` : ''}.`,
        ]
      : []),
    ...blocked.map(
      ({ platformName, orders: count, since: from, problem }) =>
        `${count} cannot be made at ${clean(platformName)} since ${instant(from, io.now())}: ${clean(problem)}. They are tried again.`,
    ),
    since === null
      ? 'No order has ended yet that is looked at.'
      : `Orders that ended before ${instant(since, io.now())} are not looked at.`,
  ];
}
