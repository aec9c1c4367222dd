import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { isWebhookSecret, signWebhook, verifyWebhook } from '../../src/publishers/standard-webhooks.js';

const at = new Date(1_614_265_330_000);
const published = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  at,
  body: '{"test": 2432232314}',
  secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
};
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const verify = (headers: object, secrets: string[], now = at, body = published.body) =>
  verifyWebhook({ headers: { ...headers }, body, secrets, now });

describe('a signature', () => {
  it("is the one in the specification's own libraries", () => {
    expect(signWebhook(published)).toEqual({
      'webhook-id': published.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is accepted by a receiver that knows the secret', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ unit: 'grapheme' }), (id, body) => {
        const secrets = [newSecret()];
        const headers = signWebhook({ id, at, body, secrets });
        expect(verify(headers, secrets, at, body)).toEqual({ ok: true });
      }),
    );
  });

  it('is made with every secret, so that receivers can change theirs in their own time', () => {
    const [older, newer] = [newSecret(), newSecret()];
    const headers = signWebhook({ ...published, secrets: [newer, older] });
    expect(verify(headers, [older])).toEqual({ ok: true });
    expect(verify(headers, [newer])).toEqual({ ok: true });
    expect(verify(headers, [newSecret()])).toEqual({ ok: false, reason: 'signature_wrong' });
  });
});

describe('a receiver turns away', () => {
  const headers = signWebhook(published);
  it.each([
    ['another body', headers, at, '{"test": 2432232315}', 'signature_wrong'],
    ['another id', { ...headers, 'webhook-id': 'msg_other' }, at, published.body, 'signature_wrong'],
    ['another instant', { ...headers, 'webhook-timestamp': '1614265331' }, at, published.body, 'signature_wrong'],
    [
      'an unknown version',
      { ...headers, 'webhook-signature': 'v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' },
      at,
      published.body,
      'signature_wrong',
    ],
    ['an empty signature', { ...headers, 'webhook-signature': 'v1,' }, at, published.body, 'signature_wrong'],
    ['no signature', { ...headers, 'webhook-signature': '' }, at, published.body, 'header_missing'],
    [
      'a date for an instant',
      { ...headers, 'webhook-timestamp': '2021-02-25' },
      at,
      published.body,
      'timestamp_invalid',
    ],
    ['a message played back after five minutes', headers, new Date(at.getTime() + 301_000), published.body, 'too_old'],
    ['a message from the future', headers, new Date(at.getTime() - 301_000), published.body, 'too_new'],
  ])('%s', (_, given, now, body, reason) => {
    expect(verify(given, published.secrets, now, body)).toEqual({ ok: false, reason });
  });
});

describe('a secret', () => {
  it('is whsec_ and the base64 of 24 to 64 bytes', () => {
    expect([24, 64].map((length) => isWebhookSecret(`whsec_${randomBytes(length).toString('base64')}`))).toEqual([
      true,
      true,
    ]);
    expect(
      ['', 'whsec_', 'secret', `whsec_${'A'.repeat(12)}`, randomBytes(32).toString('base64')].some(isWebhookSecret),
    ).toBe(false);
  });

  it('of another form signs nothing, and is not repeated', () => {
    expect(() => signWebhook({ ...published, secrets: ['hunter2'] })).toThrow(/^(?!.*hunter2).*whsec_/);
    expect(() => signWebhook({ ...published, secrets: [] })).toThrow('needs a secret');
    expect(() => signWebhook({ ...published, id: 'a.b' })).toThrow('full stop');
  });
});
