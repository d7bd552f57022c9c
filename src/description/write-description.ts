import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { whenFilesAreFree } from '../concurrency.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { toDiskError } from '../errors.ts';
import { type EventListener, ignoreEvents } from '../events.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { isAbsent } from '../fs/paths.ts';
import type { IndexReport } from '../labels/audit.ts';
import { type Manifest, selectFiles, withLabelFiles } from '../manifest/manifest.ts';
import { count } from '../text.ts';
import { citationOf } from './citation.ts';
import { indexColumnsOf } from './columns.ts';
import { croissantOf } from './croissant.ts';
import { dataPackageOf } from './data-package.ts';
import { type Described, MARK } from './described.ts';

/** The files that describe a directory, and what each holds. */
const DESCRIPTIONS: Readonly<Record<string, (described: Described) => string>> = {
  'croissant.json': croissantOf,
  'datapackage.json': dataPackageOf,
  'CITATION.cff': ({ manifest }) => citationOf(manifest),
};

/** Their names, as they lie in the directory. */
export const DESCRIPTION_FILES: readonly string[] = Object.keys(DESCRIPTIONS);

export interface DescribeOptions {
  readonly onEvent?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As of `writeFileAtomic`. */
  readonly temporaryDirectory?: string | undefined;
}

/**
 * Writes croissant.json, datapackage.json and CITATION.cff into a directory, each only if it differs.
 * One that ccxri has not written stays as it is: an event says so.
 * @throws CcxriError of the disk; `aborted`
 */
export async function writeDescription(
  directory: string,
  described: Described,
  { onEvent = ignoreEvents, signal, temporaryDirectory }: DescribeOptions = {},
): Promise<void> {
  for (const [name, render] of Object.entries(DESCRIPTIONS)) {
    throwIfAborted(signal);
    const path = join(directory, name);
    const [before, text] = [await readOwn(path), render(described)];
    if (before === 'foreign') {
      onEvent({
        event: 'warning',
        code: 'disk',
        message: `${name} is not as ccxri writes it: it stays as it is, and the dataset is not described in it`,
        next: [{ kind: 'advice', text: 'move it away to get one' }],
      });
    } else if (before !== text) {
      await writeFileAtomic(path, text, { temporaryDirectory, signal });
    }
  }
}

/** Longer than any that ccxri writes. */
const MAX_BYTES = 4_000_000;

/** What ccxri has written there; undefined: nothing; `foreign`: something else. */
async function readOwn(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) return 'foreign';
    const text = await whenFilesAreFree(() => readFile(path, 'utf8'));
    return text === '' || text.includes(MARK) ? text : 'foreign';
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw toDiskError(error, 'read', { path });
  }
}

/**
 * Describes a dataset directory whose index.csv has just been written.
 * @throws CcxriError as `writeDescription`
 */
export async function describeDataset(
  { root, index, state }: DatasetLayout,
  manifest: Manifest,
  { rows, archives }: Pick<IndexReport, 'rows' | 'archives'>,
  options: Omit<DescribeOptions, 'temporaryDirectory'> = {},
): Promise<void> {
  const { bytes, sha256, header } = await readTable(index, options.signal);
  const files = archives.map(({ file }) => file);
  const { dataset, version } = manifest;
  const from = `${count(archives.length, 'archive')} of ${dataset} ${version}`;
  await writeDescription(
    root,
    {
      manifest,
      content: `Chest X-rays with labels: ${count(rows, 'image')} from ${from}.`,
      files: [
        {
          path: 'index.csv',
          mediaType: 'text/csv',
          ...{ bytes, sha256 },
          content: 'One row an image: path, patient, class and labels.',
          columns: indexColumnsOf(header.split(',')),
        },
      ],
      images: { pattern: 'images/*/*.jpg', mediaType: 'image/jpeg' },
      published: selectFiles(manifest, withLabelFiles(manifest, { files }, 'needed')),
      pathOf: ({ name, kind }) => `${kind === 'archive' ? 'archives' : 'labels'}/${name}`,
    },
    { ...options, temporaryDirectory: state },
  );
}

/**
 * Its length, its SHA-256 and its first line, in one pass. It has just been written and is read once more,
 * which takes less than 0.1 s of the largest: else each caller of the join would carry its hash.
 */
async function readTable(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number; readonly sha256: string; readonly header: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let header = '';
  try {
    for await (const chunk of createReadStream(path, { signal })) {
      if (!Buffer.isBuffer(chunk)) continue;
      if (bytes === 0) header = chunk.toString('utf8').split('\n', 1)[0] ?? '';
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    throwIfAborted(signal);
    throw toDiskError(error, 'read', { path });
  }
  return { bytes, sha256: hash.digest('hex'), header };
}
