import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type OperationName, preparationOperations } from '../../src/planner/plan.js';
import type { Facts, ResolvedPart, ResolveRequest, Sent, Provisioner } from '../../src/provisioners/provisioner.js';
import { carryOut, finished, handlerOf, newMarker, pause, requestFor, sendThrough, type Task } from './small-engine.js';

/** A fresh cloud with nothing of ours in it, for one test. */
export interface CloudUnderTest {
  provisioner: Provisioner;
  /** An order this cloud can build, with one part of each kind it knows: a VM, its disk, its address. */
  request: ResolveRequest;
  /** The next request of this operation that has an effect is carried out, and its answer never arrives. */
  loseNextAnswer(operation: OperationName): Promise<void>;
  /** Live things that carry the marker. */
  alive(marker: string): Promise<{ kind: string; id: string }[]>;
  /** How many live things there are at all, marked or not. */
  countAlive(): Promise<number>;
  /** The ids of live VMs, disks and addresses, marked or not. */
  ids(): Promise<string[]>;
  close(): Promise<void>;
}

/** In the order of an order; each needs what those before it made. */
const making = ['vm.create', 'ebs.create', 'ebs.attach', 'network.reserve', 'network.bind'] as const;
/** Operations that make a thing which carries the marker; the others change the state of one. */
const leavesAThing = ['vm.create', 'ebs.create', 'network.reserve'] as const;
const takingBack = ['network.unbind', 'network.release', 'ebs.detach', 'ebs.delete', 'vm.delete'] as const;
const kindOf = { vm: 'VM', ebs: 'EBS', network: 'NETWORK' } as const;

/**
 * What the engine relies on, whatever the cloud. Every cloud's test calls this, and adds what is its own. It speaks to
 * the provisioner as the engine does, and looks at the cloud only through `alive`.
 */
