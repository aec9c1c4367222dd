import type { Owned } from './model.js';

/** Rows by id and by account, so that the lists of one customer do not walk through everybody's things. */
export class Table<T extends Owned> {
  readonly #rows = new Map<string, T>();
  readonly #byAccount = new Map<string, Set<T>>();

  constructor(
    /** Singular noun for texts and the job's `jobinstancetype`. */
    readonly noun: string,
    private readonly removed: RemovedIds,
  ) {}

  get size(): number {
    return this.#rows.size;
  }

  add(row: T): T {
    this.#rows.set(row.id, row);
    this.removed.delete(row.id);
    const own = this.#byAccount.get(row.accountId);
    if (own === undefined) this.#byAccount.set(row.accountId, new Set([row]));
    else own.add(row);
    return row;
  }

  remove(row: T): void {
    if (!this.#rows.delete(row.id)) return;
    const own = this.#byAccount.get(row.accountId);
    own?.delete(row);
    if (own?.size === 0) this.#byAccount.delete(row.accountId);
    this.removed.add(row.id);
  }

  get(id: string | null | undefined): T | undefined {
    return id === null || id === undefined ? undefined : this.#rows.get(id);
  }

  values(): Iterable<T> {
    return this.#rows.values();
  }

  ofAccount(accountId: string): Iterable<T> {
    return this.#byAccount.get(accountId) ?? [];
  }
}

/** Ids of removed rows: they still resolve in lists (to nothing), and cannot be used again (unique constraint), but for addresses'. */
export class RemovedIds {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= 200_000) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}

/** A one-to-many index that forgets its empty entries. */
export class Index<T> {
  readonly #sets = new Map<string, Set<T>>();

  add(key: string, value: T): void {
    const set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, new Set([value]));
    else set.add(value);
  }

  delete(key: string, value: T): void {
    const set = this.#sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.#sets.delete(key);
  }

  get(key: string): ReadonlySet<T> {
    return this.#sets.get(key) ?? new Set<T>();
  }
}
