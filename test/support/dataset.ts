import { copyFile, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { finalPathOf, layoutOf, type DatasetLayout } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { ignoreEvents } from '../../src/events.ts';
import { type Manifest, type ManifestFile, findFile } from '../../src/manifest/manifest.ts';
import { extractArchive } from '../../src/extract/archive.ts';
import { makeStandIn, type StandIn, type StandInOptions } from './stand-in.ts';

/** A dataset directory as `fetch` leaves it, of a stand-in release. */
export interface Dataset {
  readonly root: string;
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly release: StandIn;
  readonly manifest: Manifest;
  /** Where a file of the manifest lies. */
  pathOf(name: string): string;
  imagesOf(name: string): string;
}

export interface DatasetOptions {
  readonly release?: StandInOptions;
  /** Archives whose images are extracted. Default: none. */
  readonly extracted?: readonly string[];
  /** Default true. */
  readonly withLedger?: boolean;
}

/** @param directory a temporary one: the release lies beside the dataset */
export async function makeDataset(
  directory: string,
  { release: options, extracted = [], withLedger = true }: DatasetOptions = {},
): Promise<Dataset> {
  const release = await makeStandIn(join(directory, 'release'), options);
  const { manifest } = release;
  const root = join(directory, 'dataset');
  const layout = layoutOf(root);
  const ledger = new Ledger(layout.ledger);
  const pathOf = (name: string) => finalPathOf(layout, findFile(manifest, name));
  for (const { name } of manifest.files) {
    await mkdir(dirname(pathOf(name)), { recursive: true });
    await copyFile(join(release.directory, name), pathOf(name));
  }
  const dataset: Dataset = {
    root,
    layout,
    ledger,
    release,
    manifest,
    pathOf,
    imagesOf: (name) => join(layout.images, findFile(manifest, name).name.slice(0, -4)),
  };
  if (withLedger) for (const file of manifest.files) await writeReceipt(dataset, file);
  for (const name of extracted) await extract(dataset, findFile(manifest, name));
  return dataset;
}

export function md5Of({ release }: Dataset, name: string): string {
  const md5 = release.written.find((written) => written.name === name)?.md5;
  if (md5 === undefined) throw new Error(`no such file was written: ${name}`);
  return md5;
}

async function writeReceipt(dataset: Dataset, file: ManifestFile): Promise<void> {
  const { size, mtimeMs } = await stat(dataset.pathOf(file.name));
  const md5 = md5Of(dataset, file.name);
  await dataset.ledger.writeReceipt({
    name: file.name,
    bytes: size,
    md5,
    mtimeMs,
    status: md5 === file.md5 ? 'verified' : 'content-checked',
    checkedAt: '2026-01-05T10:11:12.000Z',
  });
}

async function extract(dataset: Dataset, { name }: ManifestFile): Promise<void> {
  const archive = { name, md5: md5Of(dataset, name), path: dataset.pathOf(name) };
  const clock = { ...systemClock, date: () => new Date('2026-01-05T10:11:13.000Z') };
  await extractArchive(archive, { ...dataset, onEvent: ignoreEvents, clock });
}

/** Everything below a directory with its size and times: equal where nothing was written. */
export async function snapshot(root: string): Promise<readonly string[]> {
  const paths = ['.', ...(await readdir(root, { recursive: true }))].sort();
  return Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs, ctimeMs, ino } = await lstat(join(root, path));
      return `${path} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
    }),
  );
}
