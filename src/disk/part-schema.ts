import * as z from 'zod';
import { identitySchema } from './lock-schema.ts';

/** What is known of a partial download. Written after the data it speaks of is on the disk. */
const partStateSchema = z.strictObject({
  partVersion: z.literal(1),
  /** Manifest name and published MD5: another release's part is of no use. */
  name: z.string(),
  md5: z.string(),
  /** Who writes it; null: nobody any more, it was left in good order. */
  owner: identitySchema.nullable(),
  /** Where the bytes come from, with query: never printed. */
  url: z.string(),
  /** Strong validator of the bytes, for If-Range; null: they can't be gone on with. */
  validator: z.string().nullable(),
  totalBytes: z.int().nonnegative().nullable(),
  /** Flushed to the disk up to here. */
  durableBytes: z.int().nonnegative(),
});

export type PartState = Readonly<z.infer<typeof partStateSchema>>;

/**
 * `newer`: of a later ccxri's form, not to be touched; undefined: empty, half-written, or of no form
 * at all.
 */
export function parsePartState(text: string): PartState | 'newer' | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { success } = newerSchema.safeParse(json);
  return success ? 'newer' : partStateSchema.safeParse(json).data;
}

const newerSchema = z.object({ partVersion: z.int().min(2) });

/** Where the bytes of a part come from: what a later range must match. */
export type PartOrigin = Pick<PartState, 'url' | 'validator' | 'totalBytes'>;

export const NO_ORIGIN: PartOrigin = { url: '', validator: null, totalBytes: null };

/** Whether the bytes can be gone on with, or are all there is. */
export function isUsable(origin: PartOrigin, bytes: number): boolean {
  return bytes > 0 && (origin.validator !== null || origin.totalBytes === bytes);
}
