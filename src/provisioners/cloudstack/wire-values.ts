import { z } from 'zod';

/**
 * The values CloudStack's answers are made of. Old servers print some numbers and booleans as text (`"true"`, `"1800"`),
 * and leave out what is null; both spellings are taken everywhere (reference, section 0).
 */
export const Text = z.union([z.string(), z.number()]).transform(String);
export const Id = z.union([z.string().min(1), z.number()]).transform(String);
export const Int = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]).transform(Number);
export const Bool = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .transform((value) => value === true || value === 'true');
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);
export const orFalse = Bool.nullish().transform((value) => value ?? false);
export const orEmpty = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema)
    .nullish()
    .transform((value) => value ?? []);

/** `2017-10-19T12:53:01+0800` (no colon in the offset) → ISO 8601 in UTC; what cannot be read is null, never an error. */
export function readDate(text: string): string | null {
  const time = new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
export const CloudDate = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' ? readDate(value) : null));

/** Pending work on a thing, as newer servers show it beside the thing itself. */
export const jobFields = { jobid: orNull(Id), jobstatus: orNull(Int) };
/** Whose a thing is; `account` is left out of what belongs to a project. */
export const ownerFields = { account: orNull(Text), domainid: orNull(Id) };
