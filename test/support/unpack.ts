import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type DatasetLayout, layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { CcxriError } from '../../src/errors.ts';
import type { RunEvent } from '../../src/events.ts';
import { type ExtractedArchive, extractArchive } from '../../src/extract/archive.ts';
import { stemOf } from '../../src/manifest/manifest.ts';
import type { UnpackPool } from '../../src/zip/unpack-pool.ts';
import { assertListedAlike } from './listing.ts';
import { buildZip } from './zip-builder.ts';

export const ARCHIVE = 'ChestDx-1.zip';
/** Nothing here looks into the MD5: it says of which archive the ledger's record is. */
export const MD5 = '0123456789abcdef0123456789abcdef';

/** A few of what an archive of the dataset holds. */
export const CONTENTS: Readonly<Record<string, string>> = {
  'patient1_000.jpg': 'image '.repeat(500),
  'patient2_000.jpg': '',
  'fab922a8-736e-4cb5-a666-4fd849a3049a.txt': 'the stray file',
};

/** @param folder in front of every name, with `/` */
export function zipOf(contents: Readonly<Record<string, string>>, folder = ''): Buffer {
  return buildZip(
    Object.entries(contents).map(([name, content]) => ({ name: `${folder}${name}`, content })),
  );
}

/** A dataset directory inside of a directory that nothing else is in, with one archive. */
export interface Place {
  /** What is above the dataset directory: to see whether anything got out. */
  readonly around: string;
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly archivePath: string;
  /** images/ChestDx-1 */
  readonly images: string;
}

export async function placeArchive(around: string, bytes: Uint8Array): Promise<Place> {
  const layout = layoutOf(join(around, 'dataset'));
  const archivePath = join(layout.archives, ARCHIVE);
  await mkdir(layout.archives, { recursive: true });
  await writeFile(archivePath, bytes);
  const images = join(layout.images, stemOf(ARCHIVE));
  return { around, layout, ledger: new Ledger(layout.ledger), archivePath, images };
}

export interface Unpacked {
  readonly result: ExtractedArchive | undefined;
  readonly error: unknown;
  readonly events: readonly RunEvent[];
  /** Texts of `archive-oddity` warnings. */
  readonly oddities: readonly string[];
}

export async function unpack(
  { layout, ledger, archivePath }: Place,
  {
    signal,
    onEvent,
    unpackPool,
  }: {
    readonly signal?: AbortSignal;
    readonly onEvent?: (event: RunEvent) => void;
    readonly unpackPool?: UnpackPool;
  } = {},
): Promise<Unpacked> {
  const events: RunEvent[] = [];
  let result: ExtractedArchive | undefined;
  let error: unknown;
  try {
    result = await extractArchive(
      { name: ARCHIVE, md5: MD5, path: archivePath },
      {
        layout,
        ledger,
        unpackPool,
        signal,
        onEvent: (event) => {
          events.push(event);
          onEvent?.(event);
        },
        clock: { ...systemClock, date: () => new Date('2026-01-02T03:04:05Z') },
      },
    );
  } catch (thrown) {
    error = thrown;
  }
  const oddities = events.flatMap((event) =>
    event.event === 'warning' && event.code === 'archive-oddity' ? [event.message] : [],
  );
  return { result, error, events, oddities };
}

/** Nothing but the archive is there: no images, no stage, no record, nothing outside. */
export async function expectNothingLeft({ around, layout, ledger, images }: Place): Promise<void> {
  expect(await readdir(around)).toEqual(['dataset']);
  expect(await readdir(layout.archives)).toEqual([ARCHIVE]);
  expect((await filesBelow(layout.root)).filter((path) => !path.startsWith('archives/'))).toEqual(
    [],
  );
  await expect(readdir(images)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readdir(layout.stage).catch(() => [])).toEqual([]);
  expect(await ledger.readMembers(ARCHIVE)).toBeUndefined();
}

/** Unpacks bytes that must be refused. */
export async function expectRefused(
  around: string,
  bytes: Uint8Array,
  code: 'unsafe-archive' | 'damaged-archive',
): Promise<CcxriError> {
  const place = await placeArchive(around, bytes);
  const { error } = await unpack(place);
  expect(error).toBeInstanceOf(CcxriError);
  if (!(error instanceof CcxriError)) throw new Error('unreachable');
  expect({ code: error.code, message: error.message }).toMatchObject({ code });
  expect(error.facts.file).toBe(ARCHIVE);
  expect(error.next[0]).toBeTruthy();
  await expectNothingLeft(place);
  await assertListedAlike(Buffer.from(bytes));
  return error;
}

/** An error's reasons as codes, with the member's name in front of those that are about one. */
export function codesOf({
  facts: { reasons = [], reasonCodes = [] },
}: CcxriError): readonly string[] {
  return reasons.map((reason, at) => {
    const end = reason.lastIndexOf(': ');
    // The last one may only say how many more there are.
    return `${end < 0 ? '' : reason.slice(0, end + 2)}${reasonCodes[at] ?? reason}`;
  });
}

/** Unpacks bytes that must pass, and gives what lies under images/ then, and the oddities. */
export async function expectUnpacked(
  around: string,
  bytes: Uint8Array,
): Promise<{
  readonly files: Readonly<Record<string, string>>;
  readonly oddities: readonly string[];
}> {
  const place = await placeArchive(around, bytes);
  const { result, error, oddities } = await unpack(place);
  expect(error).toBeUndefined();
  const files = await contentsBelow(place.images);
  expect(result).toMatchObject({ members: Object.keys(files).length, did: 'extracted' });
  expect(await readdir(place.around)).toEqual(['dataset']);
  expect(await readdir(place.layout.stage)).toEqual([]);
  const record = await place.ledger.readMembers(ARCHIVE);
  expect(record?.members.map(({ path }) => path).sort()).toEqual(Object.keys(files).sort());
  await assertListedAlike(Buffer.from(bytes));
  return { files, oddities };
}

/** Paths of everything below a directory that is no folder, sorted. */
export async function filesBelow(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** As Latin-1 text, which any byte fits in. */
export async function contentsBelow(root: string): Promise<Readonly<Record<string, string>>> {
  const files: [string, string][] = [];
  for (const path of await filesBelow(root)) {
    files.push([path, await readFile(join(root, path), 'latin1')]);
  }
  return Object.fromEntries(files);
}
