/**
 * A share of the fuzzing through the whole program over HTTP, good orders between the bad ones. `npm run test:fuzz` posts
 * `HTTP_RUNS=` of them (4,000) and measures whether the bad ones slow the good ones; here it is a short run of the same.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isCode } from '../../src/codes.js';
import { type CorpusWorld, goodOrder, startCorpusWorld } from '../corpus/world.js';
import { reportProof } from '../support/proof-result.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { until } from '../store/support.js';
import { keepRegression, tellsSecret } from './judge.js';
import { type FuzzedMessage, fuzzedMessage, fuzzSeeds } from './mutate.js';

const runs = Number(process.env['HTTP_RUNS'] ?? 400);
const isProof = (process.env['PROOF_RESULT'] ?? '') !== '';
/** Posts that are under way at once. */
const senders = 4;
const goodEvery = 10;
/** Blocks of good orders alone and with one bad message in ten, by turns, so that both meet the same machine. */
const blocks = 6;
const goodPerBlock = isProof ? 200 : 20;
const slowdownBar = 2;

describe('over HTTP, whatever is made of real messages', () => {
  const seed = scenarioSeed('test:fuzz over HTTP');
  const random = seededRandom(seed);
  const seeds = fuzzSeeds();
  let world: CorpusWorld;
  let goodCount = 0;
  beforeAll(async () => {
    world = await startCorpusWorld();
  }, 120_000);
  afterAll(() => world.stop());

  async function post({
    bytes,
    contentType,
  }: FuzzedMessage): Promise<{ status: number; text: string; code: string | null }> {
    const headers = {
      authorization: `Bearer ${world.token}`,
      ...(contentType === null ? {} : { 'content-type': contentType }),
    };
    const answer = await fetch(`${world.url}/v1/work-orders`, { method: 'POST', headers, body: bytes });
    const text = await answer.text();
    return { status: answer.status, text, code: (JSON.parse(text) as { code: string | null }).code };
  }

  async function postGood(): Promise<number> {
    const bytes = Buffer.from(goodOrder(`WO-good-${goodCount++}`));
    const from = performance.now();
    const { status } = await post({ bytes, contentType: 'application/json' });
    if (status !== 202) throw new Error(`a good order was answered ${status}`);
    return performance.now() - from;
  }

  /** What is wrong with the answers to a message sent twice; null when nothing is. */
  async function wrongOverHttp(message: FuzzedMessage): Promise<string | null> {
    const first = await post(message);
    const second = await post(message);
    if (first.status >= 500 || second.status >= 500) return `was answered ${first.status}, then ${second.status}`;
    if (first.code !== null && !isCode(first.code)) return `was answered with ${first.code}`;
    const isTaken = first.status < 300;
    const same = isTaken ? second.status === 200 : second.status === first.status && second.code === first.code;
    if (!same) return `was answered ${first.status} ${first.code}, then ${second.status} ${second.code}`;
    const told = tellsSecret(message.bytes, first.text + second.text);
    return told === null ? null : `had ${told} repeated`;
  }

  it('gets the same answer twice, never a 5xx, and good orders between are completed', async () => {
    const violations: string[] = [];
    const messages = Array.from({ length: runs }, () => fuzzedMessage(random, seeds));
    const left = messages.entries();
    const sent: FuzzedMessage[] = [];
    const send = async (): Promise<void> => {
      for (const [i, message] of left) {
        const wrong = await wrongOverHttp(message).catch(
          (error: unknown) => `got no answer: ${(error as Error).message}`,
        );
        if (wrong !== null) violations.push(`${keepRegression(message)}: ${wrong} (SEED=${seed}, message ${i})`);
        sent.push(message);
        if (i % goodEvery === 0) await postGood();
      }
    };
    await Promise.all(Array.from({ length: senders }, send));
    await until('every good order is completed', allGoodCompleted, 120_000);
    const log = world.log();
    if (sent.some(({ bytes }) => tellsSecret(bytes, log) !== null)) violations.push('the log holds a password');
    if (/"level":(?:50|60)/.test(log))
      violations.push(`the log holds an error: ${/.*"level":(?:50|60).*/.exec(log)?.[0]}`);
    if (world.fatal.length > 0) violations.push(...world.fatal);
    reportProof({ runs, violations, figures: { messagesPosted: runs * 2 } });
    expect(violations).toEqual([]);
  }, 1_800_000);

  async function allGoodCompleted(): Promise<boolean> {
    const { rows } = await world.pool.query<{ count: string }>(
      `select count(*) from work_order where work_order_id like 'WO-good-%' and status = 'completed'`,
    );
    return Number(rows[0]?.count) === goodCount;
  }

  it('does not slow good orders: one in ten bad, their p99 stays within twice', async () => {
    const alone: number[] = [];
    const beside: number[] = [];
    for (let block = 0; block < blocks; block++) {
      const isBeside = block % 2 === 1;
      const times = isBeside ? beside : alone;
      let left = goodPerBlock;
      const send = async (): Promise<void> => {
        while (left-- > 0) {
          times.push(await postGood());
          if (isBeside && left % 9 === 0) await post(fuzzedMessage(random, seeds));
        }
      };
      await Promise.all(Array.from({ length: senders }, send));
      await until('every good order is completed', allGoodCompleted, 120_000);
    }
    const figures = { goodAloneP99Ms: percentile(alone, 0.99), goodBesideBadP99Ms: percentile(beside, 0.99) };
    const slowdown = Math.round((figures.goodBesideBadP99Ms / figures.goodAloneP99Ms) * 100) / 100;
    // The figure is the subject of the proof; in a run of all tests it is the neighbours'.
    const violations =
      isProof && slowdown > slowdownBar ? [`bad messages slow the good ones' p99 ${slowdown} times`] : [];
    reportProof({ runs: alone.length + beside.length, violations, figures: { ...figures, slowdown } });
    expect(violations).toEqual([]);
    expect(beside).toHaveLength(alone.length);
  }, 1_800_000);
});

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 10) / 10;
}
