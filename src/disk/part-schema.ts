import * as z from 'zod';
import { identitySchema } from './lock-schema.ts';

/** What is known of a partial download. Written after the data it speaks of is on the disk. */
const partStateSchema = z.strictObject({
  partVersion: z.literal(1),
  /** Manifest name and published MD5: another release's part is of no use. */
  name: z.string(),
  md5: z.string(),
  owner: identitySchema,
  /** Where the bytes come from, with query: never printed. */
  url: z.string(),
  /** Strong validator of the bytes; null: they can't be gone on with. */
  etag: z.string().nullable(),
  totalBytes: z.int().nonnegative().nullable(),
  /** Flushed to the disk up to here. */
  durableBytes: z.int().nonnegative(),
});

export type PartState = Readonly<z.infer<typeof partStateSchema>>;

/** undefined: empty, half-written or of another form. */
export function parsePartState(text: string): PartState | undefined {
  try {
    return partStateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
