/** A run as it should be, small enough to be broken by hand: what each checker is shown before it sees its mutants. */
import type {
  CloudEffect,
  CloudEvidence,
  CloudResource,
  Evidence,
  SeenCallback,
  SeenEvent,
  SeenRejection,
  SentMessage,
} from './evidence.js';
import { type Facts, factsOf } from './facts.js';
import {
  type EventRow,
  type ItemRow,
  type MessageRow,
  type OperationRow,
  type Ordered,
  type OrderRow,
  type Rows,
  sha256,
} from './rows.js';

/** The parts of a run, to be changed before they are put side by side. */
export interface Sample {
  rows: Rows;
  cloud: CloudEvidence;
  sent: SentMessage[];
  events: SeenEvent[];
  rejected: SeenRejection[];
  callbacks: SeenCallback[];
  evidence: Pick<Evidence, 'readers' | 'intake' | 'levers' | 'outputs' | 'secrets'>;
}

const topic = 'work-orders';
export const secret = 'canary/K0pf+stand?';

/**
 * - `WO-full` (account a1): a VM, a disk and an address, all delivered; came twice, and once with other content.
 * - `WO-part` (a1): the VM delivered, the address refused after it was reserved, and given back.
 * - `WO-undone` (a2): cancelled by an operator; the VM removed, a disk that would not go listed as an orphan.
 * - `WO-held` (a2): the outcome of its VM's create is unclear, a person has to look.
 * - `WO-open` (a2): came by HTTP, one item, delivered, with a callback.
 * - a preparation: the default network that they share.
 * - two records that nobody can read.
 */
export function sampleRun(): Sample {
  const run = new Recorder();
  const network = run.order('WO-network', '', 'preparation');
  run.operation(network, 0, 'default-network.ensure', { marker: sharedMarker, resourceId: 'tier-1' });
  run.make('vpc', 'vpc-1', sharedMarker);
  // The stage's own marker, as src/planner/marker.ts makes it.
  run.make('acl-list', 'acl-1', aclListMarker);
  run.make('acl-rule', 'rule-1', null);
  run.end(network, 'completed', ['completed']);

  const full = run.order('WO-full', 'a1');
  run.deliver(full, 'VM', 'vm');
  run.deliver(full, 'EBS', 'volume');
  run.deliver(full, 'NETWORK', 'address');
  run.end(full, 'completed', ['completed', 'completed', 'completed']);

  const part = run.order('WO-part', 'a1');
  run.deliver(part, 'VM', 'vm');
  run.operation(part, 1, 'network.reserve', { state: 'failed' });
  run.make('address', 'WO-part-1', markerOf('WO-part', 1));
  run.remove('WO-part-1');
  run.end(part, 'partial', ['completed', 'failed']);

  const undone = run.order('WO-undone', 'a2');
  run.operation(undone, 0, 'vm.create', { resourceId: 'WO-undone-0' });
  run.make('vm', 'WO-undone-0', markerOf('WO-undone', 0));
  run.operation(undone, 1, 'ebs.create', { resourceId: 'WO-undone-1' });
  run.make('volume', 'WO-undone-1', markerOf('WO-undone', 1));
  run.operation(undone, 0, 'vm.delete', { resourceId: 'WO-undone-0' });
  run.remove('WO-undone-0');
  run.operation(undone, 1, 'ebs.delete', { state: 'failed' });
  const orphan = { resourceId: 'WO-undone-1', marker: markerOf('WO-undone', 1), orderId: 'WO-undone', state: 'found' };
  run.sample.rows.orphans.push(orphan);
  run.end(undone, 'cancelled', ['compensated', 'cancelled']);
  const lever = { action: 'orders.cancel', reason: 'ordered by mistake' };
  run.sample.rows.audit.push({ ...lever, actor: 'token:ops', subject: 'WO-undone', orderId: 'WO-undone' });

  const held = run.order('WO-held', 'a2');
  run.operation(held, 0, 'vm.create', { state: 'stuck', finished: false });
  run.hold(held, 'CLD_OUTCOME_UNCLEAR');

  const open = run.order('WO-open', 'a2', 'billing', 'http');
  run.deliver(open, 'VM', 'vm');
  run.end(open, 'completed', ['completed']);
  run.sample.rows.callbacks.push({ orderId: 'WO-open', state: 'accepted', attempts: 2 });
  for (const answer of [503, 204]) {
    run.sample.callbacks.push({
      id: 'callback-1',
      workOrderId: 'WO-open',
      body: calledBack(true, ['WO-open-0']),
      answer,
    });
  }

  run.message('WO-full', 'WO-full', 'duplicate', null);
  run.message('WO-full', 'WO-full with other content', 'conflict', 'ORD_CONFLICT_BODY');
  run.message(null, '{"workOrderId": "WO-cut', 'set-aside', 'MSG_JSON_SYNTAX');
  run.message(null, '{"workOrderId": 7}', 'refused', 'ORD_FIELD_TYPE');
  run.tell();
  const isOf = (workOrderId: string): boolean =>
    run.sample.rows.orders.some((one) => one.workOrderId === workOrderId && one.accountId === 'a2');
  Object.assign(run.sample.evidence, {
    readers: [
      { name: 'GET /v1/events of a2', events: run.sample.events.filter(({ key }) => isOf(key ?? '')), accountId: 'a2' },
    ],
    intake: { topic, partitions: [{ partition: 0, committed: run.offset, end: run.offset }] },
    levers: [
      { ...lever, workOrderId: 'WO-undone', answer: 200, dryRun: true },
      { ...lever, workOrderId: 'WO-undone', answer: 202 },
    ],
    outputs: [
      { name: 'worker log', text: '{"orderId":"WO-full","msg":"ready"}' },
      { name: 'GET /v1/work-orders of a1', text: '["WO-full","WO-part"]', accountId: 'a1' },
    ],
    secrets: [secret],
  } satisfies Sample['evidence']);
  return run.sample;
}

