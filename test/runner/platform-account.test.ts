import { describe, expect, it } from '@jest/globals';
import { ProvisioningError } from '../../src/errors.js';
import { sameAccount } from '../../src/runner/platform-account.js';
import { cloudWith } from './support.js';

const leadsTo = (id: string) => cloudWith({}, { accountId: () => Promise.resolve(id) });
const refused = () =>
  cloudWith({}, { accountId: () => Promise.reject(new ProvisioningError('ask-human', 'CLD_AUTH', 'wrong key')) });
const silent = () => cloudWith({}, { accountId: () => new Promise<string>(() => {}) });

describe('new keys of a platform', () => {
  it.each([
    ['lead to the same account', leadsTo('a'), leadsTo('a'), true],
    ['lead to another account', leadsTo('a'), leadsTo('b'), false],
    ['open nothing', leadsTo('a'), refused(), false],
    ['are asked about at a cloud that does not answer', leadsTo('a'), silent(), false],
    ['take the place of keys that open nothing any more', refused(), leadsTo('b'), null],
    ['are of a cloud that does not tell whose they are', cloudWith({}), cloudWith({}), null],
  ])('that %s', async (_what, before, after, isSame) => {
    expect(await sameAccount(before, after, 50)).toMatchObject({ isSame });
  });
});
