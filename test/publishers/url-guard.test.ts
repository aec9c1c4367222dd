import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { type AllowRule, checkCallbackUrl, guardedRequest, parseAllowList } from '../../src/publishers/url-guard.js';

const allow = (text: string): AllowRule[] => {
  const { rules, problems } = parseAllowList(text);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return rules;
};
const verdict = (url: string, rules = '') => {
  const checked = checkCallbackUrl(url, allow(rules));
  return checked.ok ? 'ok' : checked.code;
};

/** reliability.md 6.2: what callbacks were tried with to reach inside. */
const insideHosts = `
  127.0.0.1 localhost localhost. 127.1 2130706433 0x7f000001
  0177.0.0.1 017700000001 127.000.000.001 0 0.0.0.0 [::1]
  [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe]
  [2002:7f00:1::] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1]
  169.254.169.254 0xa9fea9fe 2852039166 metadata.google.internal 10.0.0.1 172.16.0.1
  172.31.255.255 192.168.0.1 100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1
  192.0.2.1 224.0.0.1 255.255.255.255 ①②⑦.⓪.⓪.①
`
  .trim()
  .split(/\s+/);
const oddForms: [string, string][] = [
  ['http://127%2e0%2e0%2e1/', 'URL_FORBIDDEN_ADDRESS'],
  ['http://127。0。0。1/', 'URL_FORBIDDEN_ADDRESS'],
  ['http:/127.0.0.1', 'URL_SYNTAX'],
  ['http:127.0.0.1', 'URL_SYNTAX'],
  ['http:///127.0.0.1', 'URL_SYNTAX'],
  ['http://x@127.0.0.1/', 'URL_USERINFO'],
  ['http://127.0.0.1\\@x/', 'URL_SYNTAX'],
  ['http://intranet/', 'URL_FORBIDDEN_ADDRESS'],
];

let connections = 0;
const trap = createTcpServer((socket) => {
  connections += 1;
  socket.destroy();
});
let trapPort = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  trapPort = (trap.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => trap.close(resolve)));

const send = (url: string, rules: AllowRule[], more: Partial<Parameters<typeof guardedRequest>[0]> = {}) =>
  guardedRequest({ url, allow: rules, headers: {}, body: '{}', ...more });

describe('with nothing allowed, a callback', () => {
  it('counts forty hosts in the table', () => expect(insideHosts).toHaveLength(40));

  it.each(insideHosts)('does not reach http://%s', async (host) => {
    expect(verdict(`http://${host}/hook`)).toBe('URL_FORBIDDEN_ADDRESS');
    const before = connections;
    expect(await send(`http://${host}:${trapPort}/hook`, [])).toMatchObject({ state: 'refused' });
    expect(connections).toBe(before);
  });

  it.each(oddForms)('does not take the odd form %s', async (url, code) => {
    expect(verdict(url)).toBe(code);
    expect(await send(url.replace('127.0.0.1', `127.0.0.1:${trapPort}`), [])).toMatchObject({ state: 'refused' });
    expect(connections).toBe(0);
  });

  it('goes nowhere else either', () => {
    expect(verdict('https://billing.example.com/hook')).toBe('URL_HOST_NOT_ALLOWED');
    expect(verdict('https://93.184.216.34/hook')).toBe('URL_HOST_NOT_ALLOWED');
  });
});

describe('with only public names and other networks allowed, a callback', () => {
  it.each([...insideHosts.map((host) => `http://${host}/`), ...oddForms.map(([url]) => url)])(
    'does not reach %s',
    (url) => {
      expect(verdict(url, 'billing.example.com, 10.99.0.0/16, 93.184.216.34, [fd99::/16]')).not.toBe('ok');
    },
  );
});