export function factsOfSample({ rows, cloud, evidence, ...seen }: Sample): Facts {
  const sql = { query: () => Promise.reject(new Error('the rows are here already')) };
  return factsOf({ ...evidence, ...seen, sql, clouds: [cloud] }, rows);
}

/** Of the default network, and of its list of rules: what `stageMarker(sharedMarker, 'acl-list')` gives. */
export const sharedMarker = 'ow-00000000shared00';
export const aclListMarker = 'ow-tq1ok211ho0icgmc';
/** Of what is made for an item. */
export const markerOf = (workOrderId: string, itemIndex: number): string => `ow-${workOrderId}-${itemIndex}`;

const resourceTypeOf: Readonly<Record<string, string>> = { vm: 'VM', ebs: 'EBS', network: 'NETWORK' };
const orderedOf: Readonly<Record<string, Ordered>> = {
  VM: { quantity: 1, cpuCount: 1, memoryMib: 1_024, rootDiskGib: 40 },
  EBS: { quantity: 1, sizeGib: 10, volumeType: 'SSD' },
  NETWORK: { bandwidthMbps: 2 },
};
const detailsOf: Readonly<Record<string, CloudResource['details']>> = {
  vm: { cpuNumber: 1, memoryMib: 1_024, rootDiskGib: 40 },
  volume: { sizeGib: 10, type: 'SSD' },
  address: { ipAddress: '203.0.113.4', bandwidthMbps: 2 },
};
const addressTold = { ipAddress: '203.0.113.4', bandwidthMbps: '2' };

/** What the callback of `WO-open` says. */
const calledBack = (chargeable: boolean, cloudResourceIds: string[]): string =>
  JSON.stringify({
    results: {
      status: 'completed',
      items: [{ resourceId: 'billing-WO-open-0', resourceType: 'VM', chargeable, cloudResourceIds, facts: {} }],
    },
  });

