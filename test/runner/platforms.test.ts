import { afterEach, describe, expect, it } from '@jest/globals';
import { ProvisioningError } from '../../src/errors.js';
import { NoAnswerError } from '../../src/provisioners/http.js';
import { NotSentError, type Pace as Gate } from '../../src/provisioners/pace.js';
import type { Provisioner, Resolution, ResolveRequest } from '../../src/provisioners/provisioner.js';
import type { Turn } from '../../src/runner/fair-turns.js';
import { Platforms, type PlatformsOptions } from '../../src/runner/platforms.js';
import type { ListedPlatform } from '../../src/store/platforms.js';
import type { SeenClouds } from '../../src/store/worker-clouds.js';
import { bundleOrder } from '../support/orders.js';
import { cloudWith, quickPace, silent, until } from './support.js';

const order = bundleOrder();
const request: ResolveRequest = { order, parts: [] };
const resolved: Resolution = { state: 'resolved', parts: [], preparations: [], warnings: [] };

/** Data centres of a worker, each with a cloud whose one call goes through the gate. */
class Site {
  rows: ListedPlatform[] = [];
  gates = new Map<string, Gate>();
  /** How the cloud answers each platform's next calls. */
  answers = new Map<string, () => Promise<void>>();
  probes = 0;
  others: SeenClouds[] = [];
  announced: SeenClouds = {};
  catalogueIsCached = false;
  readonly platforms: Platforms;
  private changes = 0;

  constructor(options: Partial<PlatformsOptions> = {}) {
    this.platforms = new Platforms({
      read: () => Promise.resolve(this.rows),
      openCredentials: (row) => ({ apiKey: Buffer.from(row.sealedCredentials).toString() }),
      create: (config, gate) => {
        if (config.settings['broken'] === true) throw new Error('settings of the platform: diskOfferings is wrong');
        this.gates.set(config.id, gate);
        return this.cloud(config.id);
      },
      meet: (clouds) => {
        this.announced = clouds;
        return Promise.resolve(this.others);
      },
      log: silent,
      ...options,
    });
  }

  private cloud(id: string): Provisioner {
    const call = () => this.call(id);
    return cloudWith(
      {},
      {
        limits: { callsPerSecond: 600, atOnce: 8 },
        probe: async () => {
          this.probes += 1;
          await call();
        },
        resolve: async () => {
          if (!this.catalogueIsCached) await call();
          return resolved;
        },
      },
    );
  }

  /** As an adapter makes a call and sorts what comes of it. */
  async call(id: string): Promise<void> {
    try {
      await this.gates.get(id)?.run(() => this.answers.get(id)?.() ?? Promise.resolve());
    } catch (error) {
      const why = error instanceof NotSentError ? 'CLD_UNAVAILABLE' : 'CLD_UNREACHABLE';
      throw new ProvisioningError('retry', why, (error as Error).message);
    }
  }

  async configure(id: string, changes: Partial<ListedPlatform> = {}): Promise<void> {
    const row: ListedPlatform = {
      platformId: id,
      name: `dc-${id}`,
      kind: 'simulated',
      serviceUrl: `http://127.0.0.1:1/${id}`,
      state: 'open',
      settings: { pace: { ...quickPace } },
      sealedCredentials: Buffer.from(`key of ${id}`),
      updatedAt: new Date((this.changes += 1)),
      ...changes,
    };
    this.rows = [...this.rows.filter(({ platformId }) => platformId !== id), row];
    await this.platforms.refresh();
  }

  /** The cloud is away, and the worker has found out. */
  async goDark(id: string): Promise<void> {
    this.answers.set(id, () => Promise.reject(new NoAnswerError(false, 'ECONNREFUSED')));
    for (let i = 0; i < 5; i++) await this.call(id).catch(() => {});
    expect(this.platforms.isAway(id)).toBe(true);
  }

  comeBack(id: string): void {
    this.answers.delete(id);
  }

