import { isDeepStrictEqual } from 'node:util';
import type { EventReader } from './evidence.js';
import { type Checker, type Facts, itemsOf } from './facts.js';
import { shortType } from './i09-stable-events.js';
import type { EventRow } from './rows.js';

/**
 * I11 outbox: what happened and what is told of it are one: everything stored was published in the end (unless the run
 * still goes on), nothing was published that is not stored, and what is stored twice over (a delivered item, a callback,
 * a message set aside) was told.
 */
export const outbox: Checker = {
  invariant: 'I11',
  check(facts, { options }) {
    const { rows, evidence } = facts;
    const complete = options.stillRunning !== true;
    if (!evidence.events && !evidence.rejected && !evidence.callbacks && !evidence.readers) return null;
    return [
      ...(evidence.events ? eventsWrong(facts, complete) : []),
      ...(evidence.readers ?? []).flatMap((reader) => readerWrong(facts, reader, complete)),
      ...(evidence.rejected ? rejectionsWrong(facts, complete) : []),
      ...(evidence.callbacks ? callbacksWrong(facts, complete) : []),
      ...rows.events
        .filter((event) => event.itemIndex !== null && !itemsOf(facts, event.orderId)[event.itemIndex])
        .map(
          ({ orderId, sequence }) => `${nameOf(facts, orderId)}: event ${sequence} is about an item that is not there`,
        ),
    ];
  },
};

const nameOf = ({ orderById }: Facts, orderId: string): string => orderById.get(orderId)?.workOrderId ?? orderId;

const key = (workOrderId: string, { sequence, type }: Pick<EventRow, 'sequence' | 'type'>): string =>
  `${workOrderId} ${sequence} ${shortType(type)}`;

/** Any reader of the events: all that is stored and for its eyes, and nothing else. */
function readerWrong(facts: Facts, { name, events, accountId }: EventReader, complete: boolean): string[] {
  const own = facts.rows.events.filter(
    ({ orderId }) => accountId === undefined || facts.orderById.get(orderId)?.accountId === accountId,
  );
  const stored = new Set(own.map((event) => key(nameOf(facts, event.orderId), event)));
  const told = new Set(events.map((event) => key(event.subject, event)));
  const missed = complete ? [...stored].filter((one) => !told.has(one)) : [];
  return [
    ...[...told].filter((one) => !stored.has(one)).map((one) => `${name} saw ${one}, which is not stored`),
    ...missed.map((one) => `${one} is stored and was not told to ${name}`),
  ];
}

function eventsWrong(facts: Facts, complete: boolean): string[] {
  const wrong: string[] = [];
  const stored = new Map(facts.rows.events.map((event) => [key(nameOf(facts, event.orderId), event), event]));
  const told = new Set<string>();
  for (const [subject, events] of facts.told ?? []) {
    for (const event of events) {
      const found = key(subject, event);
      told.add(found);
      const row = stored.get(found);
      if (!row) wrong.push(`${found} was published and is not stored`);
      // What is told of an item has its names beside what is stored.
      else if (Object.entries(row.data).some(([name, value]) => !isDeepStrictEqual(event.data[name], value)))
        wrong.push(`${found} was told with other words than are stored`);
    }
  }
  if (!complete) return wrong;
  return [
    ...wrong,
    ...[...stored.keys()].filter((one) => !told.has(one)).map((one) => `${one} is stored and was not published`),
  ];
}

function rejectionsWrong({ rows, evidence }: Facts, complete: boolean): string[] {
  const stored = rows.messages.filter(({ verdict }) => ['conflict', 'set-aside', 'refused'].includes(verdict));
  const codes = new Map(stored.map(({ messageId, code }) => [messageId, code]));
  const told = new Set(evidence.rejected?.map(({ messageId }) => messageId));
  const wrong = (evidence.rejected ?? [])
    .filter(({ messageId, code }) => codes.get(messageId) !== code)
    .map(
      ({ messageId, code }) =>
        `rejection ${messageId} is told as ${code}, and kept as ${codes.get(messageId) ?? 'nothing'}`,
    );
  if (!complete) return wrong;
  const untold = stored.filter(({ messageId }) => !told.has(messageId));
  return [
    ...wrong,
    ...untold.map(({ messageId, code }) => `message ${messageId} (${code}) is set aside and nobody was told`),
  ];
}

function callbacksWrong({ rows, evidence, orderById }: Facts, complete: boolean): string[] {
  const wrong: string[] = [];
  const owed = new Map(
    rows.callbacks.map(({ orderId, state }) => [orderById.get(orderId)?.workOrderId, { orderId, state }]),
  );
  const accepted = new Set<string>();
  for (const { workOrderId, answer, id } of evidence.callbacks ?? []) {
    if (!owed.has(workOrderId)) wrong.push(`callback ${id} of ${workOrderId} was sent, and none is stored`);
    if (answer !== null && answer >= 200 && answer < 300) accepted.add(workOrderId);
  }
  for (const [workOrderId, { orderId, state }] of owed) {
    if (!orderById.get(orderId)?.finished) wrong.push(`${workOrderId} is to be called back, and is not at its end`);
    if (complete && state === 'due') wrong.push(`the callback of ${workOrderId} is still due at the end`);
    if (state === 'accepted' && !accepted.has(workOrderId ?? '')) {
      wrong.push(`the callback of ${workOrderId} is accepted, and no receiver did so`);
    }
  }
  return wrong;
}
