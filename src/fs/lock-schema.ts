import * as z from 'zod';

export const identitySchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string().max(255),
  startToken: z.string().max(100).nullable(),
});

const lockSchema = z.strictObject({
  lockVersion: z.literal(1),
  holder: identitySchema,
  /** Tells this lock from every other one, of the same process, too. */
  token: z.string().max(100),
  since: z.iso.datetime(),
});

export type LockRecord = Readonly<z.infer<typeof lockSchema>>;

/** undefined: empty, half-written or of another form. */
export function parseLock(text: string): LockRecord | undefined {
  try {
    return lockSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
