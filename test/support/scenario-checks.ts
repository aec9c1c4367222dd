/**
 * What must be true when a scenario is over, judged by outside evidence alone: every invariant, and beyond them that this
 * scenario's orders were built exactly as ordered and its messages became what they had to. None means that all holds.
 */
import { groupBy } from '../../src/group-by.js';
import { checkFacts } from '../invariants/check.js';
import type { CloudResource } from '../invariants/evidence.js';
import { boughtKinds, type Facts, nameOf } from '../invariants/facts.js';
import { type MessageRow, sha256 } from '../invariants/rows.js';
import type { GoodOrder, Scenario } from './scenario-orders.js';

type Violations = string[];

/** Everything at once; at most so many of each kind, since one fault can break a thousand orders. */
export function violations(scenario: Scenario, facts: Facts): Violations {
  // Nothing in these scenarios needs a person: every good order is to be completed.
  const report = checkFacts(facts, { nobodyHelps: true });
  const ofInvariants = groupBy(report.violations, ({ invariant }) => invariant);
  return [
    ...[...ofInvariants].flatMap(([invariant, found]) =>
      some(
        found.map(({ text }) => `${invariant}: ${text}`),
        invariant,
      ),
    ),
    ...some(buildsEveryOrderAsOrdered(scenario, facts), 'buildsEveryOrderAsOrdered'),
    ...some(wastesNothing(scenario, facts), 'wastesNothing'),
    ...some(takesEveryMessageAsItIs(scenario, facts), 'takesEveryMessageAsItIs'),
  ];
}

function some(found: Violations, of: string): Violations {
  const more = found.length - 5;
  return [...found.slice(0, 5), ...(more > 0 ? [`${of}: ${more} more`] : [])];
}

/** One VM as ordered, its disks on it, its address bound to it with its Mbit/s, and every line of it told as completed. */
export function buildsEveryOrderAsOrdered({ orders }: Scenario, facts: Facts): Violations {
  const byWorkOrderId = new Map(facts.rows.orders.map((order) => [order.workOrderId, order]));
  return orders.flatMap((order) => {
    const wrong: string[] = [];
    const expectSame = (what: string, found: unknown, wanted: unknown): void => {
      const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
      if (a !== b) wrong.push(`${order.workOrderId} (${order.sample}): ${what} is ${a}, not ${b}`);
    };
    expectSame('the status', byWorkOrderId.get(order.workOrderId)?.status, 'completed');
    const told = completions(order, facts);
    expectSame(
      'what was told as completed',
      told.map(({ resourceId }) => resourceId).toSorted(),
      order.resourceIds.toSorted(),
    );
    const got = told.flatMap(({ ids }) => ids).map((id) => facts.thingById.get(id)?.alive);
    const of = (kind: string): CloudResource[] => got.filter((one) => one?.kind === kind) as CloudResource[];
    const vms = of('vm');
    expectSame('the number of VMs', vms.length, 1);
    const vm = vms[0];
    if (!vm) return wrong;
    const { displayName, cpuNumber, memoryMib, rootDiskGib } = vm.details;
    expectSame(
      'the VM',
      { displayName, cpuNumber, memoryMib, rootDiskGib, state: vm.state },
      { displayName: order.vmName, ...order.vm, state: 'Running' },
    );
    const disks = of('volume').map(({ details, attachedTo }) => ({
      sizeGib: details['sizeGib'],
      type: details['type'],
      on: attachedTo,
    }));
    expectSame('the disks', sorted(disks), sorted(order.volumes.map((disk) => ({ ...disk, on: vm.id }))));
    const bound = of('address').map(({ attachedTo, details }) => ({ on: attachedTo, mbps: details['bandwidthMbps'] }));
    expectSame('the address', bound, order.bandwidthMbps === null ? [] : [{ on: vm.id, mbps: order.bandwidthMbps }]);
    return wrong;
  });
}

/** What billing was told of an order's lines: by the consumer's own evidence, not by the tables. */
function completions(order: GoodOrder, { told }: Facts): { resourceId: string; ids: string[] }[] {
  return (told?.get(order.workOrderId) ?? [])
    .filter(({ type }) => type === 'orderwright.item.completed.v1')
    .map(({ data }) => ({ resourceId: data['resourceId'] as string, ids: data['cloudResourceIds'] as string[] }));
}

/** Nothing was made and thrown away, nothing is left over, and no order that came damaged only was built. */
export function wastesNothing({ orders, lost }: Scenario, { evidence, rows }: Facts): Violations {
  const wrong: string[] = [];
  for (const effect of evidence.clouds.flatMap(({ effects }) => effects)) {
    if (effect.effect === 'deleted' && boughtKinds.includes(effect.kind))
      wrong.push(`${nameOf(effect)} was made and deleted`);
  }
  const billed = rows.orders.filter(({ kind }) => kind === 'billing').map(({ workOrderId }) => workOrderId);
  for (const id of lost) if (billed.includes(id)) wrong.push(`${id} came damaged only and is an order now`);
  if (billed.length !== orders.length) wrong.push(`there are ${billed.length} orders, not ${orders.length}`);
  return [...wrong, ...rows.orphans.map(({ resourceId }) => `${resourceId} is listed as an orphan`)];
}

/** One row for each message that was sent, with what had to become of it; the damaged ones are told with their code. */
export function takesEveryMessageAsItIs({ messages, unanswered }: Scenario, { rows, evidence }: Facts): Violations {
  const wrong: string[] = [];
  const kept = new Map<string, MessageRow[]>(groupBy(rows.messages, (row) => row.sha256));
  const more = rows.messages.length - messages.length;
  if (more < 0 || more > unanswered) wrong.push(`${rows.messages.length} messages are kept of ${messages.length}`);
  const told = new Map(evidence.rejected?.map(({ messageId, code }) => [messageId, code]));
  for (const { workOrderId, bytes, becomes, made } of messages) {
    const row = kept.get(sha256(bytes))?.pop();
    if (!row) {
      wrong.push(`${workOrderId} ${made}: not kept`);
    } else if (becomes.verdict === 'order') {
      // Which of an order's copies came first does not matter; that exactly one is accepted is I2.
      if (row.verdict !== 'accepted' && row.verdict !== 'duplicate') {
        wrong.push(`${workOrderId} ${made}: ${row.verdict} ${row.code}`);
      }
    } else if (
      row.verdict !== becomes.verdict ||
      row.code !== becomes.code ||
      told.get(row.messageId) !== becomes.code
    ) {
      const found = `${row.verdict} ${row.code}, told as ${told.get(row.messageId)}`;
      wrong.push(`${workOrderId} ${made}: ${found}; not ${becomes.verdict} ${becomes.code}`);
    }
  }
  return wrong;
}

const sorted = <T>(values: T[]): T[] => values.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
