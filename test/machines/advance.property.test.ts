import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { type Lever, leverProblem } from '../../src/machines/levers.js';
import { finalStatuses } from '../../src/machines/order-state.js';
import { alive, Life, madeBy, partOf, reason } from './life.js';

const seed = Number(process.env['ORDERWRIGHT_TEST_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['ORDERWRIGHT_TEST_RUNS'] ?? 60);

/** Chance for one life: as long as it may be, for fast-check's own lists are mostly short, and then everything goes well. */
const script = (maxLength: number) => fc.array(fc.nat(5_000), { maxLength, size: 'max' });

describe('an order on a cloud that loses answers, works late, lies, breaks and hides things', () => {
  it('is never built twice, always comes to an end or to a person, and charges exactly what is there', () => {
    console.info(`fast-check seed ${seed}, ${runs} runs`);
    fc.assert(
      fc.property(script(140), (draws) => {
        const life = new Life([...draws]);
        life.live();
        const { state } = life.story;
        expect([...finalStatuses, 'held', 'compensating']).toContain(state.status);
        if (state.status === 'compensating') expect(state.machine.value).toBe('undoStuck');
        for (const [index, item] of state.items.entries()) {
          const key = partOf(state, index);
          const operations = madeBy[key] ?? [];
          const there = operations.map((name) => alive(life, key, name));
          if (item.status === 'completed') expect({ key, there }).toEqual({ key, there: operations.map(() => 1) });
          // What is not delivered leaves nothing behind; only a person's case may.
          if (['failed', 'cancelled', 'compensated'].includes(item.status) && finalStatuses.includes(state.status))
            expect({ key, there: there[0] }).toEqual({ key, there: 0 });
          if (finalStatuses.includes(state.status)) expect(item.status).not.toBe('held');
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('leaves nothing behind when it is cancelled at any moment, or says what it left', () => {
    fc.assert(
      fc.property(script(140), fc.nat(60), (draws, moment) => {
        const life = new Life([...draws]);
        life.live(moment);
        const cancel: Lever = { act: 'cancel', reason };
        if (leverProblem(life.story.state, cancel) !== null) return;
        life.pull(cancel);
        life.live();
        // What the cloud refused to remove is tried again, as often as it takes: it refuses less and less.
        const replay: Lever = { act: 'replay', reason };
        for (let tries = 0; tries < 200 && leverProblem(life.story.state, replay) === null; tries += 1) {
          life.pull(replay);
          life.live();
        }
        const { state } = life.story;
        expect(state.status).toBe('cancelled');
        for (const [key, names] of Object.entries(madeBy)) {
          expect({ key, there: names.map((name) => alive(life, key, name)) }).toEqual({
            key,
            there: names.map(() => 0),
          });
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('keeps all of it true while operators replay, hold, resume, skip and cancel as they like', () => {
    fc.assert(
      fc.property(script(240), (draws) => {
        const life = new Life([...draws], true);
        life.live();
        const release: Lever = { act: 'resume', reason };
        if (leverProblem(life.story.state, release) === null) life.pull(release);
        life.live();
        const { state } = life.story;
        expect([...finalStatuses, 'held', 'compensating']).toContain(state.status);
        for (const [index, item] of state.items.entries()) {
          const there = (madeBy[partOf(state, index)] ?? []).map((name) => alive(life, partOf(state, index), name));
          if (item.status === 'completed') expect({ item, there }).toEqual({ item, there: there.map(() => 1) });
          if (['failed', 'cancelled', 'compensated'].includes(item.status) && finalStatuses.includes(state.status)) {
            expect({ item, there: there[0] ?? 0 }).toEqual({ item, there: 0 });
          }
        }
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('comes through whole when the cloud only loses answers', () => {
    // Every request is carried out and its answer lost (choice 5 of 11), every look-up tells the truth.
    const life = new Life([]);
    const lost = life.cloud.answer.bind(life.cloud);
    let losses = 0;
    life.cloud.answer = (type, operation) => {
      const answer = lost(type, operation);
      if (type !== 'send') return answer;
      losses += 1;
      return { type: 'OUTCOME_UNKNOWN', code: 'CLD_RESPONSE_UNKNOWN', message: 'The answer was lost.' };
    };
    life.live();
    expect(life.story.state.status).toBe('completed');
    expect(losses).toBe(7);
    for (const [key, names] of Object.entries(madeBy)) {
      for (const name of names) expect(life.cloud.truth(key, name).everMade).toBe(1);
    }
  });
});
