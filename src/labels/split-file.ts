import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { throwIfAborted } from '../abort.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { CcxriError, toDiskError } from '../errors.ts';
import { isAbsent } from '../fs/paths.ts';
import { toPrintable } from '../text.ts';
import type { IndexRow } from './join.ts';
import { isSplitName, quoteCell } from './write.ts';

const SPLIT_HEADER = 'path,image,archive,patient_id,split';

/** Where a split of a dataset directory lies. */
export interface SplitFiles {
  readonly csv: string;
  /** How it was made. */
  readonly sidecar: string;
}

/** @throws CcxriError `usage`: the name can't be one */
export function assertSplitName(what: 'split' | 'part', name: string): void {
  if (isSplitName(name)) return;
  const expected = 'a letter, then letters, digits, _ and -';
  const found = toPrintable(name, 80);
  const message = `"${found}" can't be the name of a ${what}`;
  const next = [{ kind: 'advice', text: `take ${expected}` }] as const;
  throw new CcxriError('usage', message, { expected, found, next });
}

/** @throws CcxriError `usage` */
export function splitFilesOf({ root }: DatasetLayout, name: string): SplitFiles {
  assertSplitName('split', name);
  const directory = join(root, 'splits');
  return { csv: join(directory, `${name}.csv`), sidecar: join(directory, `${name}.json`) };
}

/** UTF-8, LF, quotes only where a name needs them, as in index.csv. */
export function* renderSplit(
  batches: Iterable<readonly { readonly row: IndexRow; readonly part: string }[]>,
): Generator<string> {
  yield `${SPLIT_HEADER}\n`;
  for (const rows of batches) {
    yield rows
      .map(({ row: { path, image, archive, patientId }, part }) => {
        return `${[path, image, archive, patientId].map(quoteCell).join(',')},${part}\n`;
      })
      .join('');
  }
}

const ROW = /^(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",]*)),.*,(?<part>[\w-]*)$/;

/**
 * Reads a split that was written here.
 * @returns the part of each image, by its path in index.csv; undefined: it is not there
 * @throws CcxriError `occupied`: it is no split; of the disk; `aborted`
 */
export async function readSplit(
  path: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  const parts = new Map<string, string>();
  const input = createReadStream(path);
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      throwIfAborted(signal);
      line += 1;
      if (line === 1 && text === SPLIT_HEADER) continue;
      const { quoted, plain = '', part } = (line > 1 && ROW.exec(text)?.groups) || {};
      if (part === undefined) throw noSplit(path, line);
      parts.set(quoted?.replaceAll('""', '"') ?? plain, part);
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw toDiskError(error, 'read the split', { path });
  } finally {
    input.destroy();
  }
  if (line === 0) throw noSplit(path, 1);
  return parts;
}

function noSplit(path: string, line: number): CcxriError {
  return new CcxriError(
    'occupied',
    `${toPrintable(path, 4096)} is not a split that ccxri has written`,
    {
      path,
      line,
      expected: `a table with the columns ${SPLIT_HEADER}`,
      kept: 'the file as it is',
      next: [{ kind: 'advice', text: 'move it away' }],
    },
  );
}
