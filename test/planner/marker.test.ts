import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { markerFor, preparationMarker, requestIdFor } from '../../src/planner/marker.js';

describe('a marker', () => {
  it('is short, and made of characters every cloud takes in a name', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (installation, producer, order, part) => {
        expect(markerFor(installation, producer, order, part, 'vm.create')).toMatch(/^ow-[0-9a-v]{16}$/);
      }),
    );
  });

  it('never changes for the same operation: resources in the clouds carry it', () => {
    expect(markerFor('inst', 'default', 'WO1', 'VM/a#1', 'vm.create')).toBe('ow-05n6c71ks6j7hrj7');
    expect(preparationMarker('inst', 'p1', 'default-network/u1')).toBe('ow-14fnp6067vvm2l4h');
  });

  it('never collides in a hundred thousand operations', () => {
    const markers = new Set<string>();
    for (let order = 0; order < 25_000; order++) {
      for (const part of ['VM/a#1', 'VM/a#2', 'EBS/a#1']) {
        markers.add(markerFor('inst', 'default', `WO${order}`, part, 'vm.create'));
      }
      markers.add(preparationMarker('inst', 'p1', `default-network/${order}`));
    }
    expect(markers.size).toBe(100_000);
  });

  it('is another one wherever one of the words differs, also when their letters in a row are the same', () => {
    const words = fc.tuple(fc.string(), fc.string(), fc.string(), fc.string());
    fc.assert(
      fc.property(words, words, (a, b) => {
        fc.pre(a.some((word, index) => word !== b[index]));
        expect(markerFor(...a, 'vm.create')).not.toBe(markerFor(...b, 'vm.create'));
      }),
    );
    expect(markerFor('ab', 'c', 'd', 'e', 'vm.create')).not.toBe(markerFor('a', 'bc', 'd', 'e', 'vm.create'));
    expect(markerFor('a', 'b', 'c', 'd', 'vm.create')).not.toBe(markerFor('a', 'b', 'c', 'd', 'vm.delete'));
  });
});

describe('the id of a request', () => {
  it('is the same for the same attempt and stage, and another one for the next', () => {
    const create = { marker: 'ow-1', name: 'vm.create' } as const;
    const ids = [
      requestIdFor('order-1', create, 1, null),
      requestIdFor('order-1', create, 2, null),
      requestIdFor('order-1', create, 1, ''),
      requestIdFor('order-1', create, 1, 'resize'),
      requestIdFor('order-1', { ...create, name: 'vm.delete' }, 1, null),
      requestIdFor('order-1', { ...create, marker: 'ow-2' }, 1, null),
      // What is prepared again has the same marker, and a cloud that knows the id of a job refuses it.
      requestIdFor('order-2', create, 1, null),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(requestIdFor('order-1', create, 1, null)).toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