describe('what a callback may look like', () => {
  it.each([
    ['not a url', 'URL_SYNTAX'],
    ['billing.example.com', 'URL_SYNTAX'],
    ['/hook', 'URL_SYNTAX'],
    ['//billing.example.com', 'URL_SYNTAX'],
    ['http://billing.example.com:99999/', 'URL_SYNTAX'],
    ['http://billing.example.com/a\tb', 'URL_SYNTAX'],
    ['http://billing.example.com/\r\nHost: x', 'URL_SYNTAX'],
    ['http://billing。example.com/', 'URL_SYNTAX'],
    ['file:///etc/passwd', 'URL_SCHEME'],
    ['gopher://billing.example.com', 'URL_SCHEME'],
    ['data:text/plain,x', 'URL_SCHEME'],
    ['javascript:alert(1)', 'URL_SCHEME'],
    ['http+unix://%2fvar%2frun%2fdocker.sock/', 'URL_SCHEME'],
    ['http://user:pass@billing.example.com/', 'URL_USERINFO'],
    ['http://billing.example.com/#x', 'URL_FRAGMENT'],
    [`http://billing.example.com/${'a'.repeat(2049)}`, 'URL_TOO_LONG'],
    ['http://billing.example.com:22/', 'URL_FORBIDDEN_PORT'],
    ['http://billing.example.com:5432/', 'URL_FORBIDDEN_PORT'],
    ['http://billing.example.com:9092/', 'URL_FORBIDDEN_PORT'],
  ])('%j is %s', (url, code) => expect(verdict(url, 'billing.example.com')).toBe(code));

  it.each<[string, string, string]>([
    ['http://billing.example.com/hook?x=1', 'billing.example.com', 'ok'],
    ['https://BILLING.example.com:8443/', 'billing.example.com', 'ok'],
    ['https://billing.example.com/', 'billing.example.com:8443', 'URL_FORBIDDEN_PORT'],
    ['https://sub.billing.example.com/', 'billing.example.com', 'URL_HOST_NOT_ALLOWED'],
    ['https://billing.example.com.evil.net/', 'billing.example.com', 'URL_HOST_NOT_ALLOWED'],
    ['http://127.0.0.1:8895', '127.0.0.1:8895', 'ok'],
    ['http://127.0.0.1:8896', '127.0.0.1:8895', 'URL_FORBIDDEN_PORT'],
    ['http://127.0.0.1:5432', '127.0.0.0/8', 'URL_FORBIDDEN_PORT'],
    ['http://127.0.0.1:5432', '127.0.0.1:5432', 'ok'],
    ['http://2130706433:8895', '127.0.0.1:8895', 'URL_FORBIDDEN_ADDRESS'],
    ['http://[::ffff:127.0.0.1]:8895', '127.0.0.1:8895', 'URL_FORBIDDEN_ADDRESS'],
    ['http://localhost:8895', '127.0.0.1:8895', 'URL_FORBIDDEN_ADDRESS'],
    ['http://10.2.200.1/', '10.2.0.0/16', 'ok'],
    ['http://10.3.0.1/', '10.2.0.0/16', 'URL_FORBIDDEN_ADDRESS'],
    ['http://[::1]:8895/', '[::1]:8895', 'ok'],
    ['http://[fd00::5]/', 'fd00::/8', 'ok'],
    ['http://93.184.216.34/', '93.184.216.34', 'ok'],
  ])('%s with "%s" allowed is %s', (url, rules, code) => expect(verdict(url, rules)).toBe(code));
});

