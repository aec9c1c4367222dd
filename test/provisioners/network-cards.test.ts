import { describe, expect, it } from '@jest/globals';
import { namedNetworks } from '../../src/provisioners/network-cards.js';
import { vmConfig } from './an-order.js';

const named = (networkId: string | null, ...networkCards: { [key: string]: string | number | null }[]) =>
  namedNetworks({ ...vmConfig, networkId, networkCards });

describe("a VM's networks", () => {
  it('are none when the message names none: the tenant’s default network is for that', () => {
    expect(named(null)).toEqual([]);
  });

  it.each(['networkId', 'networkid', 'network_uuid', 'id'])('are read off a card that spells it %s', (spelling) => {
    expect(named(null, { [spelling]: 'n1' })).toEqual(['n1']);
  });

  it('begin with the one that the VM names itself', () => {
    expect(named('n2', { networkId: 'n1' })).toEqual(['n2', 'n1']);
  });

  it('stand in the order of the cards when the VM names one of theirs, and are not named twice', () => {
    expect(named('n2', { networkId: 'n1' }, { networkId: 'n2' })).toEqual(['n1', 'n2']);
  });

  it.each([[{ mac: 'x' }], [{ networkId: '' }], [{ networkId: 7 }], [{ networkId: null }]])(
    'are unknown where a card says no readable id (%j)',
    (card) => {
      expect(named(null, card)).toEqual([null]);
    },
  );
});
