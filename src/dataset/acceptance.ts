import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { Clock } from '../clock.ts';
import { CcxriError, isCcxriError, toDiskError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { type Manifest, type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { isPlausibleSize, lengthsText } from '../manifest/size.ts';
import { formatCount } from '../text.ts';
import { withDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import { openFileReader } from '../zip/reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import { type DatasetLayout, finalPathOf } from './layout.ts';
import type { Ledger, Receipt } from './ledger.ts';
import { describeMismatch } from './mismatch.ts';

/** How a file passed. `content-checked`: its published MD5 is disputed and did not match. */
export type Check = Receipt['status'];

interface AcceptanceContext {
  readonly manifest: Manifest;
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'date'>;
  readonly onEvent: EventListener;
  /** Threads for the content of a file whose MD5 is disputed. */
  readonly unpackPool?: UnpackPool | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A whole, hashed file that is to be accepted. */
export interface AcceptableFile extends HashedFile {
  /** Gives it its final name; absent: it has that already. */
  readonly moveTo?: (finalPath: string) => Promise<void>;
  /** Where it came from, printable; null: it was found in place. */
  readonly source?: string | null;
  /** Its mtime when it was hashed; absent: nobody but this run can have written to it since. */
  readonly mtimeMs?: number;
}

/**
 * The one door to a final name. A file passes by its published size and MD5, or, where the published
 * MD5 is disputed, by what the contract says of such files.
 */
export class Acceptance {
  readonly #context: AcceptanceContext;
  /** Disputed files are accepted one at a time: each is compared with those that share its MD5. */
  readonly #mutex = pLimit(1);
  /** MD5s that have passed in this run, by file, where the ledger can't be written. */
  readonly #passed = new Map<string, string>();

  constructor(context: AcceptanceContext) {
    this.#context = context;
  }

  /**
   * Checks a file, gives it its final name, and records it in the ledger, in this order.
   * @throws CcxriError as `check`; as `moveTo`; of the disk
   */
  accept(file: ManifestFile, candidate: AcceptableFile): Promise<Receipt> {
    return this.#oneByOne(file, candidate, async () => {
      const { layout, ledger, clock } = this.#context;
      const { bytes, md5, source } = candidate;
      const status = await this.#check(file, candidate);
      const path = finalPathOf(layout, file);
      await candidate.moveTo?.(path);
      const mtimeMs = candidate.mtimeMs ?? (await mtimeOf(path));
      const checkedAt = clock.date().toISOString();
      const receipt = { name: file.name, bytes, md5, mtimeMs, status, checkedAt };
      return ledger.writeReceipt({ ...receipt, ...(source == null ? {} : { source }) });
    });
  }

  /**
   * Checks a file that keeps its place.
   * @throws CcxriError `size-mismatch`, `md5-mismatch`; of a disputed file what its content says
   */
  check(file: ManifestFile, candidate: HashedFile): Promise<Check> {
    return this.#oneByOne(file, candidate, () => this.#check(file, candidate));
  }

  async #oneByOne<T>(
    file: ManifestFile,
    { md5 }: HashedFile,
    accept: () => Promise<T>,
  ): Promise<T> {
    if (file.md5Disputed === undefined) return accept();
    return this.#mutex(async () => {
      const accepted = await accept();
      this.#passed.set(file.name, md5);
      return accepted;
    });
  }

  async #check(file: ManifestFile, candidate: HashedFile): Promise<Check> {
    assertSize(file, candidate.bytes);
    if (file.md5Disputed === undefined) {
      if (candidate.md5 === file.md5) return 'verified';
      const what = await describeMismatch(file, candidate, this.#context);
      throw md5Mismatch(file, candidate.md5, { what });
    }
    await this.#assertNoTwin(file, candidate);
    if (candidate.md5 === file.md5) return 'verified';
    await this.#assertSameAsBefore(file, candidate);
    await this.#assertContent(file, candidate);
    this.#warnOfContentCheck(file, candidate);
    return 'content-checked';
  }

  /** Of the files that share a published MD5, no two can be the same bytes, whatever these are. */
  async #assertNoTwin(file: ManifestFile, candidate: HashedFile): Promise<void> {
    for (const twin of this.#context.manifest.files) {
      if (twin.name === file.name || twin.md5 !== file.md5) continue;
      const receipt = await this.#context.ledger.readReceipt(twin.name);
      if ((this.#passed.get(twin.name) ?? receipt?.md5) !== candidate.md5) continue;
      throw new CcxriError(
        'md5-mismatch',
        `${file.name} holds the same bytes as ${twin.name}, which has passed already: one file can't be both`,
        {
          file: file.name,
          expected: `other bytes than those of ${twin.name}`,
          found: `MD5 ${candidate.md5}`,
          next: [
            {
              kind: 'option',
              option: 'source',
              purpose: `for ${file.name} (the dataset's page gives one MD5 for both)`,
              or: { kind: 'advice', text: 'ask its publisher' },
            },
          ],
        },
      );
    }
  }

  /** What has passed by its content is known by its MD5 from then on. */
  async #assertSameAsBefore(file: ManifestFile, { md5 }: HashedFile): Promise<void> {
    const receipt = await this.#context.ledger.readReceipt(file.name);
    if (receipt?.status !== 'content-checked' || receipt.md5 === md5) return;
    throw new CcxriError(
      'md5-mismatch',
      `${file.name} has changed: its published MD5 is disputed, and these are not the bytes that passed on ${receipt.checkedAt.slice(0, 10)}`,
      { file: file.name, expected: `MD5 ${receipt.md5}`, found: `MD5 ${md5}` },
    );
  }

  /** Every member's CRC-32 is right, and nothing inside names another archive. */
  async #assertContent(file: ManifestFile, candidate: HashedFile): Promise<void> {
    if (file.kind !== 'archive') throw md5Mismatch(file, candidate.md5);
    const reader = await openFileReader(candidate.path);
    try {
      const { signal, unpackPool: pool } = this.#context;
      const options = { file: file.name, signal };
      await withDirectory(reader, options, async (directory) => {
        // Nothing is known of what is left out, and the content is all there is to go by.
        const [skipped] = directory.skipped;
        if (skipped !== undefined) {
          throw md5Mismatch(file, candidate.md5, {
            what: `its member ${skipped.name} ${skipped.reason}, so that not all of it can be checked`,
          });
        }
        this.#assertOwnNames(file, candidate, [
          directory.topFolder ?? '',
          ...directory.members.map((member) => member.name),
        ]);
        await checkMembers(reader, directory, { ...options, pool });
      });
    } catch (error) {
      if (!isCcxriError(error, 'damaged-archive')) throw error;
      // Neither the MD5 nor the content speaks for it.
      throw md5Mismatch(file, candidate.md5, { cause: error });
    } finally {
      await reader.close();
    }
  }

  #warnOfContentCheck(file: ManifestFile, { md5 }: HashedFile): void {
    this.#context.onEvent({
      event: 'warning',
      code: 'content-checked',
      file: file.name,
      message:
        `${file.name} passed by its content alone (size, every member's CRC-32): ` +
        `the published MD5 is disputed (${file.md5Disputed ?? ''}), and the file's MD5 is ${md5}`,
    });
  }

  #assertOwnNames(file: ManifestFile, candidate: HashedFile, paths: readonly string[]): void {
    const others = new Set(
      this.#context.manifest.files
        .filter((other) => other.kind === 'archive' && other.name !== file.name)
        .map((other) => stemOf(other.name).toLowerCase()),
    );
    for (const path of paths) {
      const foreign = path.split('/').find((part) => others.has(stemOf(part).toLowerCase()));
      if (foreign === undefined) continue;
      throw new CcxriError(
        'md5-mismatch',
        `${file.name}: its MD5 is not the published (disputed) one, and inside it names another archive: ${foreign}`,
        {
          file: file.name,
          expected: `MD5 ${file.md5}, or nothing but images of ${stemOf(file.name)}`,
          found: `MD5 ${candidate.md5}, and ${foreign}`,
        },
      );
    }
  }
}

/** @throws CcxriError `size-mismatch`: no file of this length can be the published one */
export function assertSize(file: ManifestFile, bytes: number): void {
  if (isPlausibleSize(file, bytes)) return;
  throw new CcxriError('size-mismatch', `${file.name} has the wrong size`, {
    file: file.name,
    expected: lengthsText(file),
    found: `${formatCount(bytes)} bytes`,
  });
}

/** @param more.what what the file is instead, as a clause */
function md5Mismatch(
  file: ManifestFile,
  md5: string,
  more: { readonly what?: string | undefined; readonly cause?: unknown } = {},
): CcxriError {
  const what = more.what === undefined ? '' : `: ${more.what}`;
  return new CcxriError('md5-mismatch', `${file.name} is not the published file${what}`, {
    file: file.name,
    expected: `MD5 ${file.md5}`,
    found: `MD5 ${md5}`,
    cause: more.cause,
  });
}

/** @throws CcxriError of the disk */
export async function mtimeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    throw toDiskError(error, 'look at', { path });
  }
}
