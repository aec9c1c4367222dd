import { z } from 'zod';

/** What the API says of data centres. Credentials are in none of it: they are written and never read. */

const Instant = z.string().meta({ format: 'date-time' });

export const PlatformJson = z.object({
  id: z.string().describe('What items call `platformId`'),
  number: z.int().describe("What the source platform's own routes call `id`"),
  name: z.string(),
  shortName: z.string().nullable(),
  kind: z.string(),
  serviceUrl: z.string(),
  region: z.string().nullable(),
  state: z.enum(['open', 'maintenance', 'disabled']),
  stateReason: z.string().nullable().describe('Why somebody gave it that state'),
  stateSince: Instant,
  version: z.int().describe('Grows with each change; send it as If-Match'),
  weather: z
    .object({
      state: z
        .enum(['open', 'broken', 'reopening', 'maintenance', 'disabled', 'unusable'])
        .describe('broken: nothing is sent until a probe is answered; reopening: work is let in again slowly'),
      since: Instant.nullable(),
      reason: z.string().nullable(),
      nextProbeAt: Instant.nullable(),
      parked: z.int().describe('Pieces of work that wait until it is open again, all workers'),
      queued: z.int().describe('Pieces of work that wait for their turn, all workers'),
    })
    .optional()
    .describe('Not there for a few seconds after it was added'),
});
export type PlatformJson = z.infer<typeof PlatformJson>;
export const PlatformsJson = z.object({ platforms: z.array(PlatformJson) });
export type PlatformsJson = z.infer<typeof PlatformsJson>;

export const PlatformDetailJson = PlatformJson.extend({
  domain: z.string().nullable(),
  project: z.string().nullable(),
  externalNetwork: z.string().nullable(),
  host: z.string().nullable(),
  caCertificate: z.string().nullable(),
  limits: z.record(z.string(), z.number()),
  maps: z.record(z.string(), z.record(z.string(), z.string())),
  naming: z.record(z.string(), z.string()),
  settings: z.record(z.string(), z.json()).describe("What only this kind of cloud knows, by the cloud's own schema"),
  unused: z.array(z.string()).describe('Fields that are kept for people and that this kind of cloud does not use'),
  openOrders: z.int().describe('Orders that have not ended and name it'),
  createdAt: Instant,
  updatedAt: Instant,
  removedAt: Instant.nullable(),
});
export type PlatformDetailJson = z.infer<typeof PlatformDetailJson>;

export const PlatformCheckJson = z.object({
  id: z.string(),
  ok: z.boolean().describe('Whether every line is'),
  lines: z.array(
    z.object({
      what: z.string(),
      ok: z.boolean(),
      detail: z.string().describe('What was found, or what is missing'),
    }),
  ),
});
export type PlatformCheckJson = z.infer<typeof PlatformCheckJson>;
