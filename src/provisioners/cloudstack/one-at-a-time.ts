/** Lets one piece of work run at a time, in the order in which they came. */
export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue in memory, of one process: it spares the cloud, and is not what keeps anything from being made twice. */
export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
