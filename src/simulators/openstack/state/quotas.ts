/** What every project starts with (defaults of the Zed release); -1 is no limit. */
const defaults = {
  nova: {
    instances: 10,
    cores: 20,
    ram: 51_200,
    key_pairs: 100,
    metadata_items: 128,
    server_groups: 10,
    server_group_members: 10,
  },
  cinder: {
    volumes: 10,
    gigabytes: 1000,
    snapshots: 10,
    backups: 10,
    backup_gigabytes: 1000,
    per_volume_gigabytes: -1,
    groups: 10,
  },
  neutron: {
    network: 100,
    subnet: 100,
    port: 500,
    router: 10,
    floatingip: 50,
    security_group: 10,
    security_group_rule: 100,
    rbac_policy: 10,
    subnetpool: -1,
  },
};

export type QuotaService = keyof typeof defaults;

/** The limits of projects, by service. */
export class Quotas {
  readonly #own = new Map<string, Record<string, number>>();
  /** How much larger than the release's own the defaults are; no limit stays none. */
  factor = 1;

  limits(service: QuotaService, projectId: string): Record<string, number> {
    return { ...this.defaults(service), ...this.#own.get(`${service}/${projectId}`) };
  }

  /** Infinity for no limit. */
  limit(service: QuotaService, projectId: string, resource: string): number {
    const value = this.limits(service, projectId)[resource] ?? -1;
    return value < 0 ? Infinity : value;
  }

  set(service: QuotaService, projectId: string, limits: Record<string, number>): void {
    const key = `${service}/${projectId}`;
    this.#own.set(key, { ...this.#own.get(key), ...limits });
  }

  reset(service: QuotaService, projectId: string): void {
    this.#own.delete(`${service}/${projectId}`);
  }

  defaults(service: QuotaService): Record<string, number> {
    const entries = Object.entries(defaults[service]);
    return Object.fromEntries(entries.map(([name, limit]) => [name, limit < 0 ? limit : limit * this.factor]));
  }
}
