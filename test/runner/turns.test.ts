import { describe, expect, it } from '@jest/globals';
import { Turns } from '../../src/runner/turns.js';

/** Work that ends when the test says so. */
function work() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { ended, end };
}

const turnOver = () => new Promise((resolve) => setImmediate(resolve));

describe('turns at a cloud', () => {
  it('are taken in the order they were asked for, so many at a time', async () => {
    const turns = new Turns(2);
    const begun: number[] = [];
    const works = [work(), work(), work(), work()];
    for (const [index, one] of works.entries()) {
      turns.take(() => {
        begun.push(index);
        return one.ended;
      });
    }
    expect(begun).toEqual([0, 1]);
    works[1]?.end();
    await turnOver();
    expect(begun).toEqual([0, 1, 2]);
    works[0]?.end();
    works[2]?.end();
    await turnOver();
    expect(begun).toEqual([0, 1, 2, 3]);
    works[3]?.end();
    await turns.stop();
  });

  it('that have not begun are given up at a stop, those under way are waited for, and no new ones are taken', async () => {
    const turns = new Turns(1);
    const begun: string[] = [];
    const first = work();
    turns.take(() => {
      begun.push('first');
      return first.ended;
    });
    turns.take(() => Promise.resolve(void begun.push('second')));
    let stopped = false;
    const stop = turns.stop().then(() => (stopped = true));
    turns.take(() => Promise.resolve(void begun.push('third')));
    await turnOver();
    expect(stopped).toBe(false);
    first.end();
    await stop;
    await turnOver();
    expect(begun).toEqual(['first']);
  });

  it('are over at once when nothing runs', async () => {
    await expect(new Turns(3).stop()).resolves.toBeUndefined();
  });
});
