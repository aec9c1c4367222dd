import { isDeepStrictEqual } from 'node:util';
import type { ResolvedPart, Resolution } from '../provisioners/provisioner.js';
import type { ResourceType } from '../schemas/work-order.js';
import type { DraftPart, OperationName, Plan, PlanDraft, PlanLine, PlannedPart, Preparation } from './plan.js';

type Resolved = Extract<Resolution, { state: 'resolved' }>;

/** What is done to build one part, in this order. */
export function planOperations(resourceType: ResourceType, hasVm: boolean): OperationName[] {
  switch (resourceType) {
    case 'VM':
      return ['vm.create'];
    case 'EBS':
      return hasVm ? ['ebs.create', 'ebs.attach'] : ['ebs.create'];
    case 'NETWORK':
      return hasVm ? ['network.reserve', 'network.bind'] : ['network.reserve'];
  }
}

/**
 * Puts the answers of the clouds together into the plan. Parts stand in item order, and each names all of its
 * operations in `needs`, in the order they run, those that wait for nothing with an empty list.
 *
 * @throws Error naming everything that does not fit: a cloud's folder answered for something it was not asked for, or
 * its parts wait for each other. That is our bug and nothing an order's sender can mend, so it is no hold.
 */
export function assemblePlan(draft: PlanDraft, resolutions: Resolved[]): Plan {
  const problems: string[] = [];
  const preparations = mergePreparations(resolutions, problems);
  const resolved = resolvedByKey(draft, resolutions, problems);
  const parts = draft.parts
    .toSorted((a, b) => a.itemIndex - b.itemIndex || a.index - b.index)
    .flatMap((part) => {
      const answer = resolved.get(part.key);
      return answer ? [plannedPart(part, answer, problems)] : [];
    });
  const names = new Set([
    ...parts.map(({ key }) => key),
    ...preparations.map(({ key, platformId }) => `${platformId} ${key}`),
  ]);
  for (const part of parts) problems.push(...danglingNames(part, names));
  problems.push(...wrongOrder(preparations));
  const cycle = findCycle(parts);
  if (cycle) problems.push(`these wait for each other: ${cycle.join(' -> ')}`);
  if (problems.length > 0) throw new Error(`The plan does not fit together: ${problems.join('; ')}`);
  const warnings = [...draft.warnings, ...resolutions.flatMap((resolution) => resolution.warnings)];
  return { preparations, parts, warnings };
}

function mergePreparations(resolutions: Resolved[], problems: string[]): Preparation[] {
  const merged = new Map<string, Preparation>();
  for (const preparation of resolutions.flatMap((resolution) => resolution.preparations)) {
    const id = JSON.stringify([preparation.platformId, preparation.key]);
    const earlier = merged.get(id);
    if (!earlier) merged.set(id, preparation);
    else if (!isDeepStrictEqual(earlier.settings, preparation.settings)) {
      problems.push(`${preparation.key} on ${preparation.platformId} is asked for twice with different settings`);
    }
  }
  return [...merged.values()];
}

function resolvedByKey(draft: PlanDraft, resolutions: Resolved[], problems: string[]): Map<string, ResolvedPart> {
  const drafted = new Set<string>();
  for (const { key } of draft.parts) {
    if (drafted.has(key)) problems.push(`${key} stands in the draft twice`);
    drafted.add(key);
  }
  const byKey = new Map<string, ResolvedPart>();
  for (const part of resolutions.flatMap((resolution) => resolution.parts)) {
    if (!drafted.has(part.key)) problems.push(`${part.key} was resolved and never drafted`);
    if (byKey.has(part.key)) problems.push(`${part.key} was resolved twice`);
    byKey.set(part.key, part);
  }
  for (const key of drafted) if (!byKey.has(key)) problems.push(`${key} was not resolved`);
  return byKey;
}

function plannedPart(part: DraftPart, answer: ResolvedPart, problems: string[]): PlannedPart {
  const operations = planOperations(part.resourceType, part.vmKey !== null);
  const needs: Partial<Record<OperationName, string[]>> = {};
  for (const operation of operations) needs[operation] = [...(answer.needs[operation] ?? [])];
  for (const operation of Object.keys(answer.needs)) {
    if (!operations.some((name) => name === operation)) problems.push(`${part.key} has no operation ${operation}`);
  }

  // Binding a disk or an address to its VM is the last operation and waits for the VM. Attaching is NOT chained from disk
  // to disk to get the devices into item order: one disk that fails would take its healthy neighbours with it.
  const last = operations.at(-1);
  if (part.vmKey && last) needs[last] = withNeed(needs[last], part.vmKey);

  // A fact can only be handed on when its source has it. What no operation waits for yet, the first one does.
  const [first] = operations;
  for (const { from } of Object.values(answer.inputs)) {
    const awaited = from === part.key || Object.values(needs).some((keys) => keys.includes(from));
    if (!awaited && first) needs[first] = withNeed(needs[first], from);
  }
  const { key, itemIndex, index, resourceType, platformId } = part;
  const { settings, inputs, lines } = answer;
  return { key, itemIndex, index, resourceType, platformId, needs, inputs, settings, lines };
}

