/** Chance that can be repeated: every scenario prints its seed and takes `SEED=`. */
export interface Random {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  pick<T>(values: readonly T[]): T;
  /** So many characters of an alphabet. */
  text(length: number, alphabet: string): string;
  uuid(): string;
  shuffle<T>(values: readonly T[]): T[];
}

/** Mulberry32: small, and good enough to choose test cases with. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(values: readonly T[]): T => {
    const value = values[int(0, values.length - 1)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  };
  const text = (length: number, alphabet: string): string =>
    Array.from({ length }, () => alphabet[int(0, alphabet.length - 1)]).join('');
  return {
    next,
    int,
    pick,
    text,
    uuid: () => [8, 4, 4, 4, 12].map((length) => text(length, '0123456789abcdef')).join('-'),
    shuffle: (values) => {
      const shuffled = [...values];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const other = int(0, i);
        [shuffled[i], shuffled[other]] = [shuffled[other] as (typeof shuffled)[0], shuffled[i] as (typeof shuffled)[0]];
      }
      return shuffled;
    },
  };
}

/** `SEED=` or a new one, said once so that a failure can be repeated. */
export function scenarioSeed(scenario: string): number {
  const given = Number(process.env['SEED'] ?? '');
  const seed = Number.isSafeInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 999_999_999);
  process.stderr.write(`${scenario}: SEED=${seed}\n`);
  return seed;
}

/** How many orders a scenario makes: `ORDERS=` or its own number. */
export function scenarioSize(usual: number): number {
  const given = Number(process.env['ORDERS'] ?? '');
  return Number.isSafeInteger(given) && given > 0 ? given : usual;
}
