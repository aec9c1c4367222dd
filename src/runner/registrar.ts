/** Which users, in which data centres; null is all of them. */
export interface Who {
  userIds: string[] | null;
  platformIds: string[] | null;
}

/** How a user's registration in a data centre stands. */
export interface Registration {
  userId: string;
  platformId: string;
  /**
   * `asked`: nobody has looked at it yet. `working`: it is being made, or taken back. `waiting`: for a person, or for orders
   * that are still open; `detail` says which.
   */
  state: 'asked' | 'working' | 'waiting' | 'registered' | 'unregistered' | 'failed';
  /** Where it is going. */
  wanted: 'registered' | 'unregistered';
  detail: string;
  since: Date;
}

/** Registers users in data centres and takes registrations back: notes what is wanted, and the workers see to it. */
export interface Registrar {
  /** @param by who asks, for the audit. @returns the registrations as they stand now */
  register(
    who: Who,
    by: { actor: string; reason: string },
    options?: { withNetwork?: boolean },
  ): Promise<Registration[]>;
  unregister(who: Who, by: { actor: string; reason: string }): Promise<Registration[]>;
  list(who: Who): Promise<Registration[]>;
}
