import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toDiskError } from '../errors.ts';
import { type Manifest, selectFiles, withLabelFiles } from '../manifest/manifest.ts';
import { count } from '../text.ts';
import { type Column, columnsOf, isKnownColumn } from './columns.ts';
import { type DescribeOptions, writeDescription } from './write-description.ts';

/** What is known of an export when all of it is written. */
export interface ExportFacts {
  readonly manifest: Manifest;
  /** As it is typed: `csv`. */
  readonly format: string;
  /** How many images it has rows of. */
  readonly images: number;
  /** The archives that these are from: manifest names, with or without `.zip`. */
  readonly archives: readonly string[];
  /** Its files, without the images. Paths are relative to the export, with `/`. */
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  /** The ending of its images, as `jpg`, where each is a file. */
  readonly imageEnding?: string | undefined;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  jsonl: 'application/jsonlines',
  json: 'application/json',
  tar: 'application/x-tar',
  parquet: 'application/x-parquet',
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
};

const mediaTypeOf = (ending: string) => MEDIA_TYPES[ending] ?? 'application/octet-stream';

/**
 * Writes the files that describe an export into its directory.
 * @throws CcxriError of the disk; `aborted`
 */
export async function describeExport(
  directory: string,
  { manifest, format, images, archives, files, imageEnding }: ExportFacts,
  options: DescribeOptions = {},
): Promise<void> {
  const { dataset, version } = manifest;
  const described = await Promise.all(
    files.map(async (file) => ({
      ...file,
      mediaType: mediaTypeOf(file.path.slice(file.path.lastIndexOf('.') + 1)),
      content: `A file of the export (${format}).`,
      columns: await columnsIn(directory, file.path),
    })),
  );
  await writeDescription(
    directory,
    {
      manifest,
      content: `Chest X-rays with labels: ${count(images, 'image')} of ${dataset} ${version}, exported by ccxri (${format}).`,
      files: described,
      images:
        imageEnding === undefined
          ? undefined
          : { pattern: `**/*.${imageEnding}`, mediaType: mediaTypeOf(imageEnding) },
      published: selectFiles(manifest, withLabelFiles(manifest, { files: archives }, 'needed')),
    },
    options,
  );
}

/** Of a CSV whose columns are those of index.csv, or some of them: what others hold is not known here. */
async function columnsIn(directory: string, name: string): Promise<readonly Column[] | undefined> {
  if (!name.endsWith('.csv')) return undefined;
  const path = join(directory, name);
  // No header is longer.
  const input = createReadStream(path, { end: 65_535 });
  try {
    for await (const line of createInterface({ input })) {
      const names = line.split(',');
      return names.every(isKnownColumn) ? columnsOf(names) : undefined;
    }
    return undefined;
  } catch (error) {
    throw toDiskError(error, 'read', { path });
  } finally {
    input.destroy();
  }
}
