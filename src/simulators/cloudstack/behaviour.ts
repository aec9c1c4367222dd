/** What differs between the versions of CloudStack. Facts: reference, sections 0-5 and 9; the rest is marked. */
export interface Behaviour {
  version: string;
  minor: number;
  /** `timeout` of the login as text. */
  timeoutAsText: boolean;
  /** `success` of a synchronous answer as text; inside a job result it is always a boolean. */
  successAsText: boolean;
  urlSafeSessionKey: boolean;
  sessionKeyCookie: boolean;
  /** Where the session key is looked for. */
  sessionKeyCheck: 'parameter' | 'either' | 'both';
  /** Only `2030-01-02T03:04:05Z+0000` parses as `expires`. */
  legacyExpiresOnly: boolean;
  /** The status for a command that is unknown or not allowed. */
  forbiddenStatus: 432 | 401;
  /** `jobresultcode` is 530 for every failure. */
  flatJobResultCode: boolean;
  listsFinishedJobs: boolean;
  /** An admin's list also holds the internal jobs of the server. */
  listsInternalJobs: boolean;
  customJobId: boolean;
  jobExpiryFrom: 'creation' | 'completion';
  jobCompleted: boolean;
  jobOwnerFields: boolean;
  displaytextRequired: boolean;
  vmNameFilter: 'like' | 'exact';
  keypairField: 'keypair' | 'keypairs';
  ownPassword: boolean;
  keysInUserLists: boolean;
  contentType: string;
  descriptionHeader: boolean;
}

/** @param version `4.4` to `4.22`; a patch level (`4.9.1`) is allowed and ignored. */
export function behaviourOf(version: string): Behaviour {
  const minor = Number(/^4\.(\d+)/.exec(version)?.[1] ?? Number.NaN);
  if (Number.isNaN(minor)) throw new Error(`no CloudStack version: ${version} (known: 4.4 to 4.22)`);
  return {
    version,
    minor,
    timeoutAsText: minor <= 4,
    successAsText: minor <= 9,
    urlSafeSessionKey: minor >= 5,
    sessionKeyCookie: minor >= 5,
    // guess: 4.13 and 4.19 look as 4.9 does; the reference knows 4.5-4.9 and 4.22 only.
    sessionKeyCheck: minor <= 4 ? 'parameter' : minor >= 20 ? 'both' : 'either',
    legacyExpiresOnly: minor <= 9,
    forbiddenStatus: minor <= 9 ? 432 : 401,
    flatJobResultCode: minor <= 13,
    listsFinishedJobs: minor <= 11,
    // guess: internal VM work jobs exist since 4.5.
    listsInternalJobs: minor >= 5 && minor < 18,
    customJobId: minor >= 5,
    jobExpiryFrom: minor <= 9 ? 'creation' : 'completion',
    jobCompleted: minor >= 12,
    // guess: the reference says "newer only".
    jobOwnerFields: minor >= 18,
    displaytextRequired: minor <= 9,
    // guess: between 4.13 (LIKE) and 4.22 (exact) the change is put at 4.20.
    vmNameFilter: minor >= 20 ? 'exact' : 'like',
    keypairField: minor <= 16 ? 'keypair' : 'keypairs',
    ownPassword: minor >= 19,
    keysInUserLists: minor <= 4,
    // guess: "old servers" are those up to 4.4.
    contentType: minor <= 4 ? 'text/javascript; charset=UTF-8' : 'application/json; charset=UTF-8',
    descriptionHeader: minor >= 13,
  };
}
