/** The rows of Nova, and what all rows share. Times are milliseconds since 1970; sizes carry their unit. */

export interface Row {
  id: string;
  /** Whose it is: the id of a project. */
  projectId: string;
  createdMs: number;
}

/** Something takes time: what it shows meanwhile, spread evenly over its duration. */
export interface Underway {
  startedMs: number;
  endsMs: number;
  phases: (string | null)[];
}

export interface Flavor {
  id: string;
  name: string;
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  isPublic: boolean;
  disabled: boolean;
  extraSpecs: Record<string, string>;
  /** Projects that may use it although it is private. */
  access: Set<string>;
}

export interface Server extends Row {
  userId: string;
  name: string;
  hostname: string;
  description: string | null;
  flavor: Flavor;
  /** The flavor to go back to while a resize waits for its confirmation. */
  oldFlavor: Flavor | null;
  imageId: string | null;
  keyName: string | null;
  availabilityZone: string;
  metadata: Record<string, string>;
  tags: string[];
  adminPass: string;
  reservationId: string;
  vmState: string;
  /** The state before a rescue or a resize. */
  vmStateBefore: string | null;
  underway: Underway | null;
  /** Ends the work that is under way without an effect: the server is being deleted. */
  cancelWork: (() => void) | null;
  fault: { code: number; message: string; createdMs: number } | null;
  lockedReason: string | null;
  locked: boolean;
  updatedMs: number;
  launchedMs: number | null;
  terminatedMs: number | null;
  securityGroupNames: string[];
  volumes: AttachedVolume[];
  rootVolumeId: string | null;
}

export interface AttachedVolume {
  volumeId: string;
  attachmentId: string;
  bdmId: string;
  device: string;
  tag: string | null;
  deleteOnTermination: boolean;
}

export interface InstanceAction {
  requestId: string;
  serverId: string;
  projectId: string;
  userId: string;
  action: string;
  event: string;
  startMs: number;
  updatedMs: number;
  /** When a compute service took it up; until then there is no event. */
  pickedUpMs: number;
  finishMs: number | null;
  result: 'Success' | 'Error' | null;
  /** A fault of the control side: the record cannot be found. */
  vanished: boolean;
}

export interface KeyPair {
  id: string;
  userId: string;
  name: string;
  type: string;
  publicKey: string;
  fingerprint: string;
  createdMs: number;
}