/** Writes the rows, the log of the cloud and the events as a run would have left them. */
class Recorder {
  offset = 0;
  private clockMs = Date.parse('2026-11-21T08:00:00Z');
  readonly sample: Sample = {
    rows: {
      orders: [],
      items: [],
      operations: [],
      events: [],
      messages: [],
      orphans: [],
      callbacks: [],
      audit: [],
      looks: [],
    },
    cloud: { name: 'cloud', resources: [], effects: [], settleWindowMs: 1_000 },
    sent: [],
    events: [],
    rejected: [],
    callbacks: [],
    evidence: {},
  };

  order(
    workOrderId: string,
    accountId: string,
    kind: OrderRow['kind'] = 'billing',
    channel: MessageRow['channel'] = 'kafka',
  ): OrderRow {
    const order: OrderRow = {
      orderId: workOrderId,
      kind,
      producer: kind === 'billing' ? 'billing' : 'orderwright',
      workOrderId,
      accountId,
      status: 'provisioning',
      machine: { value: 'provisioning' },
      eventSequence: 0,
      revision: 5,
      epoch: 1,
      workerId: 'w1',
      finished: false,
      holds: 0,
      preparations: [],
    };
    this.sample.rows.orders.push(order);
    if (kind === 'billing') {
      this.message(workOrderId, workOrderId, 'accepted', null, channel);
      this.say(order, 'work-order.received');
    }
    return order;
  }

  message(
    workOrderId: string | null,
    text: string,
    verdict: string,
    code: string | null,
    channel: MessageRow['channel'] = 'kafka',
  ): void {
    const bytes = Buffer.from(text);
    const messageId = `m${this.sample.rows.messages.length}`;
    const place = { topic, partition: 0, offset: this.offset };
    if (channel === 'kafka') this.offset += 1;
    this.sample.sent.push(
      channel === 'kafka'
        ? { channel, bytes, workOrderId, answer: 'acknowledged', place }
        : { channel, bytes, workOrderId, answer: 202 },
    );
    this.sample.rows.messages.push({
      messageId,
      channel,
      origin: channel === 'kafka' ? `${topic}/0@${place.offset}` : '127.0.0.1',
      verdict,
      code,
      problems: code === null ? 0 : 1,
      orderId: workOrderId,
      workOrderId,
      sha256: sha256(bytes),
      sealed: true,
      resubmitted: false,
    });
    if (code !== null) this.sample.rejected.push({ messageId, code, text: JSON.stringify({ messageId, code }) });
  }

  /** One item that is made by one request and stays. */
  deliver(order: OrderRow, resourceType: string, kind: string): void {
    const itemIndex = this.sample.rows.items.filter(({ orderId }) => orderId === order.orderId).length;
    const id = `${order.orderId}-${itemIndex}`;
    this.operation(order, itemIndex, `${resourceType.toLowerCase()}.create`, { resourceId: id });
    const marker = markerOf(order.orderId, itemIndex);
    // An address is tagged after it is made.
    this.make(kind, id, kind === 'address' ? null : marker);
    if (kind === 'address') {
      this.log({ operation: 'createTags', effect: 'changed', kind, id, marker });
      const address = this.sample.cloud.resources.find((one) => one.id === id);
      if (address) address.marker = marker;
    }
  }

