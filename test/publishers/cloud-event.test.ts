import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/properties.js';
import { z } from 'zod';
import type { ItemStatus } from '../../src/machines/order-state.js';
import { cloudEvent, CloudEvent, eventData, type EventFact, eventNames } from '../../src/publishers/cloud-event.js';

const fact: EventFact = {
  installationId: 'house-1',
  producer: 'default',
  workOrderId: 'WO20171214074649656662xb0y',
  itemKey: 'VM/7e9cef89-2cc5-44fb-8e03-12989ad7c37a',
  type: 'item.job-submitted',
  ordinal: 1,
  sequence: 4,
  at: new Date('2026-03-01T12:00:00Z'),
  data: { operation: 'vm.create', jobId: 'j1' },
};

describe('an event', () => {
  it('is CloudEvents 1.0', () => {
    expect(cloudEvent(fact)).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      source: '/orderwright/house-1',
      type: 'orderwright.item.job-submitted.v1',
      subject: 'WO20171214074649656662xb0y',
      time: '2026-03-01T12:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: 4,
      data: { operation: 'vm.create', jobId: 'j1' },
    });
  });

  it('fits the published schema', () => {
    for (const type of eventNames) expect(() => CloudEvent.parse(cloudEvent({ ...fact, type }))).not.toThrow();
  });

  it('has the same id each time it is sent, whatever else of it changed', () => {
    const again = { ...fact, at: new Date(0), sequence: 9, data: {} };
    expect(cloudEvent(again).id).toBe(cloudEvent(fact).id);
  });

  it('has an id that no other event has', () => {
    const facts: EventFact[] = [
      fact,
      { ...fact, ordinal: 2 },
      { ...fact, type: 'item.started' },
      { ...fact, itemKey: null },
      { ...fact, itemKey: 'EBS/7e9cef89-2cc5-44fb-8e03-12989ad7c37a' },
      { ...fact, workOrderId: 'WO2' },
      { ...fact, producer: 'other' },
      { ...fact, installationId: 'house-2' },
    ];
    expect(new Set(facts.map((one) => cloudEvent(one).id)).size).toBe(facts.length);
    const words = fc.tuple(fc.string(), fc.string(), fc.string());
    fc.assert(
      fc.property(words, words, (a, b) => {
        fc.pre(a.join('\n') !== b.join('\n'));
        const id = ([producer, workOrderId, itemKey]: [string, string, string]) =>
          cloudEvent({ ...fact, producer, workOrderId, itemKey }).id;
        expect(id(a)).not.toBe(id(b));
      }),
    );
  });

  it('has a source that is a URI reference, whatever the installation is called', () => {
    expect(cloudEvent({ ...fact, installationId: 'a b/ü' }).source).toBe('/orderwright/a%20b%2F%C3%BC');
  });
});

describe('the data of events', () => {
  it('is described for every event of the contract', () => {
    const promised = [
      ...['received', 'planned', 'started', 'held', 'completed', 'partial', 'failed', 'cancelled'].map(
        (one) => `work-order.${one}`,
      ),
      ...['started', 'job-submitted', 'completed', 'failed', 'compensated'].map((one) => `item.${one}`),
    ];
    expect(eventNames).toEqual(expect.arrayContaining(promised));
  });

  it('can be published as JSON schema', () => {
    for (const schema of [CloudEvent, ...Object.values(eventData)]) {
      expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object' });
    }
  });

  it.each<ItemStatus>([
    ...(['pending', 'provisioning', 'completed', 'failed'] as const),
    ...(['cancelled', 'held', 'compensating', 'compensated'] as const),
  ])('takes a line that is %s, as every final event may have it', (status) => {
    const line = { workOrderItemId: '83', resourceId: 'r', status, chargeable: status === 'completed', failure: null };
    for (const end of ['completed', 'partial', 'failed', 'cancelled'] as const) {
      expect(eventData[`work-order.${end}`].safeParse({ items: [line] }).error).toBeUndefined();
    }
  });

  it('says for each line of a finished order whether it may be charged', () => {
    const line = {
      workOrderItemId: '83',
      resourceId: 'r',
      status: 'completed',
      chargeable: true,
      facts: [{ vmId: 'v' }],
      startedAt: '2026-03-01T12:00:00+0800',
    };
    const good = { ...line, startedAt: '2026-03-01T12:00:00+08:00', cloudResourceIds: ['v'] };
    expect(eventData['work-order.completed'].safeParse({ items: [good] }).success).toBe(true);
    expect(eventData['work-order.completed'].safeParse({ items: [line] }).success).toBe(false);
    expect(eventData['work-order.completed'].safeParse({ items: [{ ...good, chargeable: undefined }] }).success).toBe(
      false,
    );
  });
});
