/** A TCP proxy on the loopback that can be told to treat its connections badly. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Cuts a connection when the answer to a certain request is on its way back: done, and nobody is told. */
export interface LostAnswer {
  /** What the client must have said on this connection, as Latin-1 text. */
  request: RegExp;
  /** What in the server's bytes means that it is done, likewise. */
  answer: string;
  /** Whether it is lost this time. */
  chance(): boolean;
}

interface Pipe {
  queue: { at: number; chunk: Buffer }[];
  timer: NodeJS.Timeout | null;
  /** The end of what went through before, so that a pattern across two chunks is seen. */
  tail: string;
}

interface Pair {
  client: Socket;
  server: Socket;
  up: Pipe;
  down: Pipe;
  asked: boolean;
  /** The client's bytes go nowhere and nothing comes back, and nobody tells it. */
  dead: boolean;
}

const tailLength = 64;
const newPipe = (): Pipe => ({ queue: [], timer: null, tail: '' });

export class ToxicProxy {
  private readonly pairs = new Set<Pair>();
  private frozen = false;
  private turnsAway = false;
  /** Added to each way. */
  latencyMs = 0;
  lostAnswer: LostAnswer | null = null;
  readonly counters = { connections: 0, cuts: 0, lostAnswers: 0 };

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    private readonly targetPort: number,
  ) {
    listener.on('connection', (client) => this.open(client));
  }

  static async start(targetPort: number): Promise<ToxicProxy> {
    // Half-closed connections are passed on as they are.
    const listener = createServer({ allowHalfOpen: false, noDelay: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new ToxicProxy(listener, (listener.address() as AddressInfo).port, targetPort);
  }

  /** Resets every connection. @returns how many */
  cutAll(): number {
    const { size } = this.pairs;
    for (const pair of this.pairs) this.cut(pair);
    return size;
  }

  /** Nothing passes any more; connections stay, and new ones hang too. What was said meanwhile arrives after `thaw`. */
  freeze(): void {
    this.frozen = true;
    for (const { client, server } of this.pairs) for (const socket of [client, server]) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const { client, server } of this.pairs) for (const socket of [client, server]) socket.resume();
  }

  /** The server hears that its clients are gone, the clients hear nothing: a firewall that forgot them. @returns how many */
  halfOpen(): number {
    let count = 0;
    for (const pair of this.pairs) {
      if (pair.dead) continue;
      pair.dead = true;
      pair.server.destroy();
      count += 1;
    }
    return count;
  }

  /** New connections are reset at once, and the open ones now. */
  turnAway(all: boolean): void {
    this.turnsAway = all;
    if (all) this.cutAll();
  }

  async close(): Promise<void> {
    this.cutAll();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private open(client: Socket): void {
    client.on('error', () => undefined); // both ends are torn down together, on 'close'
    if (this.turnsAway) {
      client.resetAndDestroy();
      return;
    }
    this.counters.connections += 1;
    const server = connect({ port: this.targetPort, host: '127.0.0.1', noDelay: true });
    server.on('error', () => undefined);
    const pair: Pair = { client, server, up: newPipe(), down: newPipe(), asked: false, dead: false };
    this.pairs.add(pair);
    client.on('data', (chunk: Buffer) => this.fromClient(pair, chunk));
    server.on('data', (chunk: Buffer) => this.fromServer(pair, chunk));
    client.on('close', () => this.forget(pair));
    server.on('close', () => {
      if (!pair.dead) this.forget(pair);
    });
    if (this.frozen) for (const socket of [client, server]) socket.pause();
  }

  private fromClient(pair: Pair, chunk: Buffer): void {
    if (pair.dead) return;
    if (this.lostAnswer) {
      const text = pair.up.tail + chunk.toString('latin1');
      if (this.lostAnswer.request.test(text)) pair.asked = true;
      pair.up.tail = pair.asked ? '' : text.slice(-tailLength);
    }
    this.pass(pair.up, pair.server, chunk);
  }

  private fromServer(pair: Pair, chunk: Buffer): void {
    if (this.lostAnswer && pair.asked) {
      const text = pair.down.tail + chunk.toString('latin1');
      pair.down.tail = text.slice(-tailLength);
      if (text.includes(this.lostAnswer.answer)) {
        pair.asked = false;
        pair.down.tail = '';
        if (this.lostAnswer.chance()) {
          this.counters.lostAnswers += 1;
          this.cut(pair);
          return;
        }
      }
    }
    this.pass(pair.down, pair.client, chunk);
  }

  /** Later by the latency, never out of order. */
  private pass(pipe: Pipe, to: Socket, chunk: Buffer): void {
    if (this.latencyMs === 0 && pipe.queue.length === 0) {
      to.write(chunk);
      return;
    }
    pipe.queue.push({ at: performance.now() + this.latencyMs, chunk });
    if (pipe.timer === null) this.pump(pipe, to);
  }

  private pump(pipe: Pipe, to: Socket): void {
    pipe.timer = null;
    for (let first = pipe.queue[0]; first !== undefined; first = pipe.queue[0]) {
      const waitMs = first.at - performance.now();
      if (waitMs > 0) {
        pipe.timer = setTimeout(() => this.pump(pipe, to), Math.ceil(waitMs));
        return;
      }
      pipe.queue.shift();
      to.write(first.chunk);
    }
  }

  private cut(pair: Pair): void {
    this.counters.cuts += 1;
    this.pairs.delete(pair);
    for (const socket of [pair.client, pair.server]) socket.resetAndDestroy();
  }

  private forget(pair: Pair): void {
    this.pairs.delete(pair);
    for (const { timer } of [pair.up, pair.down]) if (timer) clearTimeout(timer);
    // What one side said last still reaches the other.
    for (const socket of [pair.client, pair.server]) socket.destroySoon();
  }
}