  operation(order: OrderRow, itemIndex: number, name: string, change: Partial<OperationRow>): void {
    const { rows } = this.sample;
    if (!rows.items.some((item) => item.orderId === order.orderId && item.itemIndex === itemIndex)) {
      const resourceId = `billing-${order.orderId}-${itemIndex}`;
      const { orderId } = order;
      const sold = resourceTypeOf[name.split('.')[0] ?? ''] ?? 'VM';
      rows.items.push({
        orderId,
        itemIndex,
        resourceId,
        status: 'provisioning',
        resourceType: sold,
        ordered: order.kind === 'billing' ? (orderedOf[sold] ?? null) : null,
      });
    }
    const number = rows.operations.filter(({ orderId }) => orderId === order.orderId).length;
    rows.operations.push({
      orderId: order.orderId,
      number,
      partKey: `part-${itemIndex}`,
      name,
      itemIndex,
      platformId: 'dc-1',
      marker: markerOf(order.orderId, itemIndex),
      state: 'done',
      attempt: 1,
      jobId: `job-${order.orderId}-${number}`,
      resourceId: null,
      dueAt: null,
      submittedAt: new Date(this.clockMs),
      finished: true,
      ...change,
    });
  }

  make(kind: string, id: string, marker: string | null): void {
    this.log({ operation: `create ${kind}`, effect: 'created', kind, id, marker });
    const details = detailsOf[kind] ?? {};
    // A disk and an address belong to the first machine of their order.
    const [, orderId] = /^(.*)-\d+$/.exec(id) ?? [];
    const machine = this.sample.cloud.resources.find((one) => one.kind === 'vm' && one.id === `${orderId}-0`);
    const attachedTo = ['volume', 'address'].includes(kind) ? (machine?.id ?? null) : null;
    const resource: CloudResource = { kind, id, name: id, marker, state: 'Ready', attachedTo, details: { ...details } };
    this.sample.cloud.resources.push(resource);
  }

  remove(id: string): void {
    const { resources } = this.sample.cloud;
    const [gone] = resources.splice(
      resources.findIndex((one) => one.id === id),
      1,
    );
    if (gone)
      this.log({ operation: `delete ${gone.kind}`, effect: 'deleted', kind: gone.kind, id, marker: gone.marker });
  }

  end(order: OrderRow, status: string, items: string[]): void {
    Object.assign(order, { status, finished: true, machine: { value: status }, workerId: null });
    this.itemsOf(order).forEach((item, i) => {
      item.status = items[i] ?? '';
      const made = this.sample.cloud.resources.find(({ id }) => id === `${order.orderId}-${i}`);
      const data =
        item.status === 'completed'
          ? { cloudResourceIds: [made?.id ?? ''], facts: item.resourceType === 'NETWORK' ? [{ ...addressTold }] : [{}] }
          : {};
      this.say(order, `item.${item.status}`, i, data);
    });
    this.say(order, `work-order.${status}`);
  }

  hold(order: OrderRow, code: string): void {
    const reason = { code, message: 'look at the resource by its marker' };
    Object.assign(order, { status: 'held', machine: { value: 'needsOperator', context: { reason } } });
    for (const item of this.itemsOf(order)) item.status = 'held';
    this.say(order, 'work-order.held');
  }

  /** What a consumer of the events sees: each, and one of them again. */
  tell(): void {
    for (const { orderId, sequence, type, data } of this.sample.rows.events) {
      const id = `${orderId} ${sequence}`;
      const event = { id, type: `orderwright.${type}.v1`, subject: orderId, sequence, data, key: orderId };
      this.sample.events.push({ ...event, text: JSON.stringify(event) });
    }
    this.sample.events.push(...this.sample.events.slice(3, 6));
  }

  private say(order: OrderRow, type: string, itemIndex: number | null = null, data: EventRow['data'] = {}): void {
    if (order.kind === 'preparation') return;
    order.eventSequence += 1;
    this.sample.rows.events.push({ orderId: order.orderId, sequence: order.eventSequence, type, itemIndex, data });
  }

  private itemsOf(order: OrderRow): ItemRow[] {
    return this.sample.rows.items.filter(({ orderId }) => orderId === order.orderId);
  }

  private log(effect: Omit<CloudEffect, 'at'>): void {
    this.clockMs += 250;
    this.sample.cloud.effects.push({ at: new Date(this.clockMs).toISOString(), ...effect });
  }
}
