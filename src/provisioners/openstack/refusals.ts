import { z } from 'zod';
import { cutText } from '../../cut-text.js';
import { type Disposition, OutcomeUnknownError, ProvisioningError } from '../../errors.js';
import { askedWaitMs, howItFailed, type HttpAnswer } from '../http.js';
import type { Sign } from '../pace.js';

export type Service = 'identity' | 'compute' | 'network' | 'volume' | 'image';
export type Kind = 'read' | 'change';

const Coded = z.object({ code: z.union([z.number(), z.string()]), message: z.string() });
const OfNeutron = z.object({ type: z.string(), message: z.string().catch('') });

/** What a service itself said: the class or type of its refusal, and the text for people. */
interface Said {
  type: string;
  text: string;
}

/** The error bodies of all services (reference section 1, "Error bodies"); null for anything else, a proxy's page say. */
function readError(text: string): Said | null {
  const body = parse(text);
  if (body === null) return null;
  const whole = Coded.safeParse(body);
  if (whole.success) return { type: '', text: whole.data.message };
  const [first] = Object.entries(body);
  if (!first) return null;
  const [key, value] = first;
  const neutron = OfNeutron.safeParse(value);
  if (key === 'NeutronError' && neutron.success) return { type: neutron.data.type, text: neutron.data.message };
  const coded = Coded.safeParse(value);
  // Nova and Cinder name the class in the key; Keystone's key is always `error`.
  return coded.success ? { type: key === 'error' ? '' : key, text: coded.data.message } : null;
}

function parse(text: string): object | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : null;
  } catch {
    return null;
  }
}

type Sorted = { disposition: Disposition; code: string };
const rejected = (code: string): Sorted => ({ disposition: 'reject', code });
const later = (code: string): Sorted => ({ disposition: 'retry', code });
const person = (code: string): Sorted => ({ disposition: 'ask-human', code });

/** Nova's ways of saying 403 of a quota: its own, and Neutron's passed on (`Maximum number of ports exceeded`). */
const quotaWords = /^(quota exceeded|maximum number of .+ exceed)/i;

/**
 * The table "What an error means" of the reference. Texts are looked at in two places only, where OpenStack says two
 * things under one status and type: Nova's quota (403) and Nova's busy server (409).
 */
function sortRefusal(service: Service, status: number, { type, text }: Said): Sorted | null {
  switch (status) {
    case 400:
      // guess: Neutron's way of saying that the external network is full; the type's name is not from the lab.
      return type.includes('IpAddressExhausted') ? later('CLD_CAPACITY') : rejected('CLD_PARAMETER');
    case 401:
      return person('CLD_AUTH');
    case 403:
      return quotaWords.test(text) || type === 'OverQuota' ? rejected('CLD_QUOTA') : person('CLD_PERMISSION');
    case 404:
      return rejected('CLD_PARAMETER');
    case 405:
    case 406:
      return person('CLD_UNSUPPORTED');
    case 409:
      return sortConflict(service, type, text);
    // Of a proxy that waited for the service in vain: what became of the request nobody knows.
    case 408:
      return null;
    case 412:
      return later('CLD_IN_USE');
    case 413:
      return rejected(service === 'volume' ? 'CLD_QUOTA' : 'CLD_PARAMETER');
    case 429:
      return later('CLD_THROTTLED');
    default:
      return status >= 400 && status < 500 ? rejected('CLD_PARAMETER') : null;
  }
}

function sortConflict(service: Service, type: string, text: string): Sorted {
  if (type === 'OverQuota') return rejected('CLD_QUOTA');
  if (/AddressGenerationFailure|AddressExhausted/.test(type)) return later('CLD_CAPACITY');
  if (/InUse/.test(type)) return later('CLD_IN_USE');
  // Busy with something else; any other conflict of Nova's means that the action does not apply.
  if (service === 'compute' && /task_state|is locked/.test(text)) return later('CLD_IN_USE');
  return rejected('CLD_CONFLICT');
}

/**
 * Turns an answer that is no success into the house's errors. Only the service's own error body proves that nothing was
 * done; a page of HTML may come from a proxy behind which the request went through. 401 and 429 are the exceptions:
 * whoever says so has passed nothing on.
 *
 * @param what names the request for people, e.g. `compute POST /servers`
 */
export function errorOf(service: Service, what: string, kind: Kind, answer: HttpAnswer, secrets: string[]): Error {
  const { status } = answer;
  const said = readError(answer.text);
  const text = readableText(said?.text ?? '', secrets);
  const cloudCode = said?.type ? `${status}/${said.type}` : `${status}`;
  const message = `OpenStack ${what} answered ${cloudCode}${said ? '' : ' without the usual body'}${text === '' ? '' : `: ${text}`}`;
  const waitMs = askedWaitMs(answer.headers);
  // Cinder's quota says `Retry-After: 0`; only a positive one asks to wait.
  if (status === 429 || (status === 413 && waitMs !== undefined && waitMs > 0)) {
    const details = waitMs === undefined ? { cloudCode } : { cloudCode, retryAfterMs: waitMs };
    return new ProvisioningError('retry', 'CLD_THROTTLED', message, details);
  }
  const sorted = said || status === 401 ? sortRefusal(service, status, said ?? { type: '', text: '' }) : null;
  if (sorted) return new ProvisioningError(sorted.disposition, sorted.code, message, { cloudCode });
  if (kind === 'change') return new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message, howItFailed(answer));
  const details = waitMs === undefined || waitMs === 0 ? { cloudCode } : { cloudCode, retryAfterMs: waitMs };
  return new ProvisioningError('retry', said ? 'CLD_UNAVAILABLE' : 'CLD_UNREACHABLE', message, details);
}

/** Was this error a refusal of the cloud's with one of these statuses? */
export function isRefusal(error: unknown, ...statuses: number[]): error is ProvisioningError {
  if (!(error instanceof ProvisioningError)) return false;
  return statuses.includes(Number(error.details.cloudCode?.split('/')[0]));
}

/** Neutron's `type` or the class that Nova and Cinder name; '' when there is none. */
export function refusalType(error: ProvisioningError): string {
  return error.details.cloudCode?.split('/')[1] ?? '';
}

/** What an answer says of the cloud as a whole: the services' own refusals below 500 prove that it is up. */
export function signOf(answer: HttpAnswer): Sign | null {
  const waitMs = askedWaitMs(answer.headers) ?? null;
  if (answer.status === 429 || (answer.status === 413 && waitMs !== null && waitMs > 0)) {
    return { kind: 'throttled', reason: `answered ${answer.status}`, retryAfterMs: waitMs };
  }
  const html = answer.text.trimStart().startsWith('<') && answer.status >= 400;
  if (![500, 502, 503, 504].includes(answer.status) && !html) return null;
  const reason = `answered ${answer.status}${html ? ' with a page of HTML' : ''}`;
  return { kind: 'trouble', reason, retryAfterMs: answer.status === 503 ? waitMs : null };
}

/** Text of a cloud for people: one line, cut, and without any of the secrets that were part of the request. */
export function readableText(text: string, secrets: string[]): string {
  const clean = secrets
    .filter((secret) => secret.length > 0)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  // Lone surrogates too: what a cloud says ends up in jsonb, which takes none.
  return cutText(
    clean
      .replace(/<[^>]*>/g, ' ')
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .replace(/\p{Surrogate}/gu, '\ufffd')
      .trim(),
    200,
  );
}
