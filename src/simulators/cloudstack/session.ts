import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../json.js';
import type { Behaviour } from './behaviour.js';
import { ApiError, unauthorized } from './errors.js';
import { anyCase, type RawParameters } from './parameters.js';
import type { Cloud } from './state/cloud.js';
import type { User } from './state/model.js';

interface Session {
  id: string;
  userId: string;
  key: string;
  usedAt: number;
}

/** HTTP sessions of the login (reference, section 3.2). */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  constructor(
    private readonly behaviour: Behaviour,
    private readonly timeoutSeconds: number,
  ) {}

  login(cloud: Cloud, method: string, raw: RawParameters): { body: JsonObject; cookies: string[] } {
    if (method !== 'POST') throw new ApiError(405, 'Method not allowed: login has to be sent by POST', null);
    const user = cloud.userByName.get(`${domainOf(cloud, raw)}/${raw.get('username') ?? ''}`);
    const account = user === undefined ? undefined : cloud.accounts.get(user.accountId);
    const refused = user === undefined || account === undefined || user.password !== raw.get('password');
    if (refused || user.state !== 'enabled' || account.state === 'locked') {
      throw new ApiError(531, 'Failed to authenticate user; please provide valid credentials', 4290);
    }
    this.#dropIdle();
    const session: Session = {
      id: randomBytes(16).toString('hex').toUpperCase(),
      userId: user.id,
      key: randomBytes(20).toString(this.behaviour.urlSafeSessionKey ? 'base64url' : 'base64'),
      usedAt: Date.now(),
    };
    this.#sessions.set(session.id, session);
    const cookies = [`JSESSIONID=${session.id}; Path=/client; HttpOnly`];
    if (this.behaviour.sessionKeyCookie) {
      cookies.push(`sessionkey=${encodeURIComponent(session.key)}; Path=/client/api; HttpOnly`);
    }
    const body: JsonObject = {
      username: user.username,
      userid: user.id,
      domainid: account.domainId,
      timeout: this.behaviour.timeoutAsText ? String(this.timeoutSeconds) : this.timeoutSeconds,
      account: account.name,
      firstname: user.firstname,
      lastname: user.lastname,
      type: String(account.type),
      registered: 'false',
      sessionkey: session.key,
    };
    if (user.timezone !== null) body['timezone'] = user.timezone;
    return { body, cookies };
  }

  /** The session of a request; null when it names none. A dead session or a wrong key is 401 and ends it. */
  userOf(cloud: Cloud, cookieHeader: string | undefined, raw: RawParameters): User | null {
    const cookies = readCookies(cookieHeader);
    const session = this.#sessions.get(cookies.get('JSESSIONID') ?? '');
    if (session === undefined) return null;
    const idle = Date.now() - session.usedAt > this.timeoutSeconds * 1000;
    const user = cloud.users.get(session.userId);
    if (idle || user?.state !== 'enabled' || !this.#keyMatches(session, cookies.get('sessionkey'), raw)) {
      this.#sessions.delete(session.id);
      throw unauthorized();
    }
    session.usedAt = Date.now();
    return user;
  }

  end(cookieHeader: string | undefined): void {
    this.#sessions.delete(readCookies(cookieHeader).get('JSESSIONID') ?? '');
  }

  clear(): void {
    this.#sessions.clear();
  }

  #keyMatches(session: Session, cookie: string | undefined, raw: RawParameters): boolean {
    const parameter = anyCase(raw, 'sessionkey');
    switch (this.behaviour.sessionKeyCheck) {
      case 'parameter':
        return parameter === session.key;
      case 'both':
        return parameter === session.key && cookie === session.key;
      case 'either':
        return (
          [parameter, cookie].every((key) => key === undefined || key === session.key) &&
          (parameter !== undefined || cookie !== undefined)
        );
    }
  }

  #dropIdle(): void {
    const oldest = Date.now() - this.timeoutSeconds * 1000;
    for (const session of this.#sessions.values()) {
      if (session.usedAt < oldest) this.#sessions.delete(session.id);
    }
  }
}

/** `domain` is a path (`/`, `/ROOT`, or empty); `domainId` an id. */
function domainOf(cloud: Cloud, raw: RawParameters): string {
  const id = anyCase(raw, 'domainid');
  if (id !== undefined && id !== '') return id;
  const path = (raw.get('domain') ?? '/').replace(/^\/|\/$/g, '');
  const wanted = path === '' ? 'ROOT' : path;
  for (const domain of cloud.domains.values())
    if (domain.path === wanted || domain.path === `ROOT/${wanted}`) return domain.id;
  return '';
}

function readCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const value = part
      .slice(equals + 1)
      .trim()
      .replace(/^"|"$/g, '');
    try {
      cookies.set(part.slice(0, equals).trim(), decodeURIComponent(value));
    } catch {
      cookies.set(part.slice(0, equals).trim(), value);
    }
  }
  return cookies;
}