const withNeed = (keys: string[] = [], key: string) => (keys.includes(key) ? keys : [...keys, key]);

/** @param names the keys of all parts, and of all preparations with their platform before it */
function danglingNames(part: PlannedPart, names: ReadonlySet<string>): string[] {
  const exists = (name: string) => names.has(name) || names.has(`${part.platformId} ${name}`);
  const needs = Object.entries(part.needs).flatMap(([operation, keys]) =>
    keys
      .filter((key) => !exists(key))
      .map((key) => `${part.key} waits with ${operation} for ${key}, which is not planned`),
  );
  const inputs = Object.entries(part.inputs)
    .filter(([, { from }]) => !exists(from))
    .map(([name, { from }]) => `${part.key} takes its input ${name} from ${from}, which is not planned`);
  return [...new Set([...needs, ...inputs])];
}

/** Each stands behind what it needs, so that none waits for itself, however far round. */
function wrongOrder(preparations: Preparation[]): string[] {
  return preparations.flatMap(({ key, platformId, needs = [], inputs = {} }, at) => {
    const earlier = preparations.slice(0, at).filter((one) => one.platformId === platformId);
    return [...new Set([...needs, ...Object.values(inputs).map(({ from }) => from)])]
      .filter((need) => earlier.every((one) => one.key !== need) || !needs.includes(need))
      .map((need) => `${key} stands on ${need}, which is not planned before it`);
  });
}

/**
 * A way round in the graph of operations, or null. An operation waits for the one before it and for the last one of each
 * part it needs; whole parts would be too coarse: a disk made beside its VM and attached after it is no circle.
 */
function findCycle(parts: PlannedPart[]): string[] | null {
  const edges = new Map<string, string[]>();
  const lastOf = new Map(parts.map((part) => [part.key, `${part.key} ${Object.keys(part.needs).at(-1) ?? ''}`]));
  for (const part of parts) {
    let before: string[] = [];
    for (const [operation, keys] of Object.entries(part.needs)) {
      const node = `${part.key} ${operation}`;
      edges.set(node, [...before, ...keys.flatMap((key) => lastOf.get(key) ?? [])]);
      before = [node];
    }
  }
  const settled = new Set<string>();
  const visit = (node: string, path: string[]): string[] | null => {
    const seenAt = path.indexOf(node);
    if (seenAt !== -1) return [...path.slice(seenAt), node];
    if (settled.has(node)) return null;
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    settled.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return null;
}

/** The plan for a terminal: what is ordered and what it becomes, and what waits for what. */
export function renderPlan(plan: Plan): string {
  const { parts, preparations, warnings } = plan;
  const counts = [
    counted(parts.length, 'part'),
    counted(preparations.length, 'preparation'),
    counted(warnings.length, 'warning'),
  ];
  const blocks = [`Plan: ${counts.filter((count) => !count.startsWith('0')).join(', ') || 'nothing to build'}`];
  if (preparations.length > 0) {
    const sections = preparations.map(({ key, platformId, lines }) => [`  ${key}  on ${platformId}`, ...table(lines)]);
    blocks.push(['Preparations, shared with other orders', ...sections.flat()].join('\n'));
  }
  if (parts.length > 0) {
    const sections = parts.map((part) => [
      `  ${part.key}  on ${part.platformId}`,
      ...table(part.lines),
      ...Object.entries(part.needs).map(([operation, keys]) =>
        keys.length === 0 ? `    ${operation} starts at once` : `    ${operation} waits for ${keys.join(', ')}`,
      ),
    ]);
    blocks.push(['Parts', ...sections.flat()].join('\n'));
  }
  if (warnings.length > 0) {
    blocks.push(
      ['Warnings', ...warnings.map(({ path, code, message }) => `  ${path || 'order'}: ${message} (${code})`)].join(
        '\n',
      ),
    );
  }
  return `${blocks.map(printable).join('\n\n')}\n`;
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

function table(lines: PlanLine[]): string[] {
  const widest = (texts: string[]) => Math.max(0, ...texts.map(columns));
  const what = widest(lines.map((line) => line.what));
  const ordered = widest(lines.map((line) => line.ordered));
  return lines.map((line) => `    ${pad(line.what, what)}  ${pad(line.ordered, ordered)}  ->  ${line.resolved}`);
}

const pad = (text: string, width: number) => text + ' '.repeat(width - columns(text));

/** Width on a terminal: Chinese, Japanese and Korean characters take two columns, and billing writes Chinese. */
function columns(text: string): number {
  let width = 0;
  for (const character of text)
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1;
  return width;
}

/** Names come from outside: nothing in them may move the cursor or turn the text around. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '?');
}
