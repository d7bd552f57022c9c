import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '../fs/atomic.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import type { Member } from '../zip/directory.ts';
import { readSmallJson } from '../fs/small-json.ts';

/** Larger than the record of any archive: a damaged ledger must not fill the memory. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * The ledger of a dataset directory: what has passed its check, and what an archive held.
 * A record that is absent, damaged or of another form reads as undefined: that costs a new check,
 * never a wrong answer.
 */
export class Ledger {
  readonly #directory: string;

  /** @param directory `DatasetLayout.ledger` */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async readReceipt(name: string): Promise<Receipt | undefined> {
    const receipt = await readRecord(this.#receiptPath(name), parseReceipt);
    return receipt?.name === name ? receipt : undefined;
  }

  async writeReceipt(facts: Omit<Receipt, 'ledgerVersion'>): Promise<Receipt> {
    const receipt: Receipt = { ledgerVersion: 1, ...facts };
    await writeFileAtomic(this.#receiptPath(receipt.name), `${JSON.stringify(receipt, null, 2)}\n`);
    return receipt;
  }

  /** No run relies on the file from now on. @throws CcxriError of the disk */
  async noteFoundBad(receipt: Receipt, date: Date): Promise<void> {
    if (receipt.foundBadAt !== undefined) return;
    await this.writeReceipt({ ...receipt, foundBadAt: date.toISOString() });
  }

  /** A record of version 1 is carried over: nothing has to be hashed or extracted again. */
  async readMembers(archiveName: string): Promise<MembersRecord | undefined> {
    const record = await readRecord(this.#membersPath(archiveName), parseMembers);
    if (record?.archive !== archiveName) return undefined;
    if (record.ledgerVersion === 2) return record;
    const state = memberStateOf(record.md5, await this.readReceipt(archiveName));
    const members = record.members.map((member) => ({ ...member, state }));
    return { ...record, ledgerVersion: 2, isComplete: true, members };
  }

  async writeMembers(record: Omit<MembersRecord, 'ledgerVersion'>): Promise<void> {
    await writeFileAtomic(
      this.#membersPath(record.archive),
      `${JSON.stringify({ ...record, ledgerVersion: 2 })}\n`,
    );
  }

  #receiptPath(name: string): string {
    return join(this.#directory, `${name}.json`);
  }

  #membersPath(archiveName: string): string {
    return join(this.#directory, `${stemOf(archiveName)}.members.json`);
  }
}

/**
 * The state of members extracted from an archive with this MD5: that of its receipt. Without a
 * receipt for this MD5 all that is certain is that the archive's content was checked.
 */
export function memberStateOf(md5: string, receipt: Receipt | undefined): Receipt['status'] {
  return receipt?.md5 === md5 ? receipt.status : 'content-checked';
}

/** Whether a file is as it was when it passed. A copy keeps the size, and may keep mtime to the second only. */
export function isAsAccepted(
  receipt: Receipt,
  now: { readonly sizeBytes: number; readonly mtimeMs: number },
): boolean {
  return receipt.bytes === now.sizeBytes && Math.abs(receipt.mtimeMs - now.mtimeMs) < 2000;
}

/** A receipt of another release says nothing of this one. */
export function fitsManifest(file: ManifestFile, receipt: Receipt): boolean {
  if (receipt.md5 === file.md5) return true;
  return receipt.status === 'content-checked' && file.md5Disputed !== undefined;
}

async function readRecord<T>(
  path: string,
  parse: (json: unknown) => T | undefined,
): Promise<T | undefined> {
  return parse(await readSmallJson(path, { maxBytes: MAX_RECORD_BYTES, doing: 'read the ledger' }));
}

/** A member as it should lie below images/<archive>/. */
export type MemberContent = Omit<MemberRecord, 'state'>;

export function toMemberContents(members: readonly Member[]): MemberContent[] {
  return members.map(({ name, size, crc32 }) => ({ path: name, bytes: size, crc32 }));
}

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

const MEMBER_STATES = ['verified', 'content-checked', 'crc-checked', 'named', 'resized'] as const;

/** A member as the ledger keeps it. */
export interface MemberRecord {
  /** Below images/<archive>/, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly crc32: number;
  /**
   * `verified`: by the MD5 of its archive; `content-checked`: by that of all members, where the
   * published MD5 is disputed; `crc-checked`: by its own CRC-32 alone; `named`: it was adopted by its name,
   * and there was nothing to check it by: length and CRC-32 are those that it had then; `resized`: it was made
   * smaller out of a member that was checked: length and CRC-32 are those of what was written.
   */
  readonly state: (typeof MEMBER_STATES)[number];
}

const memberPath = z.string().refine(staysBelow, 'leads elsewhere');
const oldMember = z.strictObject({
  path: memberPath,
  bytes: z.int().nonnegative(),
  crc32: z.int().nonnegative().max(0xffffffff),
});

const oldMembersSchema = z.strictObject({
  ledgerVersion: z.literal(1),
  archive: z.string(),
  md5,
  extractedAt: z.iso.datetime(),
  foundBadAt: z.iso.datetime().optional(),
  members: z.array(oldMember),
});

/** What has a say in the bytes of images that are written smaller than they were published. */
const resizedSchema = z.strictObject({
  /** Pixels of the longest side. */
  size: z.int().positive(),
  /** 1 to 100, of JPEG. */
  quality: z.int().positive(),
  sharp: z.string(),
  libvips: z.string(),
});

/** An archive's members, as they lie under images/<archive>/: written before they appear there. */
const membersSchema = z.strictObject({
  ledgerVersion: z.literal(2),
  archive: z.string(),
  /** MD5 of the archive they came from; null: they were fetched one by one, and it is not known. */
  md5: md5.nullable(),
  /** Whether these are all members of the archive; false: some of them alone. */
  isComplete: z.boolean(),
  /** The others, where the archive was extracted although it has damaged members. */
  damaged: z.array(z.strictObject({ path: memberPath, why: z.string() })).optional(),
  /** Pictures among the members that are as published, and broken; absent: none, or not looked for. */
  broken: z
    .array(z.strictObject({ path: memberPath, why: z.enum(['empty', 'cut', 'not-an-image']) }))
    .optional(),
  /** How the members of the state `resized` were made; absent: all lie there as they were published. */
  resized: resizedSchema.optional(),
  extractedAt: z.iso.datetime(),
  /** A later check found some damaged or missing: until they are extracted again, or pass, the folder counts as partial. */
  foundBadAt: z.iso.datetime().optional(),
  members: z.custom<readonly MemberRecord[]>(areMembers),
});

const anyMembersSchema = z.discriminatedUnion('ledgerVersion', [oldMembersSchema, membersSchema]);

/** A backslash, a colon, a NUL, or a part of a path that is empty, `.` or `..`: none of them passes the gate of zips. */
const LEADS_ELSEWHERE = /[\0\\:]|(?:^|\/)\.{0,2}(?:\/|$)/;

/** A damaged record must not lead outside the dataset directory. */
export function staysBelow(path: string): boolean {
  return !LEADS_ELSEWHERE.test(path);
}

/**
 * By hand: a join reads the members of every archive, 162,000 in all, and a schema of zod takes longer
 * for them than JSON.parse.
 */
function areMembers(list: unknown): boolean {
  return Array.isArray(list) && list.every(isMember);
}

function isMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const member: Partial<Record<keyof MemberRecord, unknown>> = value;
  return (
    typeof member.path === 'string' &&
    staysBelow(member.path) &&
    isCount(member.bytes, Number.MAX_SAFE_INTEGER) &&
    isCount(member.crc32, 0xffffffff) &&
    MEMBER_STATES.some((state) => state === member.state) &&
    Object.keys(value).length === 4
  );
}

function isCount(value: unknown, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

export type Receipt = Readonly<z.infer<typeof receiptSchema>>;
export type Resized = Readonly<z.infer<typeof resizedSchema>>;
export type MembersRecord = Readonly<z.infer<typeof membersSchema>>;

/** undefined: of another form, or mangled. */
function parseReceipt(json: unknown): Receipt | undefined {
  return receiptSchema.safeParse(json).data;
}

/** undefined: of another form, or mangled. */
function parseMembers(json: unknown): z.infer<typeof anyMembersSchema> | undefined {
  return anyMembersSchema.safeParse(json).data;
}
