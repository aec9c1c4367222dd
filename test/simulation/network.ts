import { type HttpAnswer, type HttpMethod, NoAnswerError, type RestHttp } from '../../src/provisioners/http.js';
import { currentPermission } from '../../src/provisioners/permission.js';
import { type HttpAnswer as CloudAnswer, isHeld, type SimulatedCloud } from '../../src/simulators/http.js';
import type { Trace } from './trace.js';
import type { SimulatedProcess, VirtualTime } from './virtual-time.js';
import type { Watch } from './watch.js';

/**
 * What may happen to one request on its way; the cloud's own faults come on top. `held`: something holds it, silently, and it is
 * carried out long after its client has given up; `held-cut`: the client is told at once that the connection is gone.
 */
export type NetworkFault =
  | 'none'
  | 'no-connection'
  | 'request-lost'
  | 'answer-lost'
  | 'reset'
  | 'answer-late'
  | 'request-late'
  | 'doubled'
  | 'held'
  | 'held-cut';

export interface NetworkWeather {
  delayMs(): number;
  /** @param name of the request, as `nameOf` says it */
  fault(name: string): NetworkFault;
  /** How much later than the client's patience a late one is; of a held one, how long after it was sent it is carried out. */
  lateMs(fault: NetworkFault): number;
  /** How long a request that arrives now stands in the queue of a service that is frozen, ms; null when nobody will ever take it out. */
  queuedMs(name: string, sentAt: number): number | null;
  crossing(process: SimulatedProcess, where: 'before' | 'sent' | 'answered'): void;
}

/**
 * The road between a worker and a cloud. A request that is on it arrives even when its sender is dead; an answer finds
 * nobody then. For the client it ends as it would with the real one: an answer, or a `NoAnswerError`.
 */
export function simulatedHttp(options: {
  time: VirtualTime;
  process: SimulatedProcess;
  cloud: SimulatedCloud;
  /** What a request is called. */
  nameOf(method: string, path: string, body: string): string;
  cloudProcess: SimulatedProcess;
  timeoutMs: number;
  weather: NetworkWeather;
  trace: Trace;
  watch: Pick<Watch, 'requestLeaves' | 'requestArrives'>;
}): RestHttp {
  const { time, process, cloud, cloudProcess, timeoutMs, weather, trace, nameOf, watch } = options;
  async function ask(method: HttpMethod, address: string, body: string, headers: Record<string, string>) {
    const { pathname, search, host } = new URL(address);
    // As the real one does, at the last moment before the bytes leave.
    const permission = method === 'GET' ? undefined : currentPermission();
    if (permission && !permission.now()) await permission.later();
    return new Promise<HttpAnswer>((resolve, reject) => {
      const name = nameOf(method, pathname, body);
      weather.crossing(process, 'before');
      if (!process.alive) return;
      const sent = watch.requestLeaves(process, name, body);
      const fault = weather.fault(name);
      let isOver = false;
      const over = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        deadline.cancelled = true;
        weather.crossing(process, 'answered');
        if (process.alive) settle();
      };
      const fail = (sent: boolean, reason: string) => {
        trace.add(process.name, `http ${name}: no answer (${reason}, ${fault})`);
        reject(new NoAnswerError(sent, reason));
      };
      const deadline = time.after(process, timeoutMs, () => over(() => fail(true, 'TimeoutError')));

      const sentAt = time.elapsedMs;
      const arrive = (isAnswerWanted: boolean) => {
        const queuedMs = weather.queuedMs(name, sentAt);
        if (queuedMs === null)
          return trace.add('cloud', `${name} for ${process.name}: dropped by a service that was away`);
        // In the order in which they came, whether or not anybody still waits for the answer.
        if (queuedMs > 0) return void time.after(cloudProcess, queuedMs + 1, () => arrive(isAnswerWanted));
        watch.requestArrives(sent);
        const answer = cloud.handle({
          method,
          path: pathname,
          query: search.slice(1),
          headers: { host, ...lowerCased(headers) },
          body,
        });
        if (!isHeld(answer)) return answered(answer, isAnswerWanted);
        trace.add('cloud', `${name} for ${process.name}: held, the service is frozen`);
        answer.onAnswer((late) => answered(late, isAnswerWanted));
      };
      const answered = (answer: CloudAnswer | 'cut', isAnswerWanted: boolean) => {
        // As a real server says it with every answer: by its own clock.
        const date = new Date().toUTCString();
        const told = answer === 'cut' ? 'cut' : `${answer.status} ${answer.body.slice(0, 160)}`;
        trace.add('cloud', `${name} for ${process.name}: ${told}`);
        if (!isAnswerWanted || fault === 'answer-lost') return;
        const lateMs = fault === 'answer-late' ? timeoutMs + weather.lateMs(fault) : 0;
        const heldMs = answer === 'cut' ? 0 : (answer.delayMs ?? 0);
        time.after(process, weather.delayMs() + lateMs + heldMs, () =>
          over(() => {
            if (answer === 'cut' || fault === 'reset') return fail(true, 'UND_ERR_SOCKET');
            const answered = { date, ...lowerCased(answer.headers ?? {}) };
            resolve({ status: answer.status, headers: answered, text: answer.body });
          }),
        );
      };
      const delayMs = weather.delayMs();
      if (fault === 'no-connection') {
        time.after(process, delayMs, () => over(() => fail(false, 'ECONNREFUSED')));
      } else if (fault === 'held' || fault === 'held-cut') {
        if (fault === 'held-cut') time.after(process, delayMs, () => over(() => fail(true, 'UND_ERR_SOCKET')));
        time.after(cloudProcess, weather.lateMs(fault), () => arrive(true));
      } else if (fault !== 'request-lost') {
        const lateMs = fault === 'request-late' ? timeoutMs + weather.lateMs(fault) : 0;
        time.after(cloudProcess, delayMs + lateMs, () => arrive(true));
        if (fault === 'doubled') time.after(cloudProcess, delayMs + weather.lateMs(fault), () => arrive(false));
      }
      weather.crossing(process, 'sent');
    });
  }

  return {
    post: (url, body, headers = {}) =>
      ask('POST', url, body, { 'content-type': 'application/x-www-form-urlencoded', ...headers }),
    request: (method, url, body, headers = {}) => ask(method, url, body ?? '', headers),
    close: () => Promise.resolve(),
  };
}

/** As node:http and undici give them. */
function lowerCased<Value>(headers: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
