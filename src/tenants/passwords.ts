import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { RefusedError } from '../errors.js';

/** What a hash costs: memory is 128 · 2^ln · r bytes, time grows with all three. */
export interface ScryptCost {
  /** Base-2 logarithm of N. */
  ln: number;
  r: number;
  p: number;
}

/**
 * N = 2^15, r = 8, p = 3: 32 MiB and about 0.2 s each (measured). One of the settings that OWASP's Password Storage Cheat Sheet
 * names as equal to its minimum of N = 2^17, r = 8, p = 1; that one takes 128 MiB, four times as much of what a worker has.
 */
export const owaspCost: ScryptCost = { ln: 15, r: 8, p: 3 };

const saltBytes = 16;
const hashBytes = 32;
/** More would take memory from the orders; and libuv's four threads also look names up and read files. */
const mostAtOnce = 2;
/** About ten seconds of work. Whoever comes later is sent away at once instead of waiting for a time-out. */
const mostWaiting = 100;
/** Beside nobody's hash, for users that do not exist. */
const dummySalt = Buffer.alloc(saltBytes);

/**
 * Passwords as scrypt hashes (RFC 7914), written as `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64 without padding: each carries what
 * it cost, so the cost can be raised while old hashes go on working until {@link isOutdated} has them made anew.
 */
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly cost: ScryptCost = owaspCost) {}

  /** False: a hash asked for now would be refused. */
  get hasRoom(): boolean {
    return this.waiting.length < mostWaiting;
  }

  /** @returns the text to store @throws RefusedError API_RATE_LIMIT when too many wait already */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    const hash = await this.derive(password, salt, hashBytes, this.cost);
    const { ln, r, p } = this.cost;
    return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;
  }

  /**
   * @param stored null where there is no user or no password: takes as long as a wrong password, and is one
   * @throws RefusedError API_RATE_LIMIT when too many wait already; Error when `stored` is not a hash of ours
   */
  async verify(password: string, stored: string | null): Promise<boolean> {
    if (stored === null) {
      await this.derive(password, dummySalt, hashBytes, this.cost);
      return false;
    }
    const { cost, salt, hash } = parse(stored);
    return timingSafeEqual(await this.derive(password, salt, hash.length, cost), hash);
  }

  /** Whether a hash was made at another cost than today's. */
  isOutdated(stored: string): boolean {
    const { ln, r, p } = parse(stored).cost;
    return ln !== this.cost.ln || r !== this.cost.r || p !== this.cost.p;
  }

  private async derive(password: string, salt: Buffer, length: number, { ln, r, p }: ScryptCost): Promise<Buffer> {
    await this.enter();
    try {
      const N = 2 ** ln;
      // The same password, however the keyboard composes its accents (NIST SP 800-63B, 5.1.1.2).
      const text = password.normalize('NFKC');
      return await new Promise((resolve, reject) => {
        const options = { N, r, p, maxmem: 128 * r * (N + p + 2) + 1_048_576 };
        scrypt(text, salt, length, options, (error, key) => (error ? reject(error) : resolve(key)));
      });
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < mostAtOnce) {
      this.running += 1;
      return;
    }
    if (!this.hasRoom)
      throw new RefusedError('API_RATE_LIMIT', 'Too many passwords are being checked; try again soon.');
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Whoever waits takes over the place, so that nobody new can slip in between. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}

function parse(stored: string): { cost: ScryptCost; salt: Buffer; hash: Buffer } {
  const found = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored);
  if (!found) throw new Error('a stored password hash cannot be read');
  const [, ln, r, p, salt = '', hash = ''] = found;
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
