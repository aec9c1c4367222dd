import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

type Params = Record<string, string | number | undefined>;
export type Reply = { id?: string; jobid?: string; jobstatus?: number; jobresult?: Reply; errortext?: string };

class Refused extends Error {}

/** Five tries with exponential backoff and jitter. What the cloud refuses (4xx) is not tried again. */
export async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Refused || tries === 5) throw error;
      await sleep(200 * 2 ** tries * (0.5 + Math.random() / 2));
    }
  }
}

/** One CloudStack account: signed requests, jobs, and what orders share in it. */
export class CloudStack {
  private readonly shared = new Map<string, Promise<string>>();

  constructor(private readonly account: { url: string; apikey: string; secretKey: string }) {}

  async call<T = Reply>(command: string, params: Params): Promise<T> {
    const { url, apikey, secretKey } = this.account;
    const body = new URLSearchParams({ command, response: 'json', apikey });
    for (const [name, value] of Object.entries(params)) if (value !== undefined) body.set(name, `${value}`);
    const text = [...body].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).toSorted();
    body.set('signature', createHmac('sha1', secretKey).update(text.join('&').toLowerCase()).digest('base64'));
    const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
    const [reply] = Object.values((await response.json()) as Record<string, Reply>);
    if (response.ok) return reply as T;
    throw new (response.status < 500 && response.status !== 429 ? Refused : Error)(reply?.errortext);
  }

  /** Asks once a second until the job is over. */
  async job(jobid: string): Promise<void> {
    for (;;) {
      const { jobstatus, jobresult } = await retry(() => this.call('queryAsyncJobResult', { jobid }));
      if (jobstatus === 1) return;
      if (jobstatus === 2) throw new Error(jobresult?.errortext);
      await sleep(1_000);
    }
  }

  /** The id of an offering or a network by its name; made when it is not there, remembered while the process lives. */
  named(kind: string, name: string, params?: Params): Promise<string> {
    const row = kind.toLowerCase();
    const findOrMake = async (): Promise<string> => {
      const list = await this.call<Record<string, { id: string; name: string }[]>>(`list${kind}s`, { listall: 'true' });
      const found = list[row]?.find((one) => one.name === name)?.id;
      if (found) return found;
      const made = await this.call<Record<string, Reply>>(`create${kind}`, { name, displaytext: name, ...params });
      return made[row]?.id ?? '';
    };
    const id = this.shared.get(`${kind} ${name}`) ?? retry(findOrMake);
    this.shared.set(`${kind} ${name}`, id);
    id.catch(() => this.shared.delete(`${kind} ${name}`));
    return id;
  }
}
