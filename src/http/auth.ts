import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './problem.js';

export interface AuthOptions {
  requireToken: boolean;
  apiTokens: { name: string; sha256: string }[];
  /** Host the API was told to listen on; allowed beside the names of this machine. */
  host: string;
}

/** Answers without a token: what a load balancer asks, and what the API is. */
const openPaths = new Set(['/healthz', '/readyz', '/openapi.json', '/asyncapi.json']);

/** Refuses who may not ask. @throws ApiError */
export function checkAccess(request: FastifyRequest, options: AuthOptions): void {
  const path = request.url.split('?', 1)[0] ?? '';
  if (openPaths.has(path)) return;
  if (!options.requireToken) {
    checkItIsUs(request, options.host);
    return;
  }
  const header = request.headers.authorization;
  if (header === undefined) {
    throw new ApiError(401, 'AUT_MISSING', 'Send "Authorization: Bearer <token>".', [], challenge);
  }
  const [, token] = /^Bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined || !isKnown(token, options.apiTokens)) {
    throw new ApiError(401, 'AUT_INVALID', 'The token is not one of ours.', [], challenge);
  }
}

const challenge = { 'www-authenticate': 'Bearer' };

/** Every token is compared, each in constant time: neither which one nor how much of it was right can be measured. */
function isKnown(token: string, known: AuthOptions['apiTokens']): boolean {
  const given = createHash('sha256').update(token).digest();
  let found = false;
  for (const { sha256 } of known) {
    const wanted = Buffer.from(sha256, 'hex');
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) found = true;
  }
  return found;
}

/**
 * Without tokens the API answers this machine only, and not the web pages that a browser on it shows: a page elsewhere
 * could post an order here as a plain form, and with a name of its own that leads to 127.0.0.1 even read the answer.
 */
function checkItIsUs(request: FastifyRequest, listensOn: string): void {
  const name = hostName(request.headers.host ?? '');
  const known = name === 'localhost' || name === listensOn || (isIP(name) !== 0 && /^(127\.|::1$)/.test(name));
  if (!known) throw new ApiError(403, 'AUT_FORBIDDEN', 'Without tokens this API answers to its own machine only.');
  const from = request.headers['sec-fetch-site'];
  const origin = request.headers.origin;
  const foreign = origin !== undefined && hostName(originHost(origin)) !== name;
  if (foreign || (from !== undefined && from !== 'same-origin' && from !== 'none')) {
    throw new ApiError(403, 'AUT_FORBIDDEN', 'Pages of other sites may not use this API.');
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
