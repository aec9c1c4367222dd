/** Ids that lists do not show for a while (the fault `hide-from-lists`). */
export class HiddenIds {
  readonly #until = new Map<string, number>();

  hide(ids: string[], forMs: number): void {
    for (const id of ids) this.#until.set(id, Date.now() + forMs);
  }

  has(id: string): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(id);
    if (until === undefined) return false;
    if (Date.now() < until) return true;
    this.#until.delete(id);
    return false;
  }
}
