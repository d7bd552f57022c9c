import { constants, createReadStream } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { whenFilesAreFree } from '../concurrency.ts';
import { throwIfAborted } from '../abort.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { type WriteOptions, writeFileAtomic } from '../fs/atomic.ts';
import { closeHandle, noFile } from '../fs/paths.ts';
import { toPrintable } from '../text.ts';
import { LABEL_COLUMNS } from './label-names.ts';
import type { ArchiveFacts, IndexRow, LabelFacts, LabelForm } from './join.ts';

/** Without the column that was added last: the first line of an index that an earlier ccxri has written. */
export const OLD_HEADER = [
  'path',
  'image',
  'archive',
  'subset',
  'class',
  'patient_id',
  ...LABEL_COLUMNS,
  'COVID-19',
].join(',');

/** The first line of index.csv (the contract's form). */
export const INDEX_HEADER = `${OLD_HEADER},check`;

/** Of a split or a part of it: it becomes a file, a column and a cell. */
export function isSplitName(name: string): boolean {
  return /^[a-z][\w-]{0,63}$/i.test(name);
}

/** A split that is a column of index.csv, behind `check`. */
export interface SplitColumn {
  /** Of the split, and of the column. */
  readonly name: string;
  /** The part of each image, by its path. */
  readonly parts: ReadonlyMap<string, string>;
}

/** The names of splits behind `check`; undefined: it is not the first line of an index. */
function splitNamesOf(line: string): readonly string[] | undefined {
  if (line === INDEX_HEADER || line === OLD_HEADER) return [];
  if (!line.startsWith(`${INDEX_HEADER},`)) return undefined;
  const names = line.slice(INDEX_HEADER.length + 1).split(',');
  return names.every(isSplitName) ? names : undefined;
}

export function isIndexHeader(line: string): boolean {
  return splitNamesOf(line) !== undefined;
}

/** The end of a row, behind its labels: `check`, and the parts of splits. */
export const ROW_END = '(?:,(?:verified|content-checked|crc-checked|named|resized)(?:,[\\w-]*)*)?$';

const UNKNOWN_LABELS = ','.repeat(LABEL_COLUMNS.length - 1);

/**
 * Writes index.csv whole or not at all, an archive at a time: the memory does not grow with the
 * dataset. UTF-8, LF, quotes (RFC 4180, 2.6 and 2.7) only where a name needs them.
 * @throws CcxriError of the disk; `occupied`: something other than a file is there; `aborted`
 */
export async function writeIndex(
  path: string,
  archives: AsyncIterable<readonly IndexRow[]>,
  { columns = [], ...options }: WriteOptions & { readonly columns?: readonly SplitColumn[] } = {},
): Promise<void> {
  await writeFileAtomic(path, renderIndex(archives, columns), options);
}

async function* renderIndex(
  archives: AsyncIterable<readonly IndexRow[]>,
  columns: readonly SplitColumn[],
): AsyncGenerator<string> {
  yield `${[INDEX_HEADER, ...columns.map(({ name }) => name)].join(',')}\n`;
  for await (const rows of archives) yield rows.map((row) => renderRow(row, columns)).join('');
}

/** A row with its line end. */
export function renderRow(row: IndexRow, columns: readonly SplitColumn[] = []): string {
  const names = [row.path, row.image, row.archive, row.subset, row.class ?? '', row.patientId];
  const labels = row.labels === null ? UNKNOWN_LABELS : renderBits(row.labels);
  const covid = row.covid === null ? '' : row.covid ? '1' : '0';
  const parts = columns.map((column) => `,${column.parts.get(row.path) ?? ''}`).join('');
  return `${names.map(quoteCell).join(',')},${labels},${covid},${row.check}${parts}\n`;
}

function renderBits(bits: number): string {
  let text = (bits & 1) === 0 ? '0' : '1';
  for (let at = 1; at < LABEL_COLUMNS.length; at += 1) {
    text += (bits & (1 << at)) === 0 ? ',0' : ',1';
  }
  return text;
}

