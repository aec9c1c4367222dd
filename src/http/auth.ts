import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { isInRange, parseAddress } from '../publishers/ip-address.js';
import { envelopePath } from './envelope.js';
import { ApiError } from './problem.js';
import { RateLimit } from './rate-limit.js';
import { accessOf } from './route-access.js';
import { type Principal, TokenBook } from './token-book.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null where anybody may. Set before any route runs. */
    principal: Principal | null;
  }
}

export type AccessConfig = Pick<Config, 'host' | 'requireToken' | 'legacyIntake' | 'apiRatePerSecond'>;

/** Somebody on this machine, where no tokens are asked for. */
const local: Principal = { name: 'local', role: 'admin', accountId: null };
/** Somebody whose address is allowed to hand orders in the old way. */
const byAddress: Principal = { name: 'legacy-intake', role: 'producer', accountId: null };

/** Wrong tokens one address may try a second, before they are not even looked at. */
const failuresPerSecond = 10;

const challenge = { 'www-authenticate': 'Bearer' };

/** Decides of every request whether it may be asked, before a byte of its body is read. */
export class AccessControl {
  private readonly requests: RateLimit;
  private readonly failures = new RateLimit(failuresPerSecond);

  constructor(
    private readonly config: AccessConfig,
    private readonly tokens: TokenBook,
  ) {
    this.requests = new RateLimit(config.apiRatePerSecond);
  }

  /** @returns who asks, null on an open route @throws ApiError when it may not */
  async check(request: FastifyRequest): Promise<Principal | null> {
    const url = request.routeOptions.url;
    // A path that nobody answers needs a token like any other: what there is and what not is nobody else's business.
    const access = url === undefined ? null : accessOf(request.method, url);
    if (access === 'open') return null;
    const principal = await this.identify(request);
    const waitMs = this.requests.take(`${principal.name}/${principal.role}`);
    if (waitMs > 0) throw tooMany(waitMs);
    if (access === null) return principal;
    if (!access.roles.includes(principal.role)) {
      throw forbidden(`A token of role "${principal.role}" may not do this; it takes ${access.roles.join(' or ')}.`);
    }
    if (access.rows === 'all' && principal.accountId !== null) {
      throw forbidden('A token of one account may not ask about the whole installation.');
    }
    return principal;
  }

  /** To be called when the table of tokens was changed here: what was revoked opens nothing from now on. */
  tokensChanged(): void {
    this.tokens.forget();
  }

  /** Whether who began a long answer may hear the rest of it. */
  async mayStay(request: FastifyRequest): Promise<boolean> {
    if (!this.config.requireToken) return true;
    const token = bearerOf(request);
    return token !== null && this.tokens.stillOpens(token);
  }

  private async identify(request: FastifyRequest): Promise<Principal> {
    if (!this.config.requireToken) {
      checkItIsUs(request, this.config.host);
      return local;
    }
    if (request.headers.authorization === undefined) {
      if (this.isAllowedAddress(request)) return byAddress;
      throw new ApiError(401, 'AUT_MISSING', 'Send "Authorization: Bearer <token>".', [], challenge);
    }
    const waitMs = this.failures.waitMs(request.ip);
    if (waitMs > 0) throw tooMany(waitMs);
    const token = bearerOf(request);
    const principal = token === null ? null : await this.tokens.find(token);
    if (principal) return principal;
    this.failures.take(request.ip);
    throw new ApiError(401, 'AUT_INVALID', 'The token is not one of ours.', [], challenge);
  }

  /** The old intake may know its senders by their network instead of a token. */
  private isAllowedAddress(request: FastifyRequest): boolean {
    const { legacyIntake } = this.config;
    if (typeof legacyIntake === 'string' || request.routeOptions.url !== envelopePath) return false;
    const address = parseAddress(request.ip.replace(/^::ffff:(?=\d+\.)/, ''));
    return address !== null && legacyIntake.some((range) => isInRange(address, range));
  }
}

function bearerOf(request: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

function forbidden(detail: string): ApiError {
  return new ApiError(403, 'AUT_FORBIDDEN', detail);
}

export function tooMany(waitMs: number, detail = 'Too many requests; slow down.'): ApiError {
  const retryAfter = String(Math.max(1, Math.ceil(waitMs / 1000)));
  return new ApiError(429, 'API_RATE_LIMIT', detail, [], { 'retry-after': retryAfter });
}

/**
 * Without tokens the API answers this machine only, and not the web pages that a browser on it shows: a page elsewhere
 * could post an order here as a plain form, and with a name of its own that leads to 127.0.0.1 even read the answer.
 */
function checkItIsUs(request: FastifyRequest, listensOn: string): void {
  const name = hostName(request.headers.host ?? '');
  const known = name === 'localhost' || name === listensOn || (isIP(name) !== 0 && /^(127\.|::1$)/.test(name));
  if (!known) throw forbidden('Without tokens this API answers to its own machine only.');
  const from = request.headers['sec-fetch-site'];
  const origin = request.headers.origin;
  const foreign = origin !== undefined && hostName(originHost(origin)) !== name;
  if (foreign || (from !== undefined && from !== 'same-origin' && from !== 'none')) {
    throw forbidden('Pages of other sites may not use this API.');
  }
}

function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

function hostName(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
