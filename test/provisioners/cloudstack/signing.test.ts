import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/properties.js';
import { encodeLikeJava, expiresAt, sign, textToSign } from '../../../src/provisioners/cloudstack/signing.js';

// reference/cloudstack.md section 3.1; "server" is Java's own URLEncoder and HmacSHA1.
const v1Key = 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg';
const v1Secret = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';

describe('a signed request', () => {
  it.each([
    ['V1', v1Secret, { apikey: v1Key, command: 'listUsers', response: 'json' }, 'TTpdDq/7j/J58XCRHomKoQXEQds='],
    [
      'V2',
      'test-Secret_1',
      {
        apikey: 'test-Key_1',
        command: 'deployVirtualMachine',
        'details[0].cpuNumber': '2',
        'details[0].memory': '2048',
        displayname: '订单 a+b/c',
        name: 'web-01',
        networkids: 'n1,n2',
        response: 'json',
        serviceofferingid: 's1',
        templateid: 't1',
        zoneid: 'z1',
      },
      'hG3f6QQXTKmFpC1XiFv+FFXnJdY=',
    ],
    [
      'V3, where a tilde makes two common clients fail',
      'test-Secret_2',
      {
        apikey: 'test-Key_2',
        command: 'listVirtualMachines',
        expires: '2030-01-02T03:04:05Z+0000',
        keyword: "v*m!'()_-.~",
        response: 'json',
        signatureversion: '3',
      },
      '3iBDEU1hvgId5pGnVW5lMVTQxW0=',
    ],
    [
      'V3b',
      'test-Secret_2',
      {
        apikey: 'test-Key_2',
        command: 'listVirtualMachines',
        expires: '2030-01-02T03:04:05Z+0000',
        keyword: "v*m!'()_-.",
        response: 'json',
        signatureversion: '3',
      },
      'NrW3Tb+gdGjGXdDnBK5hhP/f7vE=',
    ],
    [
      'V4',
      'test-Secret_3',
      {
        apikey: 'test-Key_3',
        command: 'listTemplates',
        response: 'json',
        templateFilter: 'executable',
        templateid: 't1',
      },
      'QgDFUESpdvbg3leNjwxA+myCXrE=',
    ],
    [
      'V5, where sorting lower-cased names would fail',
      'test-Secret_3',
      { apikey: 'k', command: 'x', templateid: '2', templateZ: '1' },
      'VXhNVLoBmvY1r5oSC2o7JjQvYXQ=',
    ],
  ])('carries the signature of the vector %s', (_name, secret, params, signature) => {
    expect(sign(params, secret)).toBe(signature);
  });

  it('signs the same whatever order its parameters were given in', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
        fc.string({ minLength: 1 }),
        (params, secret) => {
          const turned = Object.fromEntries(Object.entries(params).reverse());
          expect(sign(turned, secret)).toBe(sign(params, secret));
          expect(sign(params, secret)).toBe(createHmac('sha1', secret).update(textToSign(params)).digest('base64'));
        },
      ),
    );
  });

  it('encodes any text as the server does, byte by byte', () => {
    const kept = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-*_';
    const naive = (text: string): string =>
      [...new TextEncoder().encode(text)]
        .map((byte) => (byte < 128 && kept.includes(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hex(byte)))
        .join('');
    const hex = (byte: number): string => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(encodeLikeJava(text)).toBe(naive(text));
      }),
      { examples: [["v*m!'()_-.~"], ['a+b c%'], ['\ud800 half a pair'], ['名前\n']] },
    );
  });

  it('writes its expiry in the one form that every version reads', () => {
    expect(expiresAt(new Date('2030-01-02T03:04:05.678Z'))).toBe('2030-01-02T03:04:05Z+0000');
  });
});
