export interface Domain {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
}

export interface Project {
  id: string;
  name: string;
  domainId: string;
  description: string;
  enabled: boolean;
  tags: string[];
  createdMs: number;
  seeded: boolean;
}

export interface User {
  id: string;
  name: string;
  domainId: string;
  password: string;
  description: string;
  email: string | null;
  enabled: boolean;
  defaultProjectId: string | null;
  passwordExpiresMs: number | null;
  /** Tokens issued up to the end of this second are dead; null when nothing was ever revoked. */
  revokedUpToSecond: number | null;
  createdMs: number;
  seeded: boolean;
}

export interface Role {
  id: string;
  name: string;
  /** Ids of roles that come with it. */
  implies: string[];
}

export interface Grant {
  targetKind: 'project' | 'domain';
  targetId: string;
  userId: string;
  roleId: string;
}

export interface ApplicationCredential {
  id: string;
  name: string;
  description: string;
  userId: string;
  projectId: string;
  secret: string;
  roleIds: string[];
  expiresMs: number | null;
}

export interface Token {
  text: string;
  userId: string;
  scope: { kind: 'project' | 'domain'; id: string } | null;
  methods: string[];
  auditIds: string[];
  issuedMs: number;
  expiresMs: number;
  applicationCredentialId: string | null;
}
