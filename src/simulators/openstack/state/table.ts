/** Rows by id and by project, so that the lists of one tenant do not walk through everybody's things. */
export class Table<T extends { id: string; projectId: string }> {
  readonly #rows = new Map<string, T>();
  readonly #byProject = new Map<string, Set<T>>();

  add(row: T): T {
    this.#rows.set(row.id, row);
    const own = this.#byProject.get(row.projectId);
    if (own === undefined) this.#byProject.set(row.projectId, new Set([row]));
    else own.add(row);
    return row;
  }

  remove(row: T): void {
    if (!this.#rows.delete(row.id)) return;
    const own = this.#byProject.get(row.projectId);
    own?.delete(row);
    if (own?.size === 0) this.#byProject.delete(row.projectId);
  }

  get(id: string | null | undefined): T | undefined {
    return id === null || id === undefined ? undefined : this.#rows.get(id);
  }

  get size(): number {
    return this.#rows.size;
  }

  values(): Iterable<T> {
    return this.#rows.values();
  }

  ofProject(projectId: string): Iterable<T> {
    return this.#byProject.get(projectId) ?? [];
  }

  countOf(projectId: string): number {
    return this.#byProject.get(projectId)?.size ?? 0;
  }
}
