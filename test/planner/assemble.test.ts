import { describe, expect, it } from '@jest/globals';
import { assemblePlan, planOperations, renderPlan } from '../../src/planner/assemble.js';
import { draftPlan } from '../../src/planner/draft.js';
import type { PlanDraft, Preparation } from '../../src/planner/plan.js';
import type { Resolution, ResolvedPart } from '../../src/provisioners/provisioner.js';
import type { WorkOrder } from '../../src/schemas/work-order.js';
import { bundleOrder, ebsItem, networkItem, orderOf, samplePlatformId } from '../support/orders.js';

type Resolved = Extract<Resolution, { state: 'resolved' }>;

const vmKey = 'VM/7e9cef89-2cc5-44fb-8e03-12989ad7c37a#1';
const sataKey = 'EBS/5656019a-6728-41be-97ad-120b778efb8f#1';
const addressKey = 'NETWORK/4b81bbbc-a7c6-4d88-b64d-160bb0a89dfa#1';

function draftOf(order: WorkOrder): PlanDraft {
  const known = [...new Set(order.items.map((item) => item.platformId))].map((id) => ({
    id,
    name: id,
    kind: 'cloudstack',
    state: 'open' as const,
    capabilities: { detachedDisk: true, publicAddress: true },
  }));
  const result = draftPlan(order, known);
  if ('holds' in result) throw new Error(JSON.stringify(result.holds));
  return result.draft;
}

const network: Preparation = {
  key: 'default-network/u1',
  kind: 'default-network',
  platformId: samplePlatformId,
  settings: { cidr: '10.0.0.0/16' },
  lines: [{ what: 'network', ordered: 'the default one', resolved: '10.0.0.0/16' }],
};

/** What a cloud would answer: the VM needs its network, the others their VM. */
function resolve(draft: PlanDraft, changes: Record<string, Partial<ResolvedPart>> = {}): Resolved {
  const parts = draft.parts.map((part): ResolvedPart => {
    const isVm = part.resourceType === 'VM';
    return {
      key: part.key,
      settings: { zone: part.zoneId },
      needs: isVm ? { 'vm.create': [network.key] } : {},
      inputs: isVm
        ? { networkId: { from: network.key, fact: 'networkId' } }
        : part.vmKey
          ? { vmId: { from: part.vmKey, fact: 'vmId' } }
          : {},
      lines: isVm
        ? [
            { what: 'memory', ordered: '1 GB', resolved: '1024 MiB' },
            { what: '带宽', ordered: '2 Mbit/s', resolved: '2 Mbit/s' },
          ]
        : [],
      ...changes[part.key],
    };
  });
  return { state: 'resolved', parts, preparations: [network], warnings: [] };
}

const assembled = (order: WorkOrder, changes?: Record<string, Partial<ResolvedPart>>) => {
  const draft = draftOf(order);
  return assemblePlan(draft, [resolve(draft, changes)]);
};

describe('the plan of a bundle', () => {
  it('has its parts in item order, whatever order the cloud answered in', () => {
    const draft = draftOf(bundleOrder());
    const answer = resolve(draft);
    const plan = assemblePlan(draft, [{ ...answer, parts: answer.parts.toReversed() }]);
    expect(plan.parts.map((part) => part.itemIndex)).toEqual([0, 1, 2, 3]);
  });

  it('creates disks beside the VM and attaches them after it', () => {
    const disk = assembled(bundleOrder()).parts[0];
    expect(Object.entries(disk?.needs ?? {})).toEqual([
      ['ebs.create', []],
      ['ebs.attach', [vmKey]],
    ]);
  });

  it('reserves the address at once and binds it after the VM', () => {
    const address = assembled(bundleOrder()).parts[3];
    expect(Object.entries(address?.needs ?? {})).toEqual([
      ['network.reserve', []],
      ['network.bind', [vmKey]],
    ]);
  });

  it('lets a cloud add needs of its own', () => {
    const plan = assembled(bundleOrder(), { [sataKey]: { needs: { 'ebs.create': [vmKey] } } });
    expect(plan.parts[0]?.needs).toEqual({ 'ebs.create': [vmKey], 'ebs.attach': [vmKey] });
  });

  it('waits for whatever an input is taken from', () => {
    const plan = assembled(bundleOrder(), { [vmKey]: { needs: {} } });
    expect(plan.parts[1]?.needs).toEqual({ 'vm.create': [network.key] });
  });

  it('collects the warnings of the draft and of every cloud', () => {
    const order = bundleOrder({ vm: { master: false } });
    const draft = draftOf(order);
    const warning = { path: '', code: 'os_mismatch', message: 'm' };
    const plan = assemblePlan(draft, [{ ...resolve(draft), warnings: [warning] }]);
    expect(plan.warnings.map(({ code }) => code)).toEqual(['ITM_MASTER_ASSUMED', 'os_mismatch']);
  });
});

describe('disks and addresses without a VM', () => {
  it('are made and left alone', () => {
    const plan = assembled(orderOf([ebsItem(), networkItem()]));
    expect(plan.parts.map((part) => part.needs)).toEqual([{ 'ebs.create': [] }, { 'network.reserve': [] }]);
    expect(planOperations('VM', false)).toEqual(['vm.create']);
  });
});

