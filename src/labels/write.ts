import { writeStreamAtomic } from '../fs/write-stream-atomic.ts';
import { FINDING_COLUMNS } from './findings.ts';
import type { IndexRow } from './join.ts';

/** The first line of index.csv (the contract's form). */
export const INDEX_HEADER = [
  'path',
  'image',
  'archive',
  'subset',
  'class',
  'patient_id',
  ...FINDING_COLUMNS,
  'COVID-19',
].join(',');

const UNKNOWN_FINDINGS = ','.repeat(FINDING_COLUMNS.length - 1);

interface WriteIndexOptions {
  /** Where the file grows until it is whole; on the same file system. Default: beside it. */
  readonly temporaryDirectory?: string;
  /** A link in its place is replaced by the file. Default: what it points to is written. */
  readonly replacesLink?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Writes index.csv whole or not at all, an archive at a time: the memory does not grow with the
 * dataset. UTF-8, LF, quotes (RFC 4180, 2.6 and 2.7) only where a name needs them.
 * @throws CcxriError of the disk; `occupied` where something else than a file lies; `aborted`
 */
export async function writeIndex(
  path: string,
  archives: Iterable<readonly IndexRow[]>,
  options: WriteIndexOptions = {},
): Promise<void> {
  await writeStreamAtomic(path, renderIndex(archives), options);
}

function* renderIndex(archives: Iterable<readonly IndexRow[]>): Generator<string> {
  yield `${INDEX_HEADER}\n`;
  for (const rows of archives) yield rows.map(renderRow).join('');
}

/** A row with its line end. */
export function renderRow(row: IndexRow): string {
  const names = [row.path, row.image, row.archive, row.subset, row.class ?? '', row.patientId];
  const findings = row.findings === null ? UNKNOWN_FINDINGS : renderBits(row.findings);
  const covid = row.covid === null ? '' : row.covid ? '1' : '0';
  return `${names.map(quote).join(',')},${findings},${covid}\n`;
}

function renderBits(bits: number): string {
  let text = (bits & 1) === 0 ? '0' : '1';
  for (let at = 1; at < FINDING_COLUMNS.length; at += 1) {
    text += (bits & (1 << at)) === 0 ? ',0' : ',1';
  }
  return text;
}

function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
