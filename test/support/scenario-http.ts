/** Billing over HTTP: posts until it is answered, as its own client does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentMessage } from '../invariants/evidence.js';
import type { ScenarioMessage } from './scenario-orders.js';
import type { RunningWorker, World } from './scenario-world.js';

export class HttpSender {
  /** Posts that were not answered: nobody knows whether they were stored. */
  unanswered = 0;
  /** Every post that reached a worker, or may have. */
  readonly sent: SentMessage[] = [];
  private readonly posts: Promise<void>[] = [];

  constructor(
    private readonly world: World,
    /** The worker to ask, which may be another one at every try; null while there is none. */
    private readonly worker: () => RunningWorker | null,
  ) {}

  /** Posts it, again and again until there is an answer; the first time after so long. */
  post(message: ScenarioMessage, delayMs = 0): void {
    this.posts.push(sleep(delayMs).then(() => this.untilAnswered(message)));
  }

  /** @throws when one of them was answered in a way that it must not be */
  async done(): Promise<void> {
    await Promise.all(this.posts);
  }

  private async untilAnswered({ bytes, contentType, becomes, made, workOrderId }: ScenarioMessage): Promise<void> {
    for (;;) {
      const worker = this.worker();
      const answer =
        worker &&
        (await this.world
          .api(worker, '/api/msg/order/', {
            method: 'POST',
            body: new Uint8Array(bytes),
            headers: { 'content-type': contentType },
          })
          .catch((error: unknown) => (wasRefused(error) ? null : ('lost' as const))));
      if (answer !== null) {
        this.sent.push({ channel: 'http', bytes, workOrderId, answer: answer === 'lost' ? null : answer.status });
      }
      // "Try again" may be said of a message whose commit happened and whose database could not say so.
      if (answer === 'lost' || (answer !== null && answer.status >= 500)) this.unanswered += 1;
      if (answer !== null && answer !== 'lost' && answer.status < 500) {
        const { errstatus } = (await answer.json().catch(() => ({}))) as { errstatus?: string };
        const wanted = becomes.verdict === 'order' ? 'SUCCESS' : 'ERROR';
        // An answer cut in half is no answer.
        if (errstatus === wanted) return;
        if (errstatus !== undefined) throw new Error(`${workOrderId} ${made}: answered ${answer.status} ${errstatus}`);
        this.unanswered += 1;
      }
      await sleep(100);
    }
  }
}

/** Nobody listened there: nothing was sent. */
function wasRefused(error: unknown): boolean {
  return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED';
}
