import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FrozenServices } from '../../src/simulators/frozen.js';
import { type HttpAnswer, isHeld, type SimulatedAnswer } from '../../src/simulators/http.js';

/** The clock moves only where a test moves it. */
beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 10, 30) });
});
afterEach(() => {
  jest.useRealTimers();
});

const answer = (body: string): HttpAnswer => ({ status: 200, body });

/** A cloud that notes what it has carried out. */
function aCloud() {
  const frozen = new FrozenServices();
  const done: string[] = [];
  const ask = (name: string, ...needs: string[]): SimulatedAnswer =>
    frozen.whenThawed([name, ...needs], () => {
      done.push(name);
      return answer(name);
    });
  const hear = (asked: SimulatedAnswer) => {
    const heard: (HttpAnswer | 'cut')[] = [];
    if (!isHeld(asked)) throw new Error('it was not held');
    asked.onAnswer((one) => heard.push(one));
    return heard;
  };
  return { frozen, done, ask, hear };
}

describe('a frozen service', () => {
  it('does nothing of what is asked of it until it goes on, and then all of it in order', () => {
    const { frozen, done, ask, hear } = aCloud();
    frozen.freeze('neutron.*', 1000);
    const heard = hear(ask('neutron.ports.create'));
    ask('neutron.routers.create');
    jest.advanceTimersByTime(999);
    expect([done, heard]).toEqual([[], []]);
    jest.advanceTimersByTime(1);
    expect(done).toEqual(['neutron.ports.create', 'neutron.routers.create']);
    expect(heard).toEqual([answer('neutron.ports.create')]);
  });

  it('holds what another service asks it for, and nothing else', () => {
    const { frozen, done, ask } = aCloud();
    frozen.freeze('neutron.*', 1000);
    expect(isHeld(ask('nova.servers.create', 'neutron.(asked)', 'glance.(asked)'))).toBe(true);
    expect(ask('nova.servers.list')).toEqual(answer('nova.servers.list'));
    expect(done).toEqual(['nova.servers.list']);
  });

  it('goes on at once when it is told to', () => {
    const { frozen, done, ask, hear } = aCloud();
    frozen.freeze('*', 60_000);
    const heard = hear(ask('deployVirtualMachine'));
    expect(frozen.heldCount).toBe(1);
    frozen.thaw();
    expect(done).toEqual(['deployVirtualMachine']);
    expect(heard).toHaveLength(1);
    expect(frozen.frozenUntil(['deployVirtualMachine'])).toBeNull();
  });

  it('holds what needs two services until both go on', () => {
    const { frozen, done, ask } = aCloud();
    frozen.freeze('neutron.*', 1000);
    frozen.freeze('glance.*', 3000);
    const held = ask('nova.servers.create', 'neutron.(asked)', 'glance.(asked)');
    expect(isHeld(held) && held.heldUntilMs - Date.now()).toBe(3000);
    jest.advanceTimersByTime(2999);
    expect(done).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(done).toEqual(['nova.servers.create']);
  });

  it('tells an answer also to whoever asks for it afterwards', () => {
    const { frozen, ask, hear } = aCloud();
    frozen.freeze('*', 10);
    const held = ask('nova.servers.create');
    frozen.thaw();
    expect(hear(held)).toEqual([answer('nova.servers.create')]);
  });
});
