import pLimit from 'p-limit';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { isPlausibleSize, windowOf } from '../manifest/published-size.ts';
import type { Manifest, ManifestFile } from '../manifest/schema.ts';
import { stemOf } from '../manifest/select.ts';
import { formatCount } from '../text.ts';
import { withDirectory } from '../zip/directory.ts';
import { checkMembers } from '../zip/member.ts';
import { openFileReader } from '../zip/reader.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import type { Ledger } from './ledger.ts';

/** How a file passed. `content-checked`: its published MD5 is disputed and did not match. */
export type Check = 'verified' | 'content-checked';

/**
 * The one check of a file: published size and MD5, and for the files whose published MD5 is
 * disputed what the contract says of them.
 */
export class Acceptance {
  readonly #manifest: Manifest;
  readonly #ledger: Ledger;
  readonly #onEvent: EventListener;
  readonly #unpackPool: UnpackPool | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Disputed files are checked one at a time: each looks at what stands for its twin. */
  readonly #oneAtATime = pLimit(1);
  /** MD5s that have passed in this run, by file, where the ledger can't be written. */
  readonly #passed = new Map<string, string>();

  constructor(options: {
    readonly manifest: Manifest;
    readonly ledger: Ledger;
    readonly onEvent: EventListener;
    /** Threads for the content of a file whose MD5 is disputed. */
    readonly unpackPool?: UnpackPool | undefined;
    readonly signal?: AbortSignal | undefined;
  }) {
    this.#manifest = options.manifest;
    this.#ledger = options.ledger;
    this.#onEvent = options.onEvent;
    this.#unpackPool = options.unpackPool;
    this.#signal = options.signal;
  }

  /**
   * @param accept what makes the file stand (rename, receipt); runs before any twin is checked
   * @throws CcxriError `size-mismatch`, `md5-mismatch`; of a disputed file what its content says
   */
  async check(
    file: ManifestFile,
    candidate: HashedFile,
    accept: (check: Check) => Promise<void> = () => Promise.resolve(),
  ): Promise<Check> {
    assertSize(file, candidate.bytes);
    if (file.md5Disputed === undefined) {
      if (candidate.md5 !== file.md5) throw md5Mismatch(file, candidate.md5);
      await accept('verified');
      return 'verified';
    }
    return this.#oneAtATime(async () => {
      const check = await this.#checkDisputed(file, candidate);
      await accept(check);
      this.#passed.set(file.name, candidate.md5);
      return check;
    });
  }

  async #checkDisputed(file: ManifestFile, candidate: HashedFile): Promise<Check> {
    await this.#assertNoTwinStands(file, candidate);
    if (candidate.md5 === file.md5) return 'verified';
    const receipt = await this.#ledger.readReceipt(file.name);
    if (receipt?.status === 'content-checked' && receipt.md5 !== candidate.md5) {
      throw new CcxriError(
        'md5-mismatch',
        `${file.name} has changed: its published MD5 is disputed, and these are not the bytes that passed on ${receipt.checkedAt.slice(0, 10)}`,
        { file: file.name, expected: `MD5 ${receipt.md5}`, found: `MD5 ${candidate.md5}` },
      );
    }
    await this.#assertContent(file, candidate);
    this.#onEvent({
      event: 'warning',
      code: 'content-checked',
      file: file.name,
      message:
        `${file.name} passed by its content alone (size, every member's CRC-32): ` +
        `the published MD5 is disputed (${file.md5Disputed ?? ''}), and the file's MD5 is ${candidate.md5}`,
    });
    return 'content-checked';
  }

  /** Of the files that share a published MD5, no two can be the same bytes, whatever these are. */
  async #assertNoTwinStands(file: ManifestFile, candidate: HashedFile): Promise<void> {
    for (const twin of this.#manifest.files) {
      if (twin.name === file.name || twin.md5 !== file.md5) continue;
      const stands =
        this.#passed.get(twin.name) ?? (await this.#ledger.readReceipt(twin.name))?.md5;
      if (stands !== candidate.md5) continue;
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

  /** Every member's CRC-32 is right, and nothing inside names another archive. */
  async #assertContent(file: ManifestFile, candidate: HashedFile): Promise<void> {
    if (file.kind !== 'archive') throw md5Mismatch(file, candidate.md5);
    const reader = await openFileReader(candidate.path);
    try {
      const options = { file: file.name, signal: this.#signal };
      await withDirectory(reader, options, async (directory) => {
        this.#assertOwnNames(file, candidate, [
          directory.topFolder ?? '',
          ...directory.members.map((member) => member.name),
        ]);
        const { openFile } = reader;
        await checkMembers(reader, directory, { ...options, pool: this.#unpackPool, openFile });
      });
    } catch (error) {
      if (!isCcxriError(error, 'damaged-archive')) throw error;
      // Neither the MD5 nor the content speaks for it.
      throw md5Mismatch(file, candidate.md5, error);
    } finally {
      await reader.close();
    }
  }

  #assertOwnNames(file: ManifestFile, candidate: HashedFile, paths: readonly string[]): void {
    const others = new Set(
      this.#manifest.files
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
  const { minBytes, maxBytes } = windowOf(file);
  const expected =
    minBytes === maxBytes
      ? `${formatCount(minBytes)} bytes`
      : `${file.size} (${formatCount(minBytes)} to ${formatCount(maxBytes)} bytes)`;
  throw new CcxriError('size-mismatch', `${file.name} has the wrong size`, {
    file: file.name,
    expected,
    found: `${formatCount(bytes)} bytes`,
  });
}

function md5Mismatch(file: ManifestFile, md5: string, cause?: unknown): CcxriError {
  return new CcxriError('md5-mismatch', `${file.name} is not the published file`, {
    file: file.name,
    expected: `MD5 ${file.md5}`,
    found: `MD5 ${md5}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
