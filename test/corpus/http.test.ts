/** The corpus through the HTTP intake of the whole program: a real server, real sockets, a real database, a simulated cloud. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { envelopePath } from '../../src/http/envelope.js';
import { until } from '../store/support.js';
import { differences, keptMessages, type Note, seenInRow } from './answers.js';
import { type CorpusCase, corpusFile, expectedCode, readCorpus } from './corpus.js';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http.js';
import { type CorpusWorld, goodOrder, startCorpusWorld } from './world.js';

interface Answer {
  status: number;
  text: string;
  document: {
    messageId?: string;
    verdict?: string;
    code?: string | null;
    errors?: Note[];
    holds?: Note[];
    warnings?: Note[];
    errcode?: number;
    results?: { code?: string | null };
  };
}

const corpus = readCorpus();
const messages = corpus.filter(({ kind }) => kind === 'message');
const requests = corpus.filter(({ kind }) => kind === 'http');
const nameOf = ({ code, file }: CorpusCase): string => `${code}/${file}`;
const idOf = (bytes: Buffer): string =>
  /"workOrderId":"([^"]+)"/.exec(bytes.toString().replaceAll('\\', ''))?.[1] ?? 'none';
/** A good order behind so many bad messages. */
const goodEvery = 10;

describe('over HTTP, the corpus of bad input', () => {
  let world: CorpusWorld;
  const answers = new Map<string, { answer: Answer; legacy: Answer | null }>();
  const good: string[] = [];
  const slow = new Map<string, Promise<RawAnswer>>();

  beforeAll(async () => {
    world = await startCorpusWorld();
    for (const one of requests.filter(({ expect: { slow: waits } }) => waits)) {
      const request = JSON.parse(one.bytes.toString()) as RawRequest;
      slow.set(nameOf(one), sendRaw(world.url, request, world.token, 60_000));
    }
    // Those that wait for an order's end come last, beside each other.
    const [late, others] = [
      messages.filter(({ expect: { once } }) => once),
      messages.filter((one) => !one.expect.once),
    ];
    for (const [i, one] of others.entries()) {
      answers.set(nameOf(one), await sendCase(one));
      if (i % goodEvery === 0) {
        const id = `WO-good-${i}`;
        good.push(id);
        await post('/v1/work-orders', Buffer.from(goodOrder(id)), 'application/json');
      }
    }
    await Promise.all(late.map(async (one) => answers.set(nameOf(one), await sendCase(one))));
  }, 120_000);
  afterAll(() => world.stop());

  async function post(path: string, bytes: Buffer, contentType: string): Promise<Answer> {
    const answer = await fetch(`${world.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType, authorization: `Bearer ${world.token}` },
      body: bytes,
    });
    const text = await answer.text();
    return { status: answer.status, text, document: JSON.parse(text) as Answer['document'] };
  }

  async function sendCase(one: CorpusCase): Promise<{ answer: Answer; legacy: Answer | null }> {
    const { before, once, copies, status = 0 } = one.expect;
    if (before !== undefined) {
      const first = corpusFile(one.code, before);
      const sent = await post('/v1/work-orders', first, 'application/json');
      if (sent.status !== 202) throw new Error(`${nameOf(one)}: the first was answered ${sent.status} ${sent.text}`);
      if (once !== undefined) await reaches(idOf(first), once);
    }
    const all = await Promise.all(
      Array.from({ length: copies ?? 1 }, () => post('/v1/work-orders', one.bytes, one.contentType)),
    );
    const different = new Set(all.map((answer) => answer.status));
    if (different.size > 1) throw new Error(`${nameOf(one)}: copies were answered ${[...different].join(', ')}`);
    const [answer] = all;
    if (!answer) throw new Error('nothing was sent');
    const legacy = status >= 400 ? await post(envelopePath, one.bytes, one.contentType) : null;
    return { answer, legacy };
  }

  async function reaches(workOrderId: string, status: string): Promise<void> {
    await until(`${workOrderId} is ${status}`, async () => {
      const { rows } = await world.pool.query<{ status: string }>(
        'select status from work_order where work_order_id = $1',
        [workOrderId],
      );
      return rows[0]?.status === status;
    });
  }

  function answerTo(one: CorpusCase): { answer: Answer; legacy: Answer | null } {
    const answer = answers.get(nameOf(one));
    if (!answer) throw new Error('it was not sent');
    return answer;
  }

  it.each(messages.map((one) => [nameOf(one), one] as const))(
    '%s gets its code, its status and its place',
    (_n, one) => {
      const { answer, legacy } = answerTo(one);
      const { status, document } = answer;
      const problems = document.errors ?? [];
      const seen = {
        // A problem document does not say whether a person can mend it; its row does.
        verdict: status < 400 ? (document.verdict ?? '') : (one.expect.verdict ?? ''),
        code: document.code ?? null,
        problems,
        holds: document.holds ?? [],
        warnings: document.warnings ?? [],
        status,
      };
      if (one.expect.verdict === 'held-by-planning') expect([status, document.verdict]).toEqual([202, 'accepted']);
      else expect(differences(one, seen)).toEqual([]);
      expect(problems.length).toBeLessThanOrEqual(20);
      expect(legacy === null ? status : legacy.document.errcode).toBe(status);
      expect(legacy === null ? seen.code : legacy.document.results?.code).toBe(seen.code);
      for (const secret of one.expect.secrets ?? []) expect(answer.text + (legacy?.text ?? '')).not.toContain(secret);
    },
  );

  it('is kept whole, byte for byte, whatever became of it', async () => {
    const rows = new Map((await keptMessages(world.pool)).map((row) => [row.message_id, row]));
    const wrong = messages.flatMap((one) => {
      const { answer } = answerTo(one);
      if (one.expect.storedOverHttp === false) return [];
      const row = rows.get(answer.document.messageId ?? '');
      if (!row) return [`${nameOf(one)} is not there`];
      const same = world.opened(row.sealed_body).equals(one.bytes);
      const verdict = one.expect.verdict === 'held-by-planning' ? 'accepted' : one.expect.verdict;
      return same && row.verdict === verdict ? [] : [`${nameOf(one)}: ${row.verdict}${same ? '' : ', other bytes'}`];
    });
    expect(wrong).toEqual([]);
  });

  it('is held by planning where only the cloud can tell', async () => {
    const planned = messages.filter(({ expect: { verdict } }) => verdict === 'held-by-planning');
    for (const one of planned) await reaches(idOf(one.bytes), 'held');
    const rows = new Map((await keptMessages(world.pool)).map((row) => [row.message_id, row]));
    const wrong = planned.flatMap((one) => {
      const row = rows.get(answerTo(one).answer.document.messageId ?? '');
      return row
        ? differences(one, seenInRow(row)).map((what) => `${nameOf(one)}: ${what}`)
        : [`${nameOf(one)}: no row`];
    });
    expect(wrong).toEqual([]);
  });

  it('makes one order of a hundred copies', async () => {
    const { rows } = await world.pool.query<{ count: string }>(
      `select count(*) from work_order where work_order_id = 'WO-ord_duplicate.a-hundred-copies'`,
    );
    expect(rows).toEqual([{ count: '1' }]);
  });

  it('lets good orders between bad ones be completed, and what is accepted with a warning too', async () => {
    const accepted = messages
      .filter(({ expect: { verdict } }) => verdict === 'accepted')
      .map(({ bytes }) => idOf(bytes));
    await until(
      'nothing is open',
      async () => {
        const { rows } = await world.pool.query<{ work_order_id: string }>(
          `select work_order_id from work_order where kind = 'billing' and status not in ('completed', 'held')`,
        );
        return rows.length === 0;
      },
      60_000,
    );
    const { rows } = await world.pool.query<{ work_order_id: string }>(
      `select work_order_id from work_order where status = 'completed'`,
    );
    const completed = new Set(rows.map((row) => row.work_order_id));
    expect(good.filter((id) => !completed.has(id))).toEqual([]);
    expect(good.length).toBeGreaterThan(20);
    expect(accepted.filter((id) => id !== 'none' && !completed.has(id))).toEqual([]);
  }, 90_000);

  it.each(requests.map((one) => [nameOf(one), one] as const))('%s gets its code and its status', async (name, one) => {
    const request = JSON.parse(one.bytes.toString()) as RawRequest;
    const { status, code } = await (slow.get(name) ?? sendRaw(world.url, request, world.token));
    expect({ status, code }).toEqual({ status: one.expect.status, code: expectedCode(one) });
  });

  it('answers no 5xx, says no secret in its log, and does not want to end', () => {
    expect(world.log()).not.toMatch(/"level":(?:50|60)/);
    const secrets = new Set([...messages.flatMap(({ expect: { secrets: some } }) => some ?? []), 'Corpus-Pass-1']);
    expect([...secrets].filter((secret) => world.log().includes(secret))).toEqual([]);
    expect(world.fatal).toEqual([]);
  });
});
