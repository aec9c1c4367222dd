import { describe, expect, it } from '@jest/globals';
import { CloudEvent } from '../../src/publishers/cloud-event.js';
import { eventMessage } from '../../src/publishers/event-message.js';
import type { StoredEvent } from '../../src/store/events.js';

const stored: StoredEvent = {
  orderId: '5d1ba4b6-6d0b-5f9a-9a26-5c7a3c1f6f10',
  producer: 'default',
  workOrderId: 'WO-1',
  sequence: 4,
  type: 'item.completed',
  itemIndex: 2,
  workOrderItemId: '106',
  resourceId: 'disk-1',
  resourceType: 'EBS',
  at: new Date('2026-01-02T03:04:05.678Z'),
  data: { cloudResourceIds: ['v-1'], startedAt: null, facts: [] },
  cursor: { tx: '77', orderId: '5d1ba4b6-6d0b-5f9a-9a26-5c7a3c1f6f10', sequence: 4 },
};

describe('a stored event as the world sees it', () => {
  it('is a CloudEvent that says which line of which order it is about', () => {
    const message = eventMessage('i1', stored);
    expect(CloudEvent.parse(message)).toEqual(message);
    expect(message).toMatchObject({
      type: 'orderwright.item.completed.v1',
      source: '/orderwright/i1',
      subject: 'WO-1',
      sequence: 4,
      time: '2026-01-02T03:04:05.678Z',
      data: { workOrderItemId: '106', resourceId: 'disk-1', itemIndex: 2, cloudResourceIds: ['v-1'] },
    });
  });

  it('is about the order alone when no item is named', () => {
    const { data } = eventMessage('i1', { ...stored, type: 'work-order.started', itemIndex: null, data: {} });
    expect(data).toEqual({});
  });

  it('is the same at every redelivery, wherever the database keeps it meanwhile', () => {
    const again = eventMessage('i1', { ...stored, cursor: { ...stored.cursor, tx: '99999' } });
    expect(again).toEqual(eventMessage('i1', stored));
  });

  it.each<[string, Partial<StoredEvent>, string]>([
    ['a later event', { sequence: 5 }, 'i1'],
    ['another line with the same number', { itemIndex: 3, resourceId: 'vm-1' }, 'i1'],
    ['another order', { workOrderId: 'WO-2' }, 'i1'],
    ['the order of another sender', { producer: 'other' }, 'i1'],
    ['another type', { type: 'item.failed' }, 'i1'],
    ['another installation', {}, 'i2'],
  ])('has another id than that of %s', (_what, change, installationId) => {
    expect(eventMessage(installationId, { ...stored, ...change }).id).not.toBe(eventMessage('i1', stored).id);
  });
});
