/** Numbers of which each is in here once; the lowest comes out first. A heap: putting in and taking out cost log n. */
export class LowestFirst {
  private readonly heap: number[] = [];
  private readonly inside = new Set<number>();

  put(number: number): void {
    if (this.inside.has(number)) return;
    this.inside.add(number);
    let index = this.heap.push(number) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.at(parent) <= number) break;
      this.heap[index] = this.at(parent);
      index = parent;
    }
    this.heap[index] = number;
  }

  take(): number | undefined {
    const [lowest] = this.heap;
    const last = this.heap.pop();
    if (lowest === undefined || last === undefined) return undefined;
    this.inside.delete(lowest);
    if (this.heap.length > 0) this.sink(last);
    return lowest;
  }

  /** Finds the place of what was last, from the top down. */
  private sink(number: number): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = this.at(left + 1) < this.at(left) ? left + 1 : left;
      if (this.at(smaller) >= number) break;
      this.heap[index] = this.at(smaller);
      index = smaller;
    }
    this.heap[index] = number;
  }

  private at(index: number): number {
    return this.heap[index] ?? Number.POSITIVE_INFINITY;
  }
}
