import type { HttpOptions, RestHttp } from './http.js';
import type { Pace } from './pace.js';
import type { PlatformConfig, Provisioner } from './provisioner.js';

/** What a cloud's folder tells the house of itself; one line in `registry.ts` takes it up. */
export interface CloudKind {
  /** What people call it. */
  title: string;
  /** The source platform's number for data centres of this kind (E69 of seed-operations.md); null: it has none. */
  sourceType: number | null;
  /**
   * Where the cloud's own schema keeps what every data centre has (`src/schemas/platform.ts`): field → `settings.…` or
   * `credentials.…`. What is not named here the cloud has no use for.
   */
  places: Readonly<Record<string, string>>;
  /** Credentials that are sent to the server as they are; keys that only sign are not among them. */
  sentCredentials: readonly string[];
  /**
   * What says which account of which cloud is meant, and where in it our markers are looked for: `settings.…` or `credentials.…`. Not
   * changed while orders are open that were begun there.
   */
  account: readonly string[];
  /** Credentials that the cloud makes anew for the same account now and then: only it can say whose they are. */
  keys: readonly string[];
  /**
   * @param open the road to its servers
   * @param gate what its requests go through: the budget of the account, shared with others; without one it keeps to its own
   * @throws Error naming what is wrong with the configuration
   */
  build(config: PlatformConfig, open: (options: HttpOptions) => RestHttp, gate?: Pace): Provisioner;
}
