import * as z from 'zod';

const md5 = z.string().regex(/^[0-9a-f]{32}$/);

/** What is known of a file that has passed: written once it lies under its final name. */
const receiptSchema = z.strictObject({
  ledgerVersion: z.literal(1),
  name: z.string(),
  bytes: z.int().nonnegative(),
  /** MD5 of the bytes on disk. */
  md5,
  /** mtime of the file when it passed, for the quick check. */
  mtimeMs: z.number(),
  /** `content-checked`: the published MD5 is disputed and did not match. */
  status: z.enum(['verified', 'content-checked']),
  checkedAt: z.iso.datetime(),
  /** Where the bytes came from, printable; absent where the file was found in place. */
  source: z.string().optional(),
  /** A later check found other bytes: until the file passes again, it counts as changed. */
  foundBadAt: z.iso.datetime().optional(),
});

/** An archive's members, as they lie under images/<archive>/: written before they appear there. */
const membersSchema = z.strictObject({
  ledgerVersion: z.literal(1),
  archive: z.string(),
  /** MD5 of the archive they came from. */
  md5,
  extractedAt: z.iso.datetime(),
  /** A later check found some damaged or missing: until they are extracted anew, or pass, they count as not whole. */
  foundBadAt: z.iso.datetime().optional(),
  members: z.array(
    z.strictObject({
      /** Below images/<archive>/, with `/`. */
      path: z.string().refine(staysBelow, 'leads elsewhere'),
      bytes: z.int().nonnegative(),
      crc32: z.int().nonnegative().max(0xffffffff),
    }),
  ),
});

/** A mangled record must not make anybody look at files outside the dataset. */
function staysBelow(path: string): boolean {
  if (/[\0\\]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

export type Receipt = Readonly<z.infer<typeof receiptSchema>>;
export type MembersRecord = Readonly<z.infer<typeof membersSchema>>;
export type MemberRecord = MembersRecord['members'][number];

/** undefined: of another form, or mangled. */
export function parseReceipt(json: unknown): Receipt | undefined {
  return receiptSchema.safeParse(json).data;
}

/** undefined: of another form, or mangled. */
export function parseMembers(json: unknown): MembersRecord | undefined {
  return membersSchema.safeParse(json).data;
}
