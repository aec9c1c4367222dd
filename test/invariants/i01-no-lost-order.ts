import { groupBy } from '../../src/group-by.js';
import type { SentMessage } from './evidence.js';
import type { Checker } from './facts.js';
import { sha256 } from './rows.js';

/**
 * I1 no lost order: what the intake answered, or committed the offset behind, is committed with its sealed bytes and its
 * verdict. Offsets are committed as `offset + 1`, never beyond the end.
 */
export const noLostOrder: Checker = {
  invariant: 'I1',
  check({ evidence, rows, orderById }, { figures }) {
    const { sent, intake } = evidence;
    const wrong: string[] = [];
    const lose = (text: string): void => {
      wrong.push(text);
      figures.lost += 1;
    };
    const places = groupBy(
      rows.messages.filter(({ channel }) => channel === 'kafka'),
      ({ origin, sha256: hash }) => `${origin} ${hash}`,
    );
    const kept = groupBy(rows.messages, ({ sha256: hash }) => hash);
    const promised = groupBy(
      (sent ?? []).filter((message) => isPromised(message, intake ?? null)),
      ({ bytes }) => sha256(bytes),
    );
    for (const [hash, messages] of promised) {
      for (const { place, workOrderId } of messages) {
        if (!place) continue;
        const origin = `${place.topic}/${place.partition}@${place.offset}`;
        if (!places.has(`${origin} ${hash}`))
          lose(`the offset behind ${origin} (${workOrderId}) is committed, its row is not`);
      }
      // The same bytes may be promised several times: each promise has a row of its own.
      const missing = messages.length - (kept.get(hash)?.length ?? 0);
      const isPlaced = messages.every(({ place }) => place);
      if (missing > 0 && !isPlaced) {
        lose(
          `${messages[0]?.workOrderId} (${hash.slice(0, 12)}) was answered ${messages.length} times, ${missing} of them are not kept`,
        );
      }
    }
    for (const { partition, committed, end } of intake?.partitions ?? []) {
      if ((committed ?? 0) > end)
        wrong.push(`partition ${partition}: ${committed} is committed, and it ends at ${end}`);
    }
    for (const { messageId, verdict, orderId, workOrderId, sealed } of rows.messages) {
      const order = orderById.get(orderId ?? '');
      // The janitor empties the messages of an order a week after its end.
      if (!sealed && verdict !== 'skipped' && !order?.finished) lose(`message ${messageId} is kept without its bytes`);
      if (verdict !== 'accepted' && verdict !== 'held') continue;
      if (!order) lose(`message ${messageId} (${workOrderId}) is ${verdict}, and there is no such order`);
    }
    return wrong;
  },
};

/** An answer that says "kept" (a refusal is kept too), or an offset that is committed behind the record. */
function isPromised(
  { answer, place, channel }: SentMessage,
  intake: { partitions: { partition: number; committed: number | null; end: number }[] } | null,
): boolean {
  if (channel !== 'kafka') return typeof answer === 'number' && answer >= 200 && answer < 300;
  if (place) {
    const partition = intake?.partitions.find((one) => one.partition === place.partition);
    return (partition?.committed ?? 0) > Number(place.offset);
  }
  // Where each record stands is not known: once everything is committed, every record that the broker took counts.
  return (
    answer === 'acknowledged' &&
    intake !== null &&
    intake.partitions.every(({ committed, end }) => (committed ?? 0) >= end)
  );
}
