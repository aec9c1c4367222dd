import type { Row, Underway } from './model.js';

export interface Image {
  id: string;
  name: string;
  owner: string;
  status: string;
  visibility: 'public' | 'private' | 'shared' | 'community';
  sizeBytes: number;
  minDiskGib: number;
  minMemoryMib: number;
  tags: string[];
  properties: Record<string, string>;
  isProtected: boolean;
  createdMs: number;
  updatedMs: number;
  seeded: boolean;
}

export interface VolumeType {
  id: string;
  name: string;
  isPublic: boolean;
  description: string | null;
}

export interface Volume extends Row {
  userId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  typeName: string;
  availabilityZone: string;
  metadata: Record<string, string>;
  status: string;
  underway: Underway | null;
  bootable: boolean;
  /** Set when it was made from an image. */
  imageId: string | null;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  attachment: { attachmentId: string; serverId: string; device: string; attachedMs: number } | null;
  updatedMs: number | null;
  /** Nova made it as the disk of this server. */
  madeForServerId: string | null;
}

export interface Snapshot extends Row {
  userId: string;
  volumeId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  status: string;
  underway: Underway | null;
  metadata: Record<string, string>;
  updatedMs: number | null;
}

export interface Backup extends Row {
  userId: string;
  volumeId: string;
  name: string | null;
  description: string | null;
  sizeGib: number;
  status: string;
  underway: Underway | null;
  failReason: string | null;
  isIncremental: boolean;
  parentId: string | null;
  metadata: Record<string, string>;
  dataMs: number;
  updatedMs: number | null;
}

export interface CinderMessage extends Row {
  eventId: string;
  resourceType: string;
  resourceId: string;
  userMessage: string;
  requestId: string;
}
