import { createHook } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import { owaspCost, Passwords, type ScryptCost } from '../../src/tenants/passwords.js';

/** Cheap, so that what is not about time takes none. */
const cheap: ScryptCost = { ln: 4, r: 8, p: 1 };

describe('a stored password', () => {
  it('is known again, and no other one is', async () => {
    const passwords = new Passwords(cheap);
    const stored = await passwords.hash('a good pass phrase');
    expect(await passwords.verify('a good pass phrase', stored)).toBe(true);
    for (const other of ['a good pass phrase ', 'A good pass phrase', '', 'a good pass phras', stored]) {
      expect(await passwords.verify(other, stored)).toBe(false);
    }
  });

  it('takes any characters, and a letter however its accent is typed', async () => {
    const passwords = new Passwords(cheap);
    for (const password of [
      '密码密码密码密码',
      '  blanks  ',
      'nul\u0000inside',
      '🔑'.repeat(8),
      '\ud800 half of one',
    ]) {
      expect(await passwords.verify(password, await passwords.hash(password))).toBe(true);
    }
    expect(await passwords.verify('cafe\u0301 au lait', await passwords.hash('caf\u00e9 au lait'))).toBe(true);
    expect(await passwords.verify('nul\u0000other', await passwords.hash('nul\u0000inside'))).toBe(false);
  });

  it('never looks the same twice, and says what it cost', async () => {
    const passwords = new Passwords(cheap);
    const [one, other] = [await passwords.hash('the same one'), await passwords.hash('the same one')];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toContain('the same one');
  });

  it('goes on working after the cost was raised, and is said to be out of date', async () => {
    const stored = await new Passwords(cheap).hash('from the old days');
    const dearer = new Passwords({ ...cheap, ln: 5 });
    expect(await dearer.verify('from the old days', stored)).toBe(true);
    expect(await dearer.verify('from other days', stored)).toBe(false);
    expect(dearer.isOutdated(stored)).toBe(true);
    expect(dearer.isOutdated(await dearer.hash('from the old days'))).toBe(false);
  });

  it('that cannot be read is an error of ours, which does not repeat it', async () => {
    const passwords = new Passwords(cheap);
    await expect(passwords.verify('a password', 'plain-text')).rejects.toThrow('a stored password hash cannot be read');
  });

  it('is made as OWASP asks for it', async () => {
    expect(owaspCost).toEqual({ ln: 15, r: 8, p: 3 });
    const passwords = new Passwords();
    const stored = await passwords.hash('as it is in service');
    expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(await passwords.verify('as it is in service', stored)).toBe(true);
  });
});

describe('a user that there is not', () => {
  it('has a password that is wrong, and that takes the time of one', async () => {
    const passwords = new Passwords({ ln: 14, r: 8, p: 1 });
    const stored = await passwords.hash('somebody');
    const time = async (hash: string | null) => {
      const from = performance.now();
      expect(await passwords.verify('nobody at all', hash)).toBe(false);
      return performance.now() - from;
    };
    // Of several in turn the best: the machine is shared.
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 5; i++) {
      known.push(await time(stored));
      unknown.push(await time(null));
    }
    const ratio = Math.min(...unknown) / Math.min(...known);
    expect(ratio).toBeGreaterThan(0.33);
    expect(ratio).toBeLessThan(3);
  });
});

describe('a flood of log-ins', () => {
  it('is worked off two at a time, and whoever comes too late is sent away', async () => {
    const under = { way: new Set<number>(), most: 0 };
    const hook = createHook({
      init(id, type) {
        if (type === 'SCRYPTREQUEST') under.most = Math.max(under.most, under.way.add(id).size);
      },
      before: (id) => void under.way.delete(id),
    }).enable();
    try {
      const passwords = new Passwords({ ln: 10, r: 8, p: 1 });
      const all = Array.from({ length: 102 }, () => passwords.verify('x', null));
      await Promise.resolve();
      expect(passwords.hasRoom).toBe(false);
      await expect(passwords.verify('x', null)).rejects.toMatchObject({ code: 'API_RATE_LIMIT' });
      expect(await Promise.all(all)).toEqual(all.map(() => false));
      expect(passwords.hasRoom).toBe(true);
      expect(await passwords.verify('x', null)).toBe(false);
      expect(under.most).toBe(2);
    } finally {
      hook.disable();
    }
  });
});
