import { lookup } from 'node:dns/promises';
import { Agent, request } from 'undici';
import { type IpAddress, type IpRange, isInRange, parseAddress, parseRange, reachOf } from './ip-address.js';

/**
 * One thing the operator allows. Nothing else is. A name opens a name, a range opens addresses:
 * - `billing.example.com`, `billing.example.com:8443`: this very name, as long as it leads to the Internet;
 * - `127.0.0.1:8895`, `10.2.0.0/16`, `[::1]:8895`, `[fd00::/8]:8080`: these addresses, private ones as well.
 * A name that leads into a private network needs both: the name, and the range it leads to.
 */
export type AllowRule =
  { kind: 'name'; name: string; port: number | null } | { kind: 'range'; range: IpRange; port: number | null };

export type UrlCode =
  | 'URL_SYNTAX'
  | 'URL_SCHEME'
  | 'URL_USERINFO'
  | 'URL_FRAGMENT'
  | 'URL_TOO_LONG'
  | 'URL_FORBIDDEN_ADDRESS'
  | 'URL_FORBIDDEN_PORT'
  | 'URL_HOST_NOT_ALLOWED'
  | 'URL_DNS_FORBIDDEN';

export type UrlVerdict = { ok: true; url: URL } | { ok: false; code: UrlCode; message: string };

/** Reads ORDERWRIGHT_CALLBACK_ALLOW. `problems` names every part that cannot be used; the others are in `rules`. */
export function parseAllowList(text: string): { rules: AllowRule[]; problems: string[] } {
  const rules: AllowRule[] = [];
  const problems: string[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const rule = parseRule(part);
    if (typeof rule === 'string') problems.push(`"${part.slice(0, 80)}" ${rule}`);
    else rules.push(rule);
  }
  return { rules, problems };
}

function parseRule(text: string): AllowRule | string {
  if (text.includes('://')) return 'is a URL: give host[:port] or cidr[:port]';
  if (text.includes('*')) return 'has a wildcard: name each host';
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  // Without brackets two colons mean IPv6, and then there is no telling a port from a group.
  const bare = text.split(':').length > 2 ? [text, text] : (/^([^:]*)(?::(.*))?$/.exec(text) ?? [text, text]);
  const [, host = '', portText] = bracketed ?? bare;
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (!/^\d{1,5}$/.test(portText ?? '') || port < 1 || port > 65_535)) return 'has no usable port';
  const range = parseRange(host);
  if (range) {
    if (reachOf(range) === 'never') return 'is not the address of a host that could be called';
    const narrowest = range.family === 4 ? 8 : 7;
    return range.prefix < narrowest
      ? `opens more than a /${narrowest}: name the networks that are meant`
      : { kind: 'range', range, port };
  }
  if (bracketed || host.includes('/') || /^[\d.]+$/.test(host)) {
    return 'is neither an address nor a network (bits beyond the prefix must be zero)';
  }
  const name = host.toLowerCase();
  const isName = name.length <= 253 && /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/.test(name);
  return isName && !endsLikeAnAddress(name) ? { kind: 'name', name, port } : 'is not a host name';
}

/** `1.2.3.0x4`: URL parsers take a name for an IPv4 address by its last label. */
const endsLikeAnAddress = (name: string) => /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i.test(name);

/**
 * Whether results may be posted there, as far as the text tells. Pure; nothing is resolved. Refuses odd spellings even of
 * allowed addresses, so that no two programs on the way can read two different hosts in one text.
 */
