/** The control side that every simulated cloud serves under `/_sim/`. */
import type { CloudEffect, CloudResource } from '../invariants/evidence.js';

export class ControlSide {
  constructor(
    /** Over HTTP, or of a cloud in this process. Anything but a success is an error: a fault that was refused tests nothing. */
    private readonly ask: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<unknown>,
  ) {}

  /** @param url of the cloud; a path in it does not matter */
  static at(url: string): ControlSide {
    return new ControlSide(async (method, path, body) => {
      const answer = await fetch(new URL(path, url), {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
      return answer.json();
    });
  }

  /** Everything that lives on the cloud. */
  async resources(): Promise<CloudResource[]> {
    return ((await this.ask('GET', '/_sim/resources')) as { resources: CloudResource[] }).resources;
  }

  /** Everything the cloud made, changed or removed, oldest first. */
  async effects(): Promise<CloudEffect[]> {
    return (await this.effectsKept()).effects;
  }

  /** The same, with how many older ones it no longer has. */
  async effectsKept(): Promise<{ effects: CloudEffect[]; dropped: number }> {
    return (await this.ask('GET', '/_sim/effects')) as { effects: CloudEffect[]; dropped: number };
  }

  /** How many calls there were of all operations. */
  async countCalls(): Promise<number> {
    return Object.values(await this.calls()).reduce((sum, count) => sum + count, 0);
  }

  /** How often each operation was called. */
  async calls(): Promise<Record<string, number>> {
    return ((await this.ask('GET', '/_sim/calls')) as { calls: Record<string, number> }).calls;
  }

  /** Switches faults on, besides those that are on. */
  async fault(...faults: object[]): Promise<void> {
    await this.ask('POST', '/_sim/faults', faults);
  }

  async clearFaults(): Promise<void> {
    await this.ask('DELETE', '/_sim/faults');
  }

  /** How long jobs take, from now on. */
  async latency(minMs: number, maxMs: number): Promise<void> {
    await this.ask('POST', '/_sim/latency', { minMs, maxMs });
  }

  /** Back to the state of the start. */
  async reset(): Promise<void> {
    await this.ask('POST', '/_sim/reset');
  }
}