describe('the allow-list', () => {
  it('reads names, addresses and networks, with and without a port', () => {
    const { rules, problems } = parseAllowList(
      ' 127.0.0.1:8895, 10.2.0.0/16:80 ,Billing.Example.com,::1,[fd00::/8]:8080,,',
    );
    expect(problems).toEqual([]);
    expect(rules.map((rule) => [rule.kind, rule.port])).toEqual([
      ['range', 8895],
      ['range', 80],
      ['name', null],
      ['range', null],
      ['range', 8080],
    ]);
  });

  it('is empty when nothing is said', () => expect(parseAllowList('')).toEqual({ rules: [], problems: [] }));

  it('names everything in it that cannot be used, and keeps the rest', () => {
    const bad = [
      'http://a.example',
      '*.example.com',
      'a:0',
      'a:99999',
      'a:x',
      '10.0.0.1/8',
      '0.0.0.0/0',
      '::/0',
      '0.0.0.0',
      '224.0.0.1',
    ];
    const worse = [
      '1.2.3',
      '1.2.3.300',
      'a.0x7f',
      'a_b',
      '-a',
      '[::1',
      '[::1]x',
      '[name]:80',
      '::ffff:10.0.0.1',
      '2130706433',
      'a b',
    ];
    const { rules, problems } = parseAllowList([...bad, 'good.example', ...worse].join(','));
    expect(rules).toMatchObject([{ kind: 'name', name: 'good.example' }]);
    expect(problems.map((problem) => problem.split('" ')[0]?.slice(1))).toEqual([...bad, ...worse]);
  });
});

describe('no private address passes', () => {
  /** The ways an IPv4 address can be written so that some program understands it. */
  const spellings = ([a, b, c, d]: [number, number, number, number]): string[] => {
    const whole = ((a * 256 + b) * 256 + c) * 256 + d;
    const hex = (value: number) => value.toString(16);
    const [high, low] = [hex(a * 256 + b), hex(c * 256 + d)];
    return [
      `${a}.${b}.${c}.${d}`,
      `${whole}`,
      `0x${hex(whole)}`,
      `0${whole.toString(8)}`,
      `0x${hex(a)}.0${b.toString(8)}.${c}.${d}`,
      `${a}.${b * 65_536 + c * 256 + d}`,
      `${a}.${b}.${c * 256 + d}`,
      `${a}.${b}.${c}.${d}.`,
      [a, b, c, d].map((part) => String(part).padStart(3, '0')).join('.'),
      `${a}%2e${b}%2e${c}%2e${d}`,
      `${a}。${b}．${c}｡${d}`,
      String(a).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))) + `.${b}.${c}.${d}`,
      `[::ffff:${a}.${b}.${c}.${d}]`,
      `[::${a}.${b}.${c}.${d}]`,
      `[::ffff:0:${high}:${low}]`,
      `[64:ff9b::${high}:${low}]`,
      `[2002:${high}:${low}::1]`,
    ];
  };
  const byte = fc.integer({ min: 0, max: 255 });
  const inside = fc.oneof(
    fc.tuple(fc.constantFrom(0, 10, 127), byte, byte, byte),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
    fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
    fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
    fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
  );

  it('in any spelling', () => {
    const rules = allow('billing.example.com,93.184.216.0/24,[2606:4700::/32]');
    fc.assert(
      fc.property(
        inside,
        fc.constantFrom('http', 'https', 'HTTP'),
        fc.constantFrom('', ':80', ':8895'),
        (host, scheme, port) => {
          for (const spelling of spellings(host)) {
            expect(checkCallbackUrl(`${scheme}://${spelling}${port}/x`, rules)).toMatchObject({ ok: false });
          }
        },
      ),
    );
  });

  it('behind an allowed name, whatever it resolves to', async () => {
    const rules = allow('billing.example.com');
    await fc.assert(
      fc.asyncProperty(inside, async ([a, b, c, d]) => {
        const resolve = async () => ['93.184.216.34', `${a}.${b}.${c}.${d}`];
        const answer = await send('http://billing.example.com/', rules, { resolve });
        expect(answer).toMatchObject({ state: 'refused', code: 'URL_DNS_FORBIDDEN' });
      }),
    );
  });

  it('and no text at all makes the check itself fall over', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webUrl(),
          fc.string().map((text) => `http://${text}`),
        ),
        (text) => {
          expect(checkCallbackUrl(text, [])).toMatchObject({ ok: false });
          parseAllowList(text);
        },
      ),
    );
  });
});