describe('a thing shared by many orders', () => {
  const twoClouds = () => {
    const draft = draftOf(orderOf([ebsItem(), ebsItem({ resourceId: 'other', platformId: 'shanghai' })]));
    const [first, second] = resolve(draft).parts;
    if (!first || !second) throw new Error('two parts were expected');
    const needs = { 'ebs.create': [network.key] };
    const answer = (part: ResolvedPart, preparations: Preparation[]): Resolved => ({
      state: 'resolved',
      parts: [{ ...part, needs }],
      preparations,
      warnings: [],
    });
    return { draft, first, second, answer };
  };

  it('is prepared once on each platform', () => {
    const { draft, first, second, answer } = twoClouds();
    const there = { ...network, platformId: 'shanghai' };
    const plan = assemblePlan(draft, [answer(first, [network, network]), answer(second, [there])]);
    expect(plan.preparations.map(({ platformId }) => platformId)).toEqual([samplePlatformId, 'shanghai']);
  });

  it('does not help a part on another platform', () => {
    const { draft, first, second, answer } = twoClouds();
    expect(() => assemblePlan(draft, [answer(first, [network]), answer(second, [])])).toThrow(
      'EBS/other#1 waits with ebs.create for default-network/u1, which is not planned',
    );
  });

  it('cannot be asked for with two different settings', () => {
    const { draft, first, second, answer } = twoClouds();
    const other = { ...network, settings: { cidr: '10.9.0.0/16' } };
    expect(() => assemblePlan(draft, [answer(first, [network]), answer(second, [other])])).toThrow(
      'different settings',
    );
  });
});

describe('a plan that does not fit together', () => {
  it('has what is shared behind what it stands on, and refuses the other way round', () => {
    const draft = draftOf(bundleOrder());
    const tenant: Preparation = { ...network, key: 'tenant/u1', kind: 'tenant', settings: {}, lines: [] };
    const inputs = { projectId: { from: tenant.key, fact: 'projectId' } };
    const standing: Preparation = { ...network, needs: [tenant.key], inputs };
    const planned = (...preparations: Preparation[]) => assemblePlan(draft, [{ ...resolve(draft), preparations }]);
    expect(planned(tenant, standing).preparations).toEqual([tenant, standing]);
    expect(() => planned(standing, tenant)).toThrow(
      /default-network\/u1 stands on tenant\/u1, which is not planned before it/,
    );
    expect(() => planned(tenant, { ...network, inputs })).toThrow(/stands on tenant\/u1/);
  });

  it.each<[string, Record<string, Partial<ResolvedPart>>, string]>([
    [
      'waits for nothing known',
      { [sataKey]: { needs: { 'ebs.create': ['VM/ghost#1'] } } },
      'VM/ghost#1, which is not planned',
    ],
    [
      'takes a fact from nowhere',
      { [sataKey]: { inputs: { x: { from: 'ghost/1', fact: 'x' } } } },
      'input x from ghost/1',
    ],
    [
      'does what the part has no operation for',
      { [sataKey]: { needs: { 'vm.create': [] } } },
      'has no operation vm.create',
    ],
    [
      'goes in a circle',
      { [vmKey]: { needs: { 'vm.create': [addressKey] } } },
      `wait for each other: ${vmKey} vm.create -> ${addressKey} network.bind -> ${vmKey}`,
    ],
    ['waits for itself', { [vmKey]: { needs: { 'vm.create': [vmKey] } } }, 'wait for each other'],
    ['was never drafted', { [sataKey]: { key: 'EBS/ghost#1' } }, 'EBS/ghost#1 was resolved and never drafted'],
  ])('is our bug when it %s', (_, changes, message) => {
    expect(() => assembled(bundleOrder(), changes)).toThrow(message);
  });

  it('names everything that is wrong at once', () => {
    const draft = draftOf(bundleOrder());
    expect(() => assemblePlan(draft, [])).toThrow(/EBS.*not resolved.*VM.*not resolved.*NETWORK.*not resolved/);
  });
});

describe('a plan on a terminal', () => {
  const text = renderPlan(assembled(bundleOrder()));

  it('shows what was ordered, what it becomes and what waits for what', () => {
    expect(text).toContain('Plan: 4 parts, 1 preparation\n');
    expect(text).toContain(`  ${vmKey}  on ${samplePlatformId}\n    memory  1 GB      ->  1024 MiB\n`);
    expect(text).toContain('    vm.create waits for default-network/u1\n');
    expect(text).toContain(`    ebs.create starts at once\n    ebs.attach waits for ${vmKey}\n`);
  });

  it('lines up beside Chinese characters, which are two columns wide', () => {
    expect(text).toContain('    memory  1 GB      ->  1024 MiB\n    带宽    2 Mbit/s  ->  2 Mbit/s\n');
  });

  it('never passes on what could steer the terminal', () => {
    const lines = [{ what: 'name', ordered: '\u001b[2J\u202eevil', resolved: 'x\r' }];
    expect(renderPlan(assembled(bundleOrder(), { [vmKey]: { lines } }))).toContain('name  ?[2J?evil  ->  x?');
  });

  it('says so when there is nothing to build', () => {
    expect(renderPlan({ parts: [], preparations: [], warnings: [] })).toBe('Plan: nothing to build\n');
  });
});