export function quoteCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A byte order mark, which a spreadsheet program may have put before the header. */
const BOM = '\uFEFF';

/**
 * Checks before a dataset's own index is replaced: anything else in its place is somebody's work. A
 * link is not, for it is replaced and not followed; nor is an empty file.
 * @returns the names of splits that it has columns of
 * @throws CcxriError `occupied`: it is no index; of the disk
 */
export async function assertOwnIndex(path: string): Promise<readonly string[]> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return [];
    if (!stats.isFile()) throw noFile(path, 'an index of ccxri, or nothing');
    const splits = stats.size === 0 ? [] : splitNamesOf(await firstLine(path));
    if (splits !== undefined) return splits;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toDiskError(error, 'read', { path });
  }
  throw new CcxriError(
    'occupied',
    `${toPrintable(path, 4096)} is not an index that ccxri has written`,
    {
      path,
      expected: `a first line of path,image,archive,… as ccxri writes it, or no file`,
      kept: 'the file as it is; everything else that was done is kept',
      next: [
        { kind: 'advice', text: 'move it away' },
        {
          kind: 'run',
          command: 'join',
          or: {
            kind: 'run',
            command: 'join',
            options: { output: 'OTHER.csv' },
            purpose: 'to write the index elsewhere',
          },
        },
      ],
    },
  );
}

/** With more splits than anybody has: a name has 64 letters at most. */
const LONGEST_HEADER = 64 * 1024;

/** Of a file of any length and kind of bytes: no more is read than a header is long. */
async function firstLine(path: string): Promise<string> {
  // A link or a pipe that takes its place this moment is not followed, and not waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await whenFilesAreFree(() => open(path, flags));
  try {
    const bytes = Buffer.alloc(LONGEST_HEADER);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    const text = bytes.toString('utf8', 0, bytesRead);
    const line = text.startsWith(BOM) ? text.slice(BOM.length) : text;
    return /^[^\r\n]*(?=\r?\n)/.exec(line)?.[0] ?? '';
  } finally {
    await closeHandle(handle, path);
  }
}

/** Of a row of index.csv: the archive, from its path; and the cells No_Finding and COVID-19. */
const ROW = new RegExp(`^"?images/([^/]+)/.*?,([01]?),([01]?)${ROW_END}`);

/**
 * Which label file's labels an index has, and would lose if it were rewritten: one that is not
 * here now.
 * @param index path of an index.csv, here or not
 * @throws CcxriError of the disk; `aborted`
 */
export async function findLostLabels(
  index: string,
  files: readonly LabelFacts[],
  archives: readonly ArchiveFacts[],
  signal?: AbortSignal,
): Promise<LabelFacts | undefined> {
  const absent = files.filter((file) => !file.present && !isCovered(file, files));
  if (absent.length === 0) return undefined;
  const dueOf = new Map(
    archives.map(({ stem, subsets }) => [stem, absent.filter((of) => shares(of, subsets))]),
  );
  const input = createReadStream(index);
  try {
    const lines = createInterface({ input, crlfDelay: Infinity });
    for await (const line of lines) {
      throwIfAborted(signal);
      const [, stem = '', noFinding, covid] = ROW.exec(line) ?? [];
      const has: Readonly<Record<LabelForm, boolean>> = {
        chest: isKnown(noFinding),
        covid: isKnown(covid),
      };
      const lost = dueOf.get(stem)?.find(({ form }) => has[form]);
      if (lost !== undefined) return lost;
    }
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error, 'read', { path: index });
  } finally {
    input.destroy();
  }
}

function isKnown(cell: string | undefined): boolean {
  return cell !== undefined && cell !== '';
}

/** Another file that is here may be what an index has its labels from. */
function isCovered({ form, subsets }: LabelFacts, files: readonly LabelFacts[]): boolean {
  return files.some((file) => file.present && file.form === form && shares(file, subsets));
}

function shares(file: LabelFacts, subsets: readonly string[]): boolean {
  return file.subsets.some((subset) => subsets.includes(subset));
}
