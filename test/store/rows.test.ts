import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { column, given } from '../../src/store/rows.js';
import { openStore } from './support.js';

/** Texts that PostgreSQL refuses as they are, and what is stored instead; then texts that only look like them. */
const texts: [text: string, stored: string][] = [
  ['a\0b', 'a\ufffdb'],
  ['a\ud83d', 'a\ufffd'],
  ['\udc00a', '\ufffda'],
  ['\udc00\ud83d', '\ufffd\ufffd'],
  ['\ud83d\\udc00', '\ufffd\\udc00'],
  ['😀', '😀'],
  ['\\u0000', '\\u0000'],
  ['\\\\ud83d', '\\\\ud83d'],
  ['\u001b\u2028"\\', '\u001b\u2028"\\'],
];

describe('rows on their way into a statement', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeAll(async () => {
    store = await openStore(2);
  });
  afterAll(() => store.close());

  it('can always be stored, whatever text is in them, beside the rows of others', async () => {
    const values: unknown[] = [];
    const rows = given(
      [
        column('document', 'jsonb', texts, ([text]) => JSON.stringify({ text, [text]: 1 })),
        column('plain', 'text', texts, ([text]) => text),
      ],
      values,
    );
    const { rows: stored } = await store.pool.query<{ document: Record<string, unknown>; plain: string }>(
      `select * from ${rows}`,
      values,
    );
    expect(stored.map(({ document }) => document)).toEqual(texts.map(([, text]) => ({ text, [text]: 1 })));
    expect(stored.map(({ plain }) => plain)).toEqual(texts.map(([, text]) => text));
  });
});
