/** reliability.md 6.3: what the documentation tells receivers to do really tells ours from others'. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { signWebhook } from '../../src/publishers/standard-webhooks.js';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const sample = /```js\n(import \{ createHmac, timingSafeEqual \}.*?)```/s.exec(page)?.[1] ?? '';

/** The receiver of docs/operations.md, as it stands there. */
async function verifier(): Promise<(headers: object, body: string, secret: string) => unknown> {
  const source = `data:text/javascript;base64,${Buffer.from(`${sample}\nexport { verify };`).toString('base64')}`;
  return ((await import(source)) as { verify: (headers: object, body: string, secret: string) => unknown }).verify;
}

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const newer = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const body = '{"errstatus":"SUCCESS","msg":"月"}';
const signed = (secrets: string[], at = new Date()) => signWebhook({ id: 'e1', at, body, secrets });

describe('the receiver in the documentation', () => {
  it('takes what Orderwright signed, and gives it back read', async () => {
    const verify = await verifier();
    expect(verify(signed([secret]), body, secret)).toEqual({ errstatus: 'SUCCESS', msg: '月' });
  });

  it('takes it with the old and with the new secret while both sign', async () => {
    const verify = await verifier();
    for (const one of [secret, newer]) expect(() => verify(signed([newer, secret]), body, one)).not.toThrow();
    expect(() => verify(signed([newer]), body, secret)).toThrow('not signed');
  });

  it.each<[string, () => object, string]>([
    ['another body', () => signed([secret]), body.replace('SUCCESS', 'ERROR')],
    ['another id', () => ({ ...signed([secret]), 'webhook-id': 'e2' }), body],
    ['no signature', () => ({ ...signed([secret]), 'webhook-signature': '' }), body],
    [
      'another version of signature',
      () => ({ ...signed([secret]), 'webhook-signature': signed([secret])['webhook-signature'].replace('v1,', 'v2,') }),
      body,
    ],
    [
      'a signature cut short',
      () => ({ ...signed([secret]), 'webhook-signature': signed([secret])['webhook-signature'].slice(0, -6) }),
      body,
    ],
    ['six minutes of age', () => signed([secret], new Date(Date.now() - 360_000)), body],
    ['six minutes from now', () => signed([secret], new Date(Date.now() + 360_000)), body],
    ['no time', () => ({ ...signed([secret]), 'webhook-timestamp': 'soon' }), body],
  ])('refuses %s', async (_, headers, text) => {
    const verify = await verifier();
    expect(() => verify(headers(), text, secret)).toThrow();
  });
});
