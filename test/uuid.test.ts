import { describe, expect, it } from '@jest/globals';
import { dnsNamespace, urlNamespace, uuidV5 } from '../src/uuid.js';

describe('a uuid made from a name', () => {
  it('is the one of RFC 9562, appendix A.4', () => {
    expect(uuidV5(dnsNamespace, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  it('does not mind how the namespace is written, and does mind which it is', () => {
    expect(uuidV5(dnsNamespace.toUpperCase(), 'a')).toBe(uuidV5(dnsNamespace, 'a'));
    expect(uuidV5(urlNamespace, 'a')).not.toBe(uuidV5(dnsNamespace, 'a'));
  });

  it('needs a uuid for a namespace', () => {
    expect(() => uuidV5('orders', 'a')).toThrow('not a uuid');
  });
});
