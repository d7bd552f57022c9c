import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, toDiskError } from '../errors.ts';
import { stemOf } from './layout.ts';
import { parseMembers, parseReceipt, type MembersRecord, type Receipt } from './ledger-schema.ts';
import { writeFileAtomic } from '../fs/atomic.ts';

/** Larger than the record of any archive: a mangled ledger must not fill the memory. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * The ledger of a dataset directory: what has passed its check, and what an archive held.
 * A record that is absent, mangled or of another form reads as undefined: it costs a new check,
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

  async writeReceipt(receipt: Omit<Receipt, 'ledgerVersion'>): Promise<void> {
    await writeFileAtomic(
      this.#receiptPath(receipt.name),
      `${JSON.stringify({ ledgerVersion: 1, ...receipt }, null, 2)}\n`,
    );
  }

  async readMembers(archiveName: string): Promise<MembersRecord | undefined> {
    const record = await readRecord(this.#membersPath(archiveName), parseMembers);
    return record?.archive === archiveName ? record : undefined;
  }

  async writeMembers(record: Omit<MembersRecord, 'ledgerVersion'>): Promise<void> {
    await writeFileAtomic(
      this.#membersPath(record.archive),
      `${JSON.stringify({ ledgerVersion: 1, ...record })}\n`,
    );
  }

  #receiptPath(name: string): string {
    return join(this.#directory, `${name}.json`);
  }

  #membersPath(archiveName: string): string {
    return join(this.#directory, `${stemOf(archiveName)}.members.json`);
  }
}

async function readRecord<T>(
  path: string,
  parse: (json: unknown) => T | undefined,
): Promise<T | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > MAX_RECORD_BYTES) return undefined;
    return parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw toDiskError(error, 'read the ledger', { path });
  }
}
