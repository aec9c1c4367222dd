import type { Checker } from './facts.js';
import { boughtKinds, nameOf } from './facts.js';

/**
 * I4 intent first: everything that was ever made carries a marker of a committed operation, so its row was there before
 * (a worker that died between request and commit leaves an effect without a row). Bought things carry one in any case;
 * an address may die before it has its tag.
 */
export const intentFirst: Checker = {
  invariant: 'I4',
  check({ evidence, thingById, operationsByMarker }) {
    if (evidence.clouds.every(({ effects }) => effects.length === 0)) return null;
    const wrong: string[] = [];
    const seen = new Set<string>();
    for (const { effects, foreignIds } of evidence.clouds) {
      for (const { effect, id, operation } of effects) {
        const thing = thingById.get(id);
        if (effect !== 'created' || !thing || seen.has(id) || foreignIds?.includes(id)) continue;
        seen.add(id);
        if (thing.marker === null) {
          const mayLack = !boughtKinds.includes(thing.kind) || thing.kind === 'address';
          if (!mayLack) wrong.push(`${operation} made ${nameOf(thing)}: nobody can tell what for`);
        } else if (!operationsByMarker.has(thing.marker)) {
          wrong.push(`${operation} made ${nameOf(thing)}, and no operation with this marker was committed`);
        }
      }
    }
    return wrong;
  },
};
