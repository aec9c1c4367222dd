import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { modeOf, partOutcome } from '../../src/machines/follow-up.js';
import { forecast, type Lever, leverProblem } from '../../src/machines/levers.js';
import { finalStatuses } from '../../src/machines/order-state.js';
import { PlainLife } from './plain-cloud.js';

const seed = Number(process.env['ORDERWRIGHT_TEST_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['ORDERWRIGHT_TEST_RUNS'] ?? 300);
const reason = 'because';

const leversOf = (life: PlainLife): Lever[] => [
  ...(['replay', 'cancel', 'hold', 'resume'] as const).map((act) => ({ act, reason })),
  ...life.state.items.flatMap((_, itemIndex): Lever[] => [
    { act: 'skip', itemIndex, reason },
    { act: 'mark-done', itemIndex, resourceId: `named ${itemIndex}`, reason },
  ]),
];
const allowedIn = (life: PlainLife) => leversOf(life).filter((lever) => leverProblem(life.state, lever) === null);

/** A life up to some moment, with levers and quarantines on the way. */
function livedUntil(draws: number[], stops: number[]): PlainLife {
  const life = new PlainLife([...draws]);
  for (const stop of stops) {
    life.live(stop % 12);
    if (stop % 5 === 1) life.quarantine();
    const levers = allowedIn(life);
    const lever = levers[stop % levers.length];
    if (stop % 3 === 1 && lever) life.pull(lever);
  }
  return life;
}

const draws = fc.array(fc.nat(5_000), { maxLength: 80, size: 'max' });
const stops = fc.array(fc.nat(5_000), { minLength: 1, maxLength: 5 });

describe('what a lever says', () => {
  /** Lives of one seed, with what every lever said held against how they ended. @returns how often each lever was tried, by state */
  const tried = (seed: number) => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(draws, stops, fc.nat(5_000), (chance, moments, choice) => {
        const life = livedUntil(chance, moments);
        life.hears();
        const levers = allowedIn(life);
        // One act as often as another, however many items there are to skip.
        const acts = [...new Set(levers.map(({ act }) => act))];
        const ofAct = levers.filter(({ act }) => act === acts[choice % acts.length]);
        const lever = ofAct[Math.floor(choice / 10) % Math.max(1, ofAct.length)];
        if (!lever) return;
        const before = life.state;
        const said = forecast(before, lever);
        expect(said.allowed).toBeNull();
        const made = new Map(life.made);
        life.behaves = true;
        life.pull(lever);
        expect(life.state.status).toBe(said.outcome.status);
        const pulled = life.state;
        life.live();
        const from = before.machine.value;
        seen.set(`${lever.act} ${from}`, (seen.get(`${lever.act} ${from}`) ?? 0) + 1);
        expect({ lever, from, ends: life.state.status }).toEqual({ lever, from, ends: said.outcome.ends });
        for (const { partKey, itemIndex, what, note } of said.lines) {
          const part = life.state.parts.find((one) => one.key === partKey);
          if (!part || itemIndex === null || before.parts.length === 0) continue;
          const first = life.state.operations.find((one) => one.partKey === partKey)?.name ?? 'vm.create';
          const there = life.alive.get(`${partKey} ${first}`) ?? 0;
          const again = (life.made.get(`${partKey} ${first}`) ?? 0) - (made.get(`${partKey} ${first}`) ?? 0);
          const outcome = partOutcome(life.state, part);
          const context = { lever, from, partKey, what, note, outcome };
          switch (what) {
            case 'reused':
              expect({ ...context, there, again }).toEqual({ ...context, outcome: 'completed', there: 1, again: 0 });
              break;
            case 'undone':
              expect({ ...context, there }).toEqual({ ...context, there: 0 });
              break;
            case 'given-up': {
              expect({ ...context, there }).toEqual({ ...context, there: 0 });
              // Where the rest may begin before the failure that gives it up is certain, it may be made, and is taken down.
              const now = pulled.parts.find((one) => one.key === partKey);
              if (modeOf(pulled) !== 'building' || !now || partOutcome(pulled, now) !== 'open')
                expect({ ...context, again }).toEqual({ ...context, again: 0 });
              break;
            }
            case 'stays':
              expect({ ...context, again }).toEqual({ ...context, again: 0 });
              break;
            case 'held':
              expect({ ...context, isOpen: outcome === 'open' }).toEqual({ ...context, isOpen: true });
              break;
            case 'asked-first':
            case 'repeated':
            case 'awaited':
            case 'made':
              if (finalStatuses.includes(life.state.status)) {
                expect({ ...context, there }).toEqual({ ...context, outcome: 'completed', there: 1 });
              }
          }
        }
      }),
      { seed, numRuns: runs },
    );
    return seen;
  };

  it('is how the order ends when nothing else goes wrong, in every state, for every lever and every part', () => {
    console.info(`fast-check seed ${seed}, ${runs} runs`);
    tried(seed);
  });

  it('is held against the end for each lever from more than one state, in lives that are always the same', () => {
    const seen = tried(1);
    for (const act of ['replay', 'cancel', 'hold', 'resume', 'skip', 'mark-done']) {
      const states = [...seen.keys()].filter((one) => one.startsWith(`${act} `));
      expect({ act, tried: states.length > 1 }).toEqual({ act, tried: true });
    }
  });

  it('never makes anything for an order that is undone or over, whatever lever was pulled at whatever moment', () => {
    fc.assert(
      fc.property(draws, stops, stops, (chance, moments, after) => {
        const life = livedUntil(chance, moments);
        const cancel: Lever = { act: 'cancel', reason };
        if (leverProblem(life.state, cancel) !== null) return;
        life.pull(cancel);
        // What had left before is answered; nothing of it counts.
        const open = new Set(
          life.state.operations
            .filter(({ machine }) => machine.value === 'requesting')
            .map((one) => `${one.partKey} ${one.name}`),
        );
        life.sent.length = 0;
        for (const moment of after) {
          life.live(moment % 12);
          if (moment % 5 === 1) life.quarantine();
          const levers = allowedIn(life).filter(({ act }) => act !== 'resume');
          const lever = levers[moment % levers.length];
          if (lever) life.pull(lever);
        }
        life.live();
        expect(life.sent.filter((key) => !open.has(key))).toEqual([]);
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });

  it('sends nothing that was not on its way for an order that is on hold or has failed', () => {
    fc.assert(
      fc.property(draws, stops, (chance, moments) => {
        const life = livedUntil(chance, moments);
        if (!['paused', 'failing'].includes(life.state.machine.value)) {
          const hold: Lever = { act: 'hold', reason };
          if (leverProblem(life.state, hold) !== null) return;
          life.pull(hold);
        }
        const waits = life.state.machine.value;
        const out = new Set(
          life.state.operations
            .filter(({ machine }) => machine.value === 'requesting')
            .map((one) => `${one.partKey} ${one.name}`),
        );
        life.sent.length = 0;
        for (let moment = 0; moment < 200 && life.state.machine.value === waits; moment += 1) {
          life.live(1);
          if (life.state.machine.value !== waits) break;
          const news = life.effects.flatMap((effect) =>
            effect.type === 'send' ? [`${effect.operation.partKey} ${effect.operation.name}`] : [],
          );
          expect(news.filter((key) => !/\.(delete|detach|release|unbind)$/.test(key))).toEqual([]);
        }
        expect(life.sent.filter((key) => !out.has(key))).toEqual([]);
      }),
      { seed, numRuns: runs, verbose: 1 },
    );
  });
});
