import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../json.js';
import { seedIds } from './cloudstack/seed-data.js';
import { simulatedCloudStack } from './cloudstack/server.js';
import type { SimulatedCloud } from './http.js';
import { simulatedOpenStack } from './openstack/server.js';

export interface SimulatorOptions {
  /** Of the cloud's software, where it can behave like several. */
  release?: string;
  /** How long work takes that is accepted first and done later. */
  latencyMs: { min: number; max: number };
  /** Makes ids, latencies and faults repeatable. */
  seed?: number;
}

/** A simulated cloud of one kind: how to start it, and how a platform must be set up to use it. */
export interface SimulatedCloudKind {
  /** What people call it. */
  title: string;
  /** Where its real API begins, below its origin. */
  servicePath: string;
  /** Credentials that nobody else has, as `credentials` of a platform takes them. */
  drawCredentials(): Record<string, string>;
  /** What tells `orderwright simulate` to accept them; never the command line, which everybody on the machine can read. */
  environment(credentials: Record<string, string>): Record<string, string>;
  /** @param env see `environment`; without it the credentials are the well-known ones of its `seed-data.ts` */
  build(options: SimulatorOptions, env: Record<string, string | undefined>): SimulatedCloud;
  /** With these settings the sample orders can be built on it. */
  settings: Readonly<JsonObject>;
}

const secret = () => randomBytes(32).toString('base64url');

/** The simulated clouds, by the kind of platform that they are: what `orderwright simulate` takes, and `up --clouds`. */
export const simulatedClouds: Readonly<Record<string, SimulatedCloudKind>> = {
  cloudstack: {
    title: 'CloudStack',
    servicePath: '/client/api',
    drawCredentials: () => ({ apiKey: secret(), secretKey: secret() }),
    environment: ({ apiKey = '', secretKey = '' }) => ({
      ORDERWRIGHT_SIMULATOR_API_KEY: apiKey,
      ORDERWRIGHT_SIMULATOR_SECRET_KEY: secretKey,
    }),
    build: ({ release, ...options }, env) => {
      const apiKey = env['ORDERWRIGHT_SIMULATOR_API_KEY'];
      const secretKey = env['ORDERWRIGHT_SIMULATOR_SECRET_KEY'];
      return simulatedCloudStack({
        ...options,
        ...(release !== undefined && { version: release }),
        ...(apiKey && secretKey && { apiKey, secretKey }),
      });
    },
    settings: { createOfferings: true, diskOfferings: { SATA: 'SATA', SSD: 'SSD' } },
  },
  openstack: {
    title: 'OpenStack',
    servicePath: '/identity/v3',
    drawCredentials: () => ({ username: 'admin', password: secret() }),
    environment: ({ password = '' }) => ({ ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD: password }),
    build: ({ latencyMs, seed }, env) => {
      const adminPassword = env['ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD'];
      return simulatedOpenStack({
        latencyMs,
        ...(seed !== undefined && { seed }),
        ...(adminPassword && { adminPassword }),
      });
    },
    // The sample orders name a zone of the simulated CloudStack.
    settings: { zones: { [seedIds.zone]: 'az1' } },
  },
};

/** @throws Error naming the kinds there are */
export function simulatedCloudOf(kind: string): SimulatedCloudKind {
  const known = Object.hasOwn(simulatedClouds, kind) ? simulatedClouds[kind] : undefined;
  if (known) return known;
  throw new Error(`no simulated cloud is called "${kind}"; there is: ${Object.keys(simulatedClouds).join(', ')}`);
}