export function behavesLikeAProvisioner(start: () => Promise<CloudUnderTest>): void {
  const started: CloudUnderTest[] = [];
  afterEach(async () => {
    for (const cloud of started.splice(0)) await cloud.close();
  });

  /** A cloud on which everything before `operation` is built, and the task to build it with. */
  async function readyFor(operation: OperationName) {
    const cloud = await start();
    started.push(cloud);
    const { provisioner } = cloud;
    const resolution = await provisioner.resolve(cloud.request);
    if (resolution.state === 'held') throw new Error(`the order is held: ${JSON.stringify(resolution.holds)}`);
    const facts = new Map<string, Facts>();
    const markers = new Map<OperationName, string>();
    const resolved = (inputs: ResolvedPart['inputs']): Record<string, string> =>
      Object.fromEntries(
        Object.entries(inputs).flatMap(([input, { from, fact }]) => {
          const value = facts.get(from)?.[fact];
          return value === undefined ? [] : [[input, value] as const];
        }),
      );
    for (const { key, kind, settings, inputs } of resolution.preparations) {
      const task = { operation: preparationOperations[kind], settings, inputs: resolved(inputs ?? {}) };
      facts.set(key, (await carryOut(provisioner, task)).found.facts);
    }
    const partFor = (name: OperationName): ResolvedPart => {
      const type = kindOf[name.split('.')[0] as keyof typeof kindOf];
      const draft = cloud.request.parts.find((part) => part.resourceType === type);
      const part = resolution.parts.find(({ key }) => key === draft?.key);
      if (!part) throw new Error(`the test order has no part for ${name}`);
      return part;
    };
    const taskFor = (name: OperationName): Task => {
      const part = partFor(name);
      return {
        operation: name,
        settings: part.settings,
        inputs: { ...facts.get(part.key), ...resolved(part.inputs) },
        rootPassword: 'a-Password-1',
      };
    };
    const build = async (name: OperationName) => {
      const marker = newMarker();
      const outcome = await carryOut(provisioner, taskFor(name), marker);
      facts.set(partFor(name).key, { ...facts.get(partFor(name).key), ...outcome.found.facts });
      markers.set(name, marker);
      return { ...outcome, marker };
    };
    for (const earlier of making) {
      if (earlier === operation) break;
      if (provisioner.operations[earlier]) await build(earlier);
    }
    return { cloud, provisioner, facts, taskFor, build, handler: handlerOf(provisioner, operation) };
  }

  describe('a lost answer', () => {
    it.each(making)('to %s leaves something that is found again, and nothing is made twice', async (operation) => {
      const { cloud, build, taskFor, handler } = await readyFor(operation);
      await cloud.loseNextAnswer(operation);
      const request = requestFor(taskFor(operation));
      await expect(sendThrough(handler, request)).rejects.toMatchObject({ name: 'OutcomeUnknownError' });
      expect((await handler.find(request)).state).not.toBe('absent');

      if (!(leavesAThing as readonly string[]).includes(operation)) return;
      await cloud.loseNextAnswer(operation);
      const { lost, marker, found } = await build(operation);
      expect(lost).toBe(1);
      expect((await cloud.alive(marker)).map(({ id }) => id)).toEqual([found.resourceId]);
    });

    it('to a request that never arrived is found to be nothing', async () => {
      const { handler, taskFor } = await readyFor('vm.create');
      await expect(handler.find(requestFor(taskFor('vm.create')))).resolves.toMatchObject({ state: 'absent' });
    });
  });

  describe('an earlier attempt that arrived after it had been given up', () => {
    it.each(leavesAThing)('(%s) is taken over when nothing was sent after it', async (operation) => {
      const { cloud, provisioner, taskFor, handler } = await readyFor(operation);
      const first = requestFor(taskFor(operation));
      const { sent } = await sendThrough(handler, first);
      const made = await cloud.countAlive();
      const second = requestFor(taskFor(operation), {
        marker: first.marker,
        attempt: 2,
        earlierRequestIds: [first.requestId],
      });
      expect((await handler.find(second)).state).not.toBe('absent');
      const again = await orUnknown(sendThrough(handler, second).then(({ sent }) => sent));
      for (const one of [sent, again]) {
        if (one?.state === 'pending') await finished(provisioner, operation, one.jobId);
      }
      expect(await cloud.countAlive()).toBe(made);
    });

    it.each(leavesAThing)('(%s), and whose job has ended, is found as the thing it made', async (operation) => {
      const { provisioner, taskFor, handler } = await readyFor(operation);
      const first = requestFor(taskFor(operation));
      const { sent } = await sendThrough(handler, first);
      if (sent.state === 'pending') await finished(provisioner, operation, sent.jobId);
      const { requestId: earlier, ...same } = first;
      const second = { ...same, attempt: 2, requestId: randomUUID(), earlierRequestIds: [earlier] };
      // Not as its job: that one may have spoken already, and looking would end with it for ever.
      expect(await handler.find(second)).toMatchObject({ state: 'found', others: [] });
    });

    it.each(leavesAThing)('(%s) beside the next one is one thing, or is named', async (operation) => {
      const { cloud, provisioner, taskFor, handler } = await readyFor(operation);
      const second = requestFor(taskFor(operation), { attempt: 2 });
      const late = { ...second, attempt: 1, requestId: randomUUID() };
      const before = new Set(await cloud.ids());
      // The second attempt does not know of the first, which is still under way; then both are on the cloud.
      for (const request of [second, late]) {
        const sent = await orRefused(sendThrough(handler, request).then(({ sent }) => sent));
        if (sent?.state === 'pending') await finished(provisioner, operation, sent.jobId);
      }
      const made = (await cloud.ids()).filter((id) => !before.has(id));
      const found = await handler.find({ ...second, earlierRequestIds: [late.requestId] });
      const named =
        found.state === 'found' ? [found.resourceId, ...found.others] : [found.state === 'job' ? made[0] : ''];
      expect(named.toSorted()).toEqual(made.toSorted());
    });
  });

  describe('the same request sent twice', () => {
    it.each(leavesAThing)('(%s) makes one thing', async (operation) => {
      const { cloud, provisioner, taskFor, handler } = await readyFor(operation);
      const request = requestFor(taskFor(operation));
      const { sent: first } = await sendThrough(handler, request);
      if (first.state === 'pending') await finished(provisioner, operation, first.jobId);
      const made = await cloud.countAlive();
      const second = await orUnknown(sendThrough(handler, request).then(({ sent }) => sent));
      if (second?.state === 'pending') await finished(provisioner, operation, second.jobId);
      expect(await cloud.countAlive()).toBe(made);
    });

    it.each(leavesAThing)('(%s) by a later attempt under a new id takes over what is there', async (operation) => {
      const { cloud, build, taskFor, handler } = await readyFor(operation);
      const { marker, found } = await build(operation);
      const made = await cloud.countAlive();
      const request = requestFor(taskFor(operation), { marker, attempt: 2 });
      const sent = await orUnknown(sendThrough(handler, request).then(({ sent }) => sent));
      if (sent === null) expect(await handler.find(request)).toMatchObject({ resourceId: found.resourceId });
      else expect(sent).toMatchObject({ state: 'done', found: { resourceId: found.resourceId } });
      expect(await cloud.countAlive()).toBe(made);
    });

    it.each(['ebs.attach', 'network.bind'] as const)('(%s) is as good as sent once', async (operation) => {
      const { build } = await readyFor(operation);
      const first = await build(operation);
      const again = await build(operation);
      expect(again.found.resourceId).toBe(first.found.resourceId);
    });
  });

  describe('looking at a thing', () => {
    it.each(leavesAThing)('(%s) tells absent from ready', async (operation) => {
      const { build, handler, taskFor } = await readyFor(operation);
      await expect(handler.inspect(requestFor(taskFor(operation)), randomUUID())).resolves.toEqual({ state: 'absent' });
      const { found, marker } = await build(operation);
      const seen = await handler.inspect(requestFor(taskFor(operation), { marker }), found.resourceId);
      expect(seen).toMatchObject({ state: 'ready', found: { resourceId: found.resourceId } });
    });

    it('never tells ready of a VM whose job still runs', async () => {
      const { handler, taskFor, provisioner } = await readyFor('vm.create');
      const { sent, request } = await sendThrough(handler, requestFor(taskFor('vm.create')));
      if (sent.state !== 'pending' || sent.resourceId === null) return;
      const seen = await handler.inspect(request, sent.resourceId);
      const job = { jobId: sent.jobId, operation: 'vm.create' as const, submittedAt: new Date().toISOString() };
      const report = (await provisioner.pollJobs([job])).get(sent.jobId);
      // On a busy machine the job may be over by now; what counts is what was said while it ran.
      if (report?.state === 'pending') expect(seen.state).not.toBe('ready');
      await finished(provisioner, 'vm.create', sent.jobId);
    });

    it('gives the facts that other parts need', async () => {
      const { build, facts } = await readyFor('vm.create');
      for (const operation of making) await build(operation);
      const all = Object.assign({}, ...facts.values()) as Facts;
      for (const name of ['vmId', 'volumeId', 'addressId', 'ipAddress', 'privateIp']) expect(all[name]).toMatch(/./);
    });
  });

  describe('discarding', () => {
    it.each(leavesAThing)('(%s) removes a thing by its id, and only with its marker', async (operation) => {
      const { cloud, build, handler, taskFor } = await readyFor(operation);
      const { found, marker } = await build(operation);
      const stranger = requestFor(taskFor(operation));
      await expect(handler.discard(stranger, found.resourceId)).rejects.toMatchObject({ disposition: 'ask-human' });
      expect(await cloud.alive(marker)).toHaveLength(1);

      const own = requestFor(taskFor(operation), { marker });
      for (let step = 0; (await handler.discard(own, found.resourceId)) !== 'gone'; step += 1) {
        expect(step).toBeLessThan(100);
        await pause(20);
      }
      expect(await cloud.alive(marker)).toEqual([]);
    });
  });

  describe('taking back', () => {
    it('removes everything, in the other direction, and may be repeated', async () => {
      const { cloud, build, provisioner, taskFor } = await readyFor('vm.create');
      const markers: string[] = [];
      for (const operation of making) markers.push((await build(operation)).marker);
      for (const operation of takingBack) {
        await carryOut(provisioner, taskFor(operation));
        await carryOut(provisioner, taskFor(operation));
      }
      for (const marker of markers) expect(await cloud.alive(marker)).toEqual([]);
    });

    it.each(takingBack)('(%s) finds that a lost request did its work', async (operation) => {
      const { cloud, build, provisioner, taskFor } = await readyFor('vm.create');
      for (const name of making) await build(name);
      for (const earlier of takingBack.slice(0, takingBack.indexOf(operation))) {
        await carryOut(provisioner, taskFor(earlier));
      }
      await cloud.loseNextAnswer(operation);
      const { lost } = await carryOut(provisioner, taskFor(operation));
      expect(lost).toBe(1);
      const { lost: lostAgain } = await carryOut(provisioner, taskFor(operation));
      expect(lostAgain).toBe(0);
    });
  });

  describe('asking for jobs', () => {
    it.each([1, 3, 4, 30])('answers each of %i ids, unknown ones as lost', async (count) => {
      const cloud = await start();
      started.push(cloud);
      const jobs = Array.from({ length: count }, () => ({
        jobId: randomUUID(),
        operation: 'vm.create' as const,
        submittedAt: new Date().toISOString(),
      }));
      const reports = await cloud.provisioner.pollJobs(jobs);
      expect(jobs.map(({ jobId }) => reports.get(jobId)?.state)).toEqual(jobs.map(() => 'lost'));
    });
  });

  describe('resolving and checking', () => {
    it('have no effect and say the same twice', async () => {
      const cloud = await start();
      started.push(cloud);
      const first = await cloud.provisioner.resolve(cloud.request);
      await expect(cloud.provisioner.resolve(cloud.request)).resolves.toEqual(first);
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      const lines = await cloud.provisioner.check();
      expect(lines.filter(({ ok }) => !ok)).toEqual([]);
      expect(lines.length).toBeGreaterThan(1);
    });
  });
}

/** A cloud may well refuse what would be a second thing of the same name. */
async function orRefused(sending: Promise<Sent>): Promise<Sent | null> {
  try {
    return await sending;
  } catch (error) {
    expect(['OutcomeUnknownError', 'ProvisioningError']).toContain((error as Error).name);
    return null;
  }
}

/** Taking over and refusing as unknown are both right when the thing is there already: the engine looks then. */
async function orUnknown(sending: Promise<Sent>): Promise<Sent | null> {
  try {
    return await sending;
  } catch (error) {
    expect(error).toMatchObject({ name: 'OutcomeUnknownError' });
    return null;
  }
}
