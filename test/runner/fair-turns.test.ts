import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { FairTurns, type Turn, type TurnEnd, type Urgency } from '../../src/runner/fair-turns.js';

const turnOver = () => new Promise((resolve) => setImmediate(resolve));

/** A queue whose work ends when the test says so, and what has begun. */
function queue(atOnce = 1, weights: Record<string, number> = {}) {
  let limit = atOnce;
  const begun: string[] = [];
  const ends: ((end: TurnEnd) => void)[] = [];
  const weightOf = (tenant: string) => weights[tenant] ?? 1;
  const turns = new FairTurns({ atOnce: () => limit, weightOf, takes: () => true, now: () => 0 });
  const take = (tenant: string, changes: Partial<Turn> = {}, name = tenant) =>
    turns.take({
      tenant,
      platformId: 'p',
      orderId: name,
      urgency: 'begin',
      isRetry: false,
      run: () => {
        begun.push(name);
        return new Promise((resolve) => ends.push(resolve));
      },
      ...changes,
    });
  const end = async (how: TurnEnd = 'done') => {
    ends.shift()?.(how);
    await turnOver();
  };
  const drain = async () => {
    while (ends.length > 0) await end();
  };
  return { turns, take, begun, end, drain, allow: (next: number) => (limit = next) };
}

describe('turns at a cloud account', () => {
  it('are taken in the order they were asked for by one tenant, so many at a time', async () => {
    const { take, begun, end } = queue(2);
    for (const name of ['1', '2', '3', '4']) take('a', {}, name);
    expect(begun).toEqual(['1', '2']);
    await end();
    expect(begun).toEqual(['1', '2', '3']);
    await end();
    await end();
    expect(begun).toEqual(['1', '2', '3', '4']);
  });

  it('come round: a tenant with one piece of work waits for at most one turn of each of the others', async () => {
    const { take, begun, drain } = queue();
    for (let i = 0; i < 1_000; i++) take('flood');
    for (let i = 0; i < 100; i++) take('other');
    take('small');
    await drain();
    expect(begun.indexOf('small')).toBeLessThanOrEqual(3);
    expect(begun).toHaveLength(1_101);
  });

  it('are had by looks when nobody else wants one, one at a time, whoever they belong to', async () => {
    const { take, begun, end, drain } = queue(2);
    for (const name of ['look 1', 'look 2']) take('a', { urgency: 'look' }, name);
    take('b', {}, 'order 1');
    // Nobody else waits, and a place is free: but one look is under way.
    expect(begun).toEqual(['look 1', 'order 1']);
    for (const name of ['order 2', 'order 3']) take('b', {}, name);
    await end();
    await end();
    expect(begun).toEqual(['look 1', 'order 1', 'order 2', 'order 3']);
    await drain();
    expect(begun.at(-1)).toBe('look 2');
  });

  it('are taken along with the rest of a platform by its looks', () => {
    const { turns, take } = queue();
    take('a', {}, 'under way');
    take('a', { urgency: 'look' }, 'look');
    take('a', { urgency: 'look', platformId: 'q' }, 'of another');
    expect(turns.withdraw('p').map(({ orderId }) => orderId)).toEqual(['look']);
    expect(turns.withdraw('q').map(({ orderId }) => orderId)).toEqual(['of another']);
  });

  it('go by weight', async () => {
    const { take, begun, drain } = queue(1, { acme: 4 });
    for (let i = 0; i < 100; i++) {
      take('free');
      take('acme');
    }
    await drain();
    const acme = begun.slice(0, 100).filter((one) => one === 'acme').length;
    expect(acme).toBeGreaterThanOrEqual(79);
    expect(acme).toBeLessThanOrEqual(81);
  });

  it('are not saved up by a tenant who had nothing to do', async () => {
    const { take, begun, end, drain } = queue();
    for (let i = 0; i < 100; i++) take('busy');
    for (let i = 0; i < 50; i++) await end();
    for (let i = 0; i < 50; i++) take('late');
    await drain();
    const later = begun.slice(51, 71);
    expect(later.filter((one) => one === 'late').length).toBeGreaterThanOrEqual(9);
    expect(later.filter((one) => one === 'busy').length).toBeGreaterThanOrEqual(9);
  });

  it('of one tenant go first to what ends something, last to planning', async () => {
    const { take, begun, drain } = queue();
    take('a', {}, 'under way');
    for (const urgency of ['plan', 'begin', 'finish'] as Urgency[]) take('a', { urgency }, urgency);
    await drain();
    expect(begun).toEqual(['under way', 'finish', 'begin', 'plan']);
  });

  it('that could not be used are had again, before the others of the same tenant', async () => {
    const { turns, take, begun, end, allow } = queue();
    take('a', {}, '1');
    take('a', {}, '2');
    allow(0);
    await end('again');
    expect(begun).toEqual(['1']);
    expect(turns.waiting).toBe(2);
    allow(1);
    turns.next();
    await end();
    await end();
    expect(begun).toEqual(['1', '1', '2']);
  });

  it('can be looked up: the place, of how many, by the order they would come in', async () => {
    const { turns, take } = queue();
    take('a', {}, 'under way');
    for (let i = 1; i <= 100; i++) take('a', {}, `a${i}`);
    take('b', {}, 'b1');
    expect(turns.standingOf('a1')).toMatchObject({ position: 1, of: 101 });
    expect(turns.standingOf('b1')?.position).toBeLessThanOrEqual(2);
    expect(turns.standingOf('a100')).toMatchObject({ position: 101, of: 101 });
    expect(turns.standingOf('under way')).toBeNull();
  });

  it('of one platform can be taken back, in the order they would have come in', async () => {
    const { turns, take, begun, drain } = queue();
    take('a', {}, 'under way');
    take('a', { platformId: 'q' }, 'q1');
    take('a', {}, 'p1');
    take('b', { platformId: 'q' }, 'q2');
    expect(turns.withdraw('q').map(({ orderId }) => orderId)).toEqual(['q1', 'q2']);
    await drain();
    expect(begun).toEqual(['under way', 'p1']);
  });

  it('that have not begun are given up at a stop, those under way are waited for, and no new ones are taken', async () => {
    const { turns, take, begun, end } = queue();
    take('a', {}, '1');
    take('a', {}, '2');
    let stopped = false;
    const stop = turns.stop().then(() => (stopped = true));
    take('a', {}, '3');
    await turnOver();
    expect(stopped).toBe(false);
    await end('again');
    await stop;
    expect(begun).toEqual(['1']);
  });

  it('are over at once when nothing runs', async () => {
    await expect(queue().turns.stop()).resolves.toBeUndefined();
  });

  it('are lost or doubled by nobody, whatever the tenants, weights and limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), again: fc.boolean() }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        async (works, atOnce, weight) => {
          const { turns, take, begun, end } = queue(atOnce, { a: weight });
          const repeated = new Set<number>();
          works.forEach(({ tenant, again }, i) => {
            take(tenant, {
              run: () => {
                begun.push(String(i));
                if (!again || repeated.has(i)) return Promise.resolve('done');
                repeated.add(i);
                return Promise.resolve('again');
              },
            });
          });
          for (let i = 0; turns.waiting > 0 && i < 1_000; i++) await end();
          await turnOver();
          const expected = works.flatMap(({ again }, i) => (again ? [String(i), String(i)] : [String(i)]));
          expect(begun.toSorted()).toEqual(expected.toSorted());
        },
      ),
      { numRuns: 60 },
    );
  });
});