export function checkCallbackUrl(text: string, allow: AllowRule[]): UrlVerdict {
  const refuse = (code: UrlCode, message: string): UrlVerdict => ({ ok: false, code, message });
  if (text.length > 2_048) return refuse('URL_TOO_LONG', `The URL has ${text.length} characters; 2,048 are allowed.`);
  // eslint-disable-next-line no-control-regex -- tabs and line ends are what is looked for: `new URL` drops them silently
  if (/[\u0000-\u0020\u007f-\u00a0\\]/.test(text)) {
    return refuse('URL_SYNTAX', 'The URL holds white space, a control character or a backslash.');
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return refuse('URL_SYNTAX', 'The URL has no scheme: write http://… or https://….');
  if (scheme !== 'http' && scheme !== 'https') return refuse('URL_SCHEME', 'Only http and https are allowed.');
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  const url = URL.canParse(text) ? new URL(text) : null;
  if (authority === undefined || !url) return refuse('URL_SYNTAX', 'The text is not a URL with a host.');
  if (authority.includes('@')) return refuse('URL_USERINFO', 'The URL carries a user name or password.');
  if (text.includes('#')) return refuse('URL_FRAGMENT', 'The URL carries a fragment (#…).');
  return checkHost(url, authority, allow);
}

function checkHost(url: URL, authority: string, allow: AllowRule[]): UrlVerdict {
  const refuse = (code: UrlCode, message: string): UrlVerdict => ({ ok: false, code, message });
  const host = bareHost(url);
  const address = parseAddress(host);
  const written = authority.replace(/:\d*$/, '').toLowerCase();
  if (written !== url.hostname) {
    return address
      ? refuse('URL_FORBIDDEN_ADDRESS', `The host is another spelling of ${host}.`)
      : refuse('URL_SYNTAX', `The host is another spelling of ${host.slice(0, 80)}: write it so.`);
  }
  const port = portOf(url);
  if (address) {
    if (isOpen(address, port, allow)) return { ok: true, url };
    const inRange = allow.some((rule) => rule.kind === 'range' && isInRange(address, rule.range));
    if (inRange || (reachOf(address) === 'global' && servicePorts.has(port))) {
      return refuse('URL_FORBIDDEN_PORT', `Port ${port} of ${host} is not allowed.`);
    }
    if (reachOf(address) !== 'global') {
      return refuse(
        'URL_FORBIDDEN_ADDRESS',
        `${host} is an internal address and port ${port} of it is not allowed by ORDERWRIGHT_CALLBACK_ALLOW.`,
      );
    }
    return refuse('URL_HOST_NOT_ALLOWED', `${host} on port ${port} is not in ORDERWRIGHT_CALLBACK_ALLOW.`);
  }
  const rules = allow.filter((rule) => rule.kind === 'name' && rule.name === host);
  if (rules.some((rule) => portFits(rule, port))) return { ok: true, url };
  if (rules.length > 0 || servicePorts.has(port))
    return refuse('URL_FORBIDDEN_PORT', `Port ${port} of ${host} is not allowed.`);
  return isInternalName(host)
    ? refuse('URL_FORBIDDEN_ADDRESS', `${host} is a name inside this network and is not in ORDERWRIGHT_CALLBACK_ALLOW.`)
    : refuse('URL_HOST_NOT_ALLOWED', `${host} is not in ORDERWRIGHT_CALLBACK_ALLOW.`);
}

const bareHost = (url: URL) => url.hostname.replace(/^\[(.*)\]$/, '$1');
const portOf = (url: URL) => (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port));
const isInternalName = (host: string) =>
  !host.replace(/\.$/, '').includes('.') ||
  /\.(localhost|local|internal|intranet|lan|home|corp|private|arpa)\.?$/.test(host);

function isOpen(address: IpAddress, port: number, allow: AllowRule[]): boolean {
  if (reachOf(address) === 'never') return false;
  return allow.some((rule) => rule.kind === 'range' && portFits(rule, port) && isInRange(address, rule.range));
}

/** A rule without a port opens every port but those of well-known services that speak no HTTP; with one, just that one. */
const portFits = (rule: AllowRule, port: number) => (rule.port === null ? !servicePorts.has(port) : rule.port === port);

const servicePorts = new Set([
  0, 7, 9, 19, 20, 21, 22, 23, 25, 53, 69, 79, 110, 111, 119, 135, 137, 139, 143, 161, 389, 445, 465, 512, 513, 514,
  587, 636, 873, 993, 995, 1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5984, 6379, 6443,
  9042, 9092, 9093, 9200, 9300, 10250, 11211, 27017,
]);

