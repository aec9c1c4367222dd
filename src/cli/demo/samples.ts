import { readFileSync } from 'node:fs';

export type Verdict = 'accepted' | 'duplicate' | 'held' | 'set-aside' | 'conflict' | 'refused' | 'skipped';

/** A real message, and what must become of it. */
export interface Sample {
  file: string;
  contentType: string;
  expected: Verdict;
  bytes: Buffer;
}

const json = 'application/json';

const files: readonly [string, string, Verdict][] = [
  ['order-23.json', json, 'accepted'],
  ['order-60.json', json, 'accepted'],
  ['order-86.json', json, 'accepted'],
  ['order-84-hand-edited.json', json, 'held'],
  ['order-23.msg-wrapped.json', json, 'duplicate'],
  ['order-86.form.txt', 'application/x-www-form-urlencoded', 'duplicate'],
  ['order-86.python-repr.txt', json, 'duplicate'],
  ['order-23-broken-quotes.txt', json, 'set-aside'],
  ['order-60-unescaped.txt', json, 'set-aside'],
];

/** The messages of the demo in the order they are sent. @param folder `examples/work-orders/` */
export function readSamples(folder: URL): Sample[] {
  return files.map(([file, contentType, expected]) => ({
    file,
    contentType,
    expected,
    bytes: readFileSync(new URL(file, folder)),
  }));
}

/** Billing's number of each order, and the workOrderId that stands in its undamaged message. */
export const orderNumbers = [23, 60, 86, 84] as const;
export type OrderNumber = (typeof orderNumbers)[number];

export function workOrderIds(samples: Sample[]): Map<OrderNumber, string> {
  return new Map(
    orderNumbers.map((number) => {
      const sample = samples.find(
        ({ file }) => file === `order-${number}.json` || file === `order-${number}-hand-edited.json`,
      );
      const { workOrderId } = JSON.parse(sample?.bytes.toString() ?? '{}') as { workOrderId: string };
      return [number, workOrderId];
    }),
  );
}
