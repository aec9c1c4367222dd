import type { SimulatedResource } from '../../src/simulators/control.js';
import type { Stranger } from '../clouds/test-cloud.js';
import { boughtKinds } from '../invariants/facts.js';
import type { Chance } from './chance.js';
import type { SimulatedStore } from './store.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorkerProcess } from './worker-process.js';

export interface OthersSurroundings {
  time: VirtualTime;
  store: SimulatedStore;
  trace: Trace;
  random: Chance;
  count(what: string): void;
  resources(): SimulatedResource[];
  stranger: Stranger;
  platformIds: readonly string[];
  userIds: readonly string[];
  /** Other credentials that are good as well. */
  rotated(before: Record<string, string>): Record<string, string>;
  credentials: Record<string, string>;
  ready(): WorkerProcess[];
}

/** People who mean no harm: somebody else at the cloud, whoever keeps the list of data centres, whoever registers users. */
export class Others {
  /** Things at the cloud that are none of ours. */
  readonly foreignIds: string[] = [];
  /** Theirs too, but under a marker of ours; since when. */
  readonly addedByOthers: Record<string, string> = {};
  /** Ours, and removed by somebody else. */
  readonly removedIds: string[] = [];
  /** Somebody removed a whole account of ours: what is in it can neither be seen nor removed any more, whatever lever is pulled. */
  hasRemovedAccount = false;
  private credentials: Record<string, string>;
  private closed = new Set<string>();

  constructor(private readonly around: OthersSurroundings) {
    this.credentials = around.credentials;
  }

  /** Somebody removes, renames or adds a thing at the cloud, by its own API. */
  meddle(): void {
    const { random, stranger, trace, count } = this.around;
    const things = this.around.resources();
    if (things.length === 0) return;
    const shared = things.filter(({ kind }) => !boughtKinds.includes(kind));
    const bought = things.filter(({ kind, id }) => boughtKinds.includes(kind) && !this.foreignIds.includes(id));
    const act = random.pick([
      'remove shared',
      'remove shared',
      'rename',
      'remove bought',
      'add',
      'add with our marker',
    ] as const);
    const some = act === 'remove shared' ? shared : act === 'rename' ? things : bought;
    if (some.length === 0) return;
    const thing = random.pick(some);
    const said = (done: boolean | null, what = act as string) => {
      if (done === null) return;
      count(`somebody else: ${what}${done ? '' : ', refused'}`);
      trace.add('stranger', `${what} ${thing.kind} ${thing.id}: ${done ? 'done' : 'refused'}`);
    };
    if (act === 'rename')
      return said(stranger.rename(thing, `renamed-${random.text(6, 'abcdefgh')}`), `rename ${thing.kind}`);
    if (act === 'add' || act === 'add with our marker') {
      const copied = act === 'add' ? null : this.diskToCopy(bought);
      if (act !== 'add' && copied === null) return;
      const name = copied?.name ?? `mine-${random.text(6, 'abcdefgh')}`;
      const before = new Set(things.map(({ id }) => id));
      // A stranger's answers are lost as ours are: what it made is there all the same.
      const made = () =>
        this.around.resources().find((one) => one.kind === 'volume' && one.name === name && !before.has(one.id))?.id ??
        null;
      const id = stranger.addDisk(copied ?? thing, name, copied?.marker ?? null) ?? made();
      if (id !== null && copied === null) this.foreignIds.push(id);
      else if (id !== null) this.addedByOthers[id] = this.around.store.now.toISOString();
      return said(id !== null);
    }
    const answered = stranger.remove(thing);
    const done = answered === false ? !this.around.resources().some(({ id }) => id === thing.id) : answered;
    if (done) this.removedIds.push(thing.id);
    if (done && ['account', 'user'].includes(thing.kind)) this.hasRemovedAccount = true;
    said(done, `remove ${thing.kind}`);
  }

  /** Whoever keeps the list of data centres edits, closes and opens one, or gives it other credentials. */
  changePlatform(running: WorkerProcess): void {
    const { random, count } = this.around;
    const platformId = random.pick(this.around.platformIds);
    const by = { actor: 'keeper', reason: `change ${random.int(1, 1e6)}` };
    const act = random.pick(['edit', 'edit', 'rotate', 'disabled', 'maintenance'] as const);
    count(`platform ${act}`);
    this.at(running, `platform ${act}`, ({ registry }) => {
      switch (act) {
        case 'edit': {
          const name = `dc-${random.text(4, 'abcdefgh')}`;
          return registry?.edit(platformId, { name, shortName: random.pick([null, name]) }, by);
        }
        case 'rotate':
          this.credentials = this.around.rotated(this.credentials);
          return registry?.edit(platformId, { credentials: this.credentials }, by);
        default:
          this.closed.add(platformId);
          this.around.time.after(null, random.between(500, 8_000), () => this.open());
          return registry?.setState(platformId, act, by);
      }
    });
  }

  /** Opens what is closed, sooner or later. */
  open(): void {
    const [running] = this.around.ready();
    if (this.closed.size === 0) return;
    for (const platformId of running ? [...this.closed] : []) {
      this.closed.delete(platformId);
      const again = () => this.closed.add(platformId);
      this.at(
        running as WorkerProcess,
        'platform open',
        ({ registry }) => registry?.setState(platformId, 'open', { actor: 'keeper', reason: 'open again' }),
        again,
      );
    }
    this.around.time.after(null, 1_500, () => this.open());
  }

  /** A user is registered in a data centre, or his registration is taken back. */
  register(running: WorkerProcess): void {
    const { random, count } = this.around;
    const who = {
      userIds: [random.pick(this.around.userIds)],
      platformIds: random.happens(0.7) ? [random.pick(this.around.platformIds)] : null,
    };
    const by = { actor: 'registrar', reason: `registration ${random.int(1, 1e6)}` };
    const act = random.pick(['register', 'register with network', 'unregister', 'unregister'] as const);
    count(act);
    this.at(running, act, ({ worker }) =>
      act === 'unregister'
        ? worker?.registrar.unregister(who, by)
        : worker?.registrar.register(who, by, { withNetwork: act === 'register with network' }),
    );
  }

  private at(
    running: WorkerProcess,
    what: string,
    work: (running: WorkerProcess) => Promise<unknown> | undefined,
    failed = () => {},
  ): void {
    const { time, trace } = this.around;
    const said = (text: string) => time.after(null, 1, () => trace.add('people', `${what}: ${text}`));
    const lost = time.after(null, 20_000, failed);
    time.as(running.process, () => {
      void Promise.resolve(work(running)).then(
        () => {
          lost.cancelled = true;
          said('done');
        },
        (error: unknown) => {
          lost.cancelled = true;
          failed();
          said((error as Error).message.slice(0, 200));
        },
      );
    });
  }

  /** One that an order has made: its name, or what stands beside it, is its marker, so a copy has to have all of it. */
  private diskToCopy(bought: SimulatedResource[]): SimulatedResource | null {
    const { store, random } = this.around;
    const { rows } = store.ask({
      text: `select marker from cloud_operation where name = 'ebs.create' and state = 'done' order by marker`,
    });
    const markers = new Set(rows.map(({ marker }) => marker));
    const disks = bought.filter(({ kind, marker }) => kind === 'volume' && markers.has(marker));
    return disks.length === 0 ? null : random.pick(disks);
  }
}
