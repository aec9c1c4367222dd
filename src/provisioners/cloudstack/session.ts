import { z } from 'zod';
import { ProvisioningError } from '../../errors.js';
import type { HttpAnswer } from '../http.js';
import { isRefusal } from './refusals.js';

const LoginAnswer = z.object({ sessionkey: z.string().min(1) });

export interface Session {
  key: string;
  /** `JSESSIONID` and, from 4.5, `sessionkey`: some versions look at the parameter, some at the cookie, some at both. */
  cookie: string;
}

/** One login for all callers, however many find at once that they need it. */
export interface SessionKeeper {
  current(): Promise<Session>;
  /** Only drops the session the caller used: another caller may have logged in again meanwhile. */
  forget(used: Session): void;
}

type Post = (params: Record<string, string>) => Promise<{ wrapper: unknown; headers: HttpAnswer['headers'] }>;

export function openSession(
  { username, password, domain }: { username: string; password: string; domain: string },
  post: Post,
): SessionKeeper {
  let pending: Promise<Session> | null = null;
  let open: Session | null = null;

  async function login(): Promise<Session> {
    let answer: Awaited<ReturnType<Post>>;
    try {
      answer = await post({ command: 'login', username, password, domain, response: 'json' });
    } catch (error) {
      // A bad password is 531 at the login, where elsewhere it means a missing permission.
      if (!isRefusal(error, 531)) throw error;
      throw new ProvisioningError('ask-human', 'CLD_AUTH', error.message, error.details);
    }
    const read = LoginAnswer.safeParse(answer.wrapper);
    if (!read.success)
      throw new ProvisioningError('retry', 'CLD_RESPONSE_TYPE', 'CloudStack login: no session key in the answer');
    const cookies = [answer.headers['set-cookie'] ?? []].flat();
    return { key: read.data.sessionkey, cookie: cookies.map((cookie) => cookie.split(';')[0] ?? '').join('; ') };
  }

  return {
    async current() {
      if (open) return open;
      pending ??= login().finally(() => (pending = null));
      open = await pending;
      return open;
    },
    forget(used) {
      if (open === used) open = null;
    },
  };
}