  take(platformId: string, run: Turn['run'], changes: Partial<Turn> = {}): void {
    const turn: Turn = { tenant: 't', platformId, orderId: null, urgency: 'begin', isRetry: false, run, ...changes };
    this.platforms.take(turn);
  }
}

describe('the platforms of a worker', () => {
  let site: Site;
  const open = async (options: Partial<PlatformsOptions> = {}, ids = ['p']) => {
    site = new Site(options);
    for (const id of ids) await site.configure(id);
  };
  afterEach(() => site.platforms.stop());

  const weather = (id = 'p') => site.platforms.weatherOf(id);

  it('that have the same address and credentials are one account, others are not', async () => {
    await open({}, ['a', 'b']);
    const same = { serviceUrl: 'http://127.0.0.1:1/x', sealedCredentials: Buffer.from('k') };
    await site.configure('c', same);
    await site.configure('d', same);
    await site.configure('e', { ...same, sealedCredentials: Buffer.from('other') });
    const accounts = ['a', 'b', 'c', 'd', 'e'].map((id) => site.platforms.get(id)?.account);
    expect(new Set(accounts).size).toBe(4);
    expect(accounts[2]).toBe(accounts[3]);
    await site.goDark('c');
    expect(['a', 'd', 'e'].map((id) => site.platforms.isAway(id))).toEqual([false, true, false]);
  });

  it('share the rate of an account with the other workers that use it', async () => {
    await open();
    expect(site.platforms.get('p')?.account.callsPerSecond).toBe(600);
    const seen = { circuit: 'closed' as const, since: null, reason: null, nextProbeAt: null, waiting: {} };
    site.others = [{ p: seen }, { p: seen, q: seen }, { q: seen }];
    await site.platforms.meet();
    expect(site.platforms.get('p')?.account.callsPerSecond).toBeCloseTo(200);
    site.others = [];
    await site.platforms.meet();
    expect(site.platforms.get('p')?.account.callsPerSecond).toBe(600);
  });

  it('tell the others of the accounts they use, and of no others', async () => {
    await open({}, ['p', 'q']);
    await site.platforms.meet();
    expect(site.announced).toEqual({});
    await site.call('p');
    await site.platforms.meet();
    expect(Object.keys(site.announced)).toEqual(['p']);
  });

  it('show what another worker sees of the cloud', async () => {
    await open();
    site.others = [{ p: { circuit: 'open', since: 0, reason: 'ETIMEDOUT', nextProbeAt: 1_000, waiting: { p: 7 } } }];
    await site.platforms.meet();
    expect(weather()).toEqual({
      state: 'broken',
      since: '1970-01-01T00:00:00.000Z',
      reason: 'ETIMEDOUT',
      nextProbeAt: '1970-01-01T00:00:01.000Z',
      parked: 7,
      queued: 0,
    });
  });

  it('send nothing to a cloud that is down but probes, and let its work in when one is answered', async () => {
    await open();
    await site.goDark('p');
    let done = 0;
    let begunInTheDark = 0;
    for (let i = 0; i < 100; i++) {
      site.take('p', async () => {
        if (site.platforms.isAway('p')) begunInTheDark += 1;
        await site.call('p');
        done += 1;
        return 'done';
      });
    }
    await until('a few probes', () => site.probes >= 3);
    expect(done).toBe(0);
    expect(weather()).toMatchObject({ state: 'broken', reason: 'ECONNREFUSED', parked: 100, queued: 0 });
    expect(weather().nextProbeAt).not.toBeNull();
    site.comeBack('p');
    await until('all of it to be done', () => done === 100);
    expect(begunInTheDark).toBe(0);
    expect(weather()).toMatchObject({ state: 'open', parked: 0, queued: 0 });
  });

  it('let no herd in: never more at once than answers had come in since the cloud got up', async () => {
    await open();
    await site.goDark('p');
    let [answered, running, done] = [0, 0, 0];
    const tooMany: number[] = [];
    for (let i = 0; i < 60; i++) {
      site.take('p', async () => {
        running += 1;
        if (running > 1 + Math.floor(answered / 2)) tooMany.push(running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        await site.call('p');
        running -= 1;
        done += 1;
        return 'done';
      });
    }
    site.answers.set('p', () => Promise.resolve(void (answered += 1)));
    await until('all of it to be done', () => done === 60);
    expect(tooMany).toEqual([]);
  });

  it('plan from the cached catalogue while the cloud is down, and wait where that is not enough', async () => {
    await open();
    await site.goDark('p');
    const platform = site.platforms.get('p');
    let planned = false;
    const waiting = platform?.provisioner.resolve(request).then(() => (planned = true));
    await until('it waits', () => weather().parked === 1);
    site.catalogueIsCached = true;
    await expect(platform?.provisioner.resolve(request)).resolves.toEqual(resolved);
    expect(planned).toBe(false);
    site.comeBack('p');
    await waiting;
    expect(planned).toBe(true);
  });

  it('plan no more orders when too much waits: the order is told to come back, and nothing grows', async () => {
    await open({ maxWaiting: 3 });
    await site.goDark('p');
    for (let i = 0; i < 3; i++) site.take('p', () => Promise.resolve('done'));
    await expect(site.platforms.get('p')?.provisioner.resolve(request)).rejects.toMatchObject({
      disposition: 'retry',
      code: 'CLD_THROTTLED',
    });
    // What belongs to an order that was begun is always taken.
    site.take('p', () => Promise.resolve('done'));
    expect(weather().parked).toBe(4);
  });

  it('keep the work for a platform that nobody knows yet, until somebody adds it', async () => {
    await open();
    let done = 0;
    site.take('new', () => Promise.resolve(((done += 1), 'done')));
    expect(weather('new')).toMatchObject({ state: 'unusable', parked: 1 });
    await site.configure('new');
    await until('it is done', () => done === 1);
  });

  it('keep the work for a platform with bad settings, with the reason, until they are mended', async () => {
    await open({}, []);
    await site.configure('p', { settings: { broken: true } });
    let done = 0;
    site.take('p', () => Promise.resolve(((done += 1), 'done')));
    const planning = site.platforms.get('p')?.provisioner.resolve(request);
    await until('both wait', () => weather().parked === 2);
    expect(weather()).toMatchObject({ state: 'unusable', reason: expect.stringContaining('diskOfferings') as unknown });
    // Planning does not refuse what only waits for a person's correction.
    expect(site.platforms.summaries()).toMatchObject([{ id: 'p', state: 'open' }]);
    await site.configure('p');
    await expect(planning).resolves.toEqual(resolved);
    expect(done).toBe(1);
  });

  it('go on with the settings they had when new ones are bad', async () => {
    await open();
    await site.configure('p', { settings: { broken: true } });
    await expect(site.platforms.get('p')?.provisioner.resolve(request)).resolves.toEqual(resolved);
  });

  it('in maintenance keep new orders waiting, with the reason, and go on with what is planned', async () => {
    await open({}, ['p', 'q']);
    const one = { serviceUrl: 'http://127.0.0.1:1/x', sealedCredentials: Buffer.from('k') };
    await site.configure('p', one);
    await site.configure('q', one);
    await site.goDark('p');
    const done: string[] = [];
    const work = (name: string) => () => Promise.resolve((done.push(name), 'done' as const));
    // One waits in the queue when the maintenance begins, one comes during it; of each kind.
    site.take('p', work('planned before'));
    site.take('p', work('new before'), { urgency: 'plan' });
    site.take('q', work('new elsewhere'), { urgency: 'plan' });
    await site.configure('p', { ...one, state: 'maintenance', stateReason: 'new disks', stateSince: new Date(5) });
    site.take('p', work('planned during'));
    site.take('p', work('job asked about'), { urgency: 'finish' });
    const planning = site.platforms.get('p')?.provisioner.resolve(request);
    expect(weather()).toMatchObject({ state: 'maintenance', reason: 'new disks', since: new Date(5).toISOString() });
    site.comeBack('p');
    await until('what is planned is done', () => done.length === 4);
    expect(done.toSorted()).toEqual(['job asked about', 'new elsewhere', 'planned before', 'planned during']);
    expect(weather()).toMatchObject({ state: 'maintenance', parked: 2 });
    // The cached catalogue would do for a plan, and what is planned would be built.
    site.catalogueIsCached = true;
    let planned = false;
    void planning?.then(() => (planned = true));
    const another = site.platforms.get('p')?.provisioner.resolve(request);
    await until('it waits too', () => weather().parked === 3);
    expect(planned).toBe(false);
    await site.configure('p', one);
    await expect(planning).resolves.toEqual(resolved);
    await expect(another).resolves.toEqual(resolved);
    await until('the rest is done', () => done.length === 5);
    expect(done.at(-1)).toBe('new before');
  });

  it('that are removed are not known any more; what waited is kept, should they come back', async () => {
    await open({}, ['p', 'q']);
    await site.goDark('p');
    let done = 0;
    site.take('p', () => Promise.resolve(((done += 1), 'done')));
    const { rows } = site;
    site.rows = rows.filter(({ platformId }) => platformId !== 'p');
    await site.platforms.refresh();
    expect(site.platforms.summaries().map(({ id }) => id)).toEqual(['q']);
    expect(weather()).toMatchObject({ state: 'unusable', parked: 1 });
    site.comeBack('p');
    site.rows = rows;
    await site.platforms.refresh();
    await until('it is done', () => done === 1);
  });

  it('are read one after the other, and whoever asks gets a reading that began afterwards', async () => {
    let reading = 0;
    let most = 0;
    await open({
      read: async () => {
        most = Math.max(most, (reading += 1));
        const rows = site?.rows ?? [];
        await Promise.resolve();
        reading -= 1;
        return rows;
      },
    });
    const first = site.platforms.refresh();
    const second = site.configure('late');
    await Promise.all([first, second]);
    expect(site.platforms.get('late')).toBeDefined();
    expect(most).toBe(1);
  });

  it('that move to another address take their waiting work along', async () => {
    await open();
    await site.goDark('p');
    let done = 0;
    site.take('p', () => Promise.resolve(((done += 1), 'done')));
    site.comeBack('p');
    await site.configure('p', { serviceUrl: 'http://127.0.0.1:1/elsewhere' });
    await until('it is done', () => done === 1);
    expect(site.platforms.isAway('p')).toBe(false);
  });

  it('do not slow each other: while one cloud hangs the other goes on', async () => {
    await open({}, ['p', 'q']);
    let release = () => {};
    const hangs = new Promise<void>((resolve) => (release = resolve));
    let done = 0;
    for (let i = 0; i < 50; i++) {
      site.take('p', () => hangs.then(() => 'done' as const));
      site.take('q', () => Promise.resolve(((done += 1), 'done')));
    }
    await until("the other's work is done", () => done === 50);
    expect(weather('p')).toMatchObject({ state: 'open', queued: 42 });
    release();
  });

  it('let retries wait when there are too many of them, and fail none', async () => {
    await open();
    let [first, again] = [0, 0];
    for (let i = 0; i < 12; i++) site.take('p', () => Promise.resolve(((again += 1), 'done')), { isRetry: true });
    for (let i = 0; i < 20; i++) site.take('p', () => Promise.resolve(((first += 1), 'done')));
    await until('the first tries are done', () => first === 20);
    expect(again).toBeLessThan(12);
    expect(weather().queued).toBe(12 - again);
    await until('the retries are done too', () => again === 12);
  });
});
