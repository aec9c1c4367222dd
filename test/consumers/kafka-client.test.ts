import { describe, expect, it } from '@jest/globals';
import { securityOptions } from '../../src/consumers/kafka-client.js';

const tls = { ca: null, serverName: null, insecure: false };

describe('a connection to Kafka', () => {
  it('is plain and anonymous when nothing is said', () => {
    expect(securityOptions({ tls: null, sasl: null })).toEqual({});
    expect(securityOptions({})).toEqual({});
  });

  it('asks with TLS who the broker is, and lets itself be told by which authority', () => {
    expect(securityOptions({ tls, sasl: null })).toEqual({ ssl: { rejectUnauthorized: true, minVersion: 'TLSv1.2' } });
    expect(securityOptions({ tls: { ...tls, ca: 'PEM', serverName: 'kafka.internal' }, sasl: null })).toEqual({
      ssl: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ca: ['PEM'], servername: 'kafka.internal' },
    });
  });

  it('trusts anybody only where that is said', () => {
    expect(securityOptions({ tls: { ...tls, insecure: true }, sasl: null }).ssl).toMatchObject({
      rejectUnauthorized: false,
    });
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('logs in by %s', (mechanism) => {
    const sasl = { mechanism, username: 'ow', password: 'pa55' };
    expect(securityOptions({ tls, sasl })).toMatchObject({ sasl, ssl: expect.anything() });
  });
});
