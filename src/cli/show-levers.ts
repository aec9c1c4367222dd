import type { AuditJson, BulkReplayJson, LeverJson } from '../http/lever-routes.js';
import type { ResubmissionJson } from '../http/leftover-routes.js';
import type { Io } from './io.js';
import { statusColour } from './progress.js';
import { table } from './table.js';
import { clean, instant } from './terminal.js';

const colours: Record<LeverJson['lines'][number]['what'], 'green' | 'yellow' | 'red' | 'grey' | 'cyan'> = {
  reused: 'green',
  awaited: 'cyan',
  made: 'cyan',
  repeated: 'yellow',
  'asked-first': 'yellow',
  undone: 'red',
  'given-up': 'grey',
  stays: 'grey',
  held: 'yellow',
};

/** What a lever does, part by part, and what the order is then. */
export function showLever(lever: LeverJson, io: Io): string[] {
  const { paint } = io;
  const { act, outcome, workOrderId, dryRun } = lever;
  const head = dryRun ? `${act} would do this:` : `${act}: done`;
  const ends = outcome.ends === outcome.status ? '' : `, ${outcome.ends} in the end`;
  return [
    `${paint('bold', clean(workOrderId))}  ${head}`,
    ...table(
      lever.lines,
      [
        { title: 'ITEM', value: (line) => line.workOrderItemId ?? 'shared' },
        { title: 'WHAT', value: (line) => line.what, paint: (text, line) => paint(colours[line.what], text) },
        { title: 'STEP', value: (line) => line.operation ?? '' },
        { title: 'RESOURCE', value: (line) => line.resourceId ?? '' },
        { title: '', value: (line) => line.note, shrinks: true },
      ],
      paint,
      io.columns,
    ),
    `The order ${dryRun ? 'would be' : 'is'} ${paint(statusColour(outcome.status), outcome.status)}${ends}.`,
  ];
}

export function showBulkReplay(answer: BulkReplayJson, io: Io): string[] {
  const totals = Object.entries(answer.totals).map(([what, count]) => `${count} ${what}`);
  const lines = [
    `${answer.matched} orders match, ${answer.replayable} can be replayed: ${totals.join(', ') || 'nothing to do'}.`,
  ];
  for (const one of answer.refused) lines.push(`  ${clean(one.workOrderId)}: ${clean(one.message)} (${one.code})`);
  lines.push(
    answer.dryRun
      ? io.paint('grey', `Nothing was done. To do it: --expected ${answer.replayable} instead of --dry-run`)
      : `${answer.replayed.length} were replayed.`,
  );
  return lines;
}

export function showAudit({ entries }: AuditJson, io: Io): string[] {
  if (entries.length === 0) return ['Nobody did anything to this order.'];
  return table(
    entries,
    [
      { title: 'WHEN', value: (one) => instant(one.at, io.now()) },
      { title: 'WHO', value: (one) => one.actor },
      { title: 'WHAT', value: (one) => one.action },
      { title: 'WHY', value: (one) => one.reason, shrinks: true },
    ],
    io.paint,
    io.columns,
  );
}

export function showResubmission(one: ResubmissionJson, io: Io): string[] {
  const { paint } = io;
  const from = { edited: 'the edited copy', proposal: 'the mended text', original: 'the message as it came' }[one.from];
  const good = ['accepted', 'held', 'duplicate'].includes(one.verdict);
  const lines = [
    `${paint(good ? 'green' : 'yellow', one.verdict)}  ${from} of ${clean(one.parentId)}${one.workOrderId ? `, order ${clean(one.workOrderId)}` : ''}`,
  ];
  for (const { path, message, code } of [...one.problems, ...one.holds]) {
    lines.push(`  ${path === '' ? '' : `${clean(path)}: `}${clean(message)} (${clean(code)})`);
  }
  lines.push(one.dryRun ? paint('grey', 'Nothing was done: a dry run.') : `Kept as message ${one.messageId ?? ''}.`);
  return lines;
}
