/** What every adapter's tests ask of the simulated cloud behind it. */
import type { CloudUnderTest } from '../conformance/provisioner.js';
import type { CloudResource } from '../invariants/evidence.js';
import { ControlSide } from '../support/control-side.js';

export interface Controlled extends Pick<CloudUnderTest, 'alive' | 'countAlive' | 'ids'> {
  /** Strikes the next call of the operation, unless the fields say otherwise. */
  fault(operation: string, kind: string, fields?: object): Promise<void>;
  resources(): Promise<CloudResource[]>;
  calls(): Promise<Record<string, number>>;
}

/**
 * @param words what a cloud's own states and kinds say: whether a thing lives on its own, and whether it is one that is bought (a
 * VM's own disk is not)
 */
export function controlled(
  url: string,
  words: { lives(thing: CloudResource): boolean; isBought(thing: CloudResource): boolean },
): Controlled {
  const control = ControlSide.at(url);
  const alive = async () => (await control.resources()).filter((thing) => words.lives(thing));
  return {
    fault: (operation, kind, fields = {}) => control.fault({ operation, kind, times: 1, ...fields }),
    resources: () => control.resources(),
    calls: () => control.calls(),
    alive: async (marker) => (await alive()).filter((thing) => thing.marker === marker),
    countAlive: async () => (await alive()).length,
    ids: async () =>
      (await alive())
        .filter((thing) => ['vm', 'volume', 'address'].includes(thing.kind) && words.isBought(thing))
        .map(({ id }) => id),
  };
}