export interface GuardedRequest {
  url: string;
  allow: AllowRule[];
  headers: Record<string, string>;
  body: string;
  /** All addresses of a name; the system's resolver unless a test brings its own. */
  resolve?: (hostname: string) => Promise<string[]>;
  /** For everything together: resolving, connecting, sending, reading. */
  timeoutMs?: number;
}

export type GuardedAnswer =
  | { state: 'answered'; status: number; retryAfter: string | null; bytesRead: number }
  /** Nothing was sent. */
  | { state: 'refused'; code: UrlCode; message: string }
  /** No answer: whether the other side got it is not known. */
  | { state: 'failed'; message: string };

const answerLimit = 64 * 1024;

/**
 * POSTs to a URL that came from outside. Every address of the name is checked, and the connection goes to those addresses
 * and no others, whatever the name says a moment later. Redirects are not followed, proxy variables not read, and of the
 * answer's body at most 64 KiB are taken off the wire and dropped.
 */
export async function guardedRequest(order: GuardedRequest): Promise<GuardedAnswer> {
  const verdict = checkCallbackUrl(order.url, order.allow);
  if (!verdict.ok) return { state: 'refused', code: verdict.code, message: verdict.message };
  const signal = AbortSignal.timeout(order.timeoutMs ?? 10_000);
  try {
    const addresses = await untilAborted(addressesOf(verdict.url, order.resolve ?? resolveAll), signal);
    const outside = addresses.find((address) => !mayConnect(address, verdict.url, order.allow));
    if (outside !== undefined) {
      const message = `${verdict.url.hostname} leads to ${outside.slice(0, 45)}, which is not allowed.`;
      return { state: 'refused', code: 'URL_DNS_FORBIDDEN', message };
    }
    return addresses.length === 0
      ? { state: 'failed', message: `${verdict.url.hostname} has no address` }
      : await post(verdict.url, addresses, order, signal);
  } catch (error) {
    return { state: 'failed', message: signal.aborted ? 'no answer in time' : `no answer (${causeOf(error)})` };
  }
}

const resolveAll = async (hostname: string) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

async function addressesOf(url: URL, resolve: (hostname: string) => Promise<string[]>): Promise<string[]> {
  const host = bareHost(url);
  return parseAddress(host) ? [host] : resolve(host);
}

/** Behind an allowed name the Internet is open; anything else only if its address is allowed too. */
function mayConnect(text: string, url: URL, allow: AllowRule[]): boolean {
  const address = parseAddress(text);
  if (!address) return false;
  const named = parseAddress(bareHost(url)) === null;
  return (named && reachOf(address) === 'global') || isOpen(address, portOf(url), allow);
}

async function post(url: URL, addresses: string[], order: GuardedRequest, signal: AbortSignal): Promise<GuardedAnswer> {
  const pinned = addresses.map((address) => ({ address, family: parseAddress(address)?.family ?? 4 }));
  const [first] = pinned;
  if (!first) throw new Error('nothing to connect to');
  // An agent for one request: its lookup knows the checked addresses only. Node asks for all of them or for one.
  const agent = new Agent({
    connect: {
      lookup: (_hostname, options, callback) =>
        options.all ? callback(null, pinned) : callback(null, first.address, first.family),
    },
    pipelining: 0,
  });
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: order.headers,
      body: order.body,
      dispatcher: agent,
      signal,
    });
    const retryAfter = answer.headers['retry-after'];
    let bytesRead = 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
        bytesRead += chunk.length;
        if (bytesRead > answerLimit) break;
      }
    } catch {
      // The status line has come, and nobody reads the body: how it ends changes nothing.
    }
    return {
      state: 'answered',
      status: answer.statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      bytesRead: Math.min(bytesRead, answerLimit),
    };
  } finally {
    await agent.destroy();
  }
}

/** A resolver cannot be cancelled; it can be left behind. */
function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('timeout')), { once: true });
    promise.then(resolve, reject);
  });
}

/** The short code of a network error; its message could hold what the other side wrote. */
function causeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'connection failed';
}
