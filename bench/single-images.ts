import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startNginx } from '../test/support/nginx.ts';
import { freshDirectory } from './fresh-directory.ts';
import { type BenchRelease, makeBenchRelease } from './make-release.ts';
import { measure, type Measured } from './measure.ts';
import { startLine } from './relay.ts';
import { makeRowsDataset, placeImages } from './rows-dataset.ts';
import { middle } from './run-works.ts';
import type { Figure } from './single-works.ts';
import type { Place } from './works.ts';

/** Archives as large as real ones, and half as many as ChestDx has: 13.6 GB, and 27 GB for what a fetch leaves. */
const RELEASE = { archives: 24, images: 2345, bytes: 250_000 };
const SHARE = 0.01;
/** Over the long line: 1.8 GB. */
const LINE_ARCHIVES = 3;

/** nginx gives each connection 20 MB/s. */
export async function labelFigure(place: Place, rounds: number): Promise<Figure> {
  const { directory, archives } = await makeBenchRelease(RELEASE);
  const nginx = await startNginx({ root: directory, limitRate: '20m' });
  try {
    const fetches = fetchesOf(place, { directory, archives, url: `${nginx.url}/` });
    return await compareFetches('images: 1 % by label at 20 MB/s a connection', 0.05, {
      ...{ scratch: place.scratch, rounds, ...fetches },
    });
  } finally {
    await nginx.stop();
  }
}

/** 200 ms there and back, and 2 MB/s a connection. Once: it takes a minute. */
export async function labelLineFigure(place: Place): Promise<Figure> {
  const { directory, archives } = await makeBenchRelease(RELEASE);
  const nginx = await startNginx({ root: directory });
  const line = await startLine({ port: nginx.port, roundTripMs: 200, bytesPerSecond: 2e6 });
  try {
    const some = { directory, archives: archives.slice(0, LINE_ARCHIVES), url: `${line.url}/` };
    return await compareFetches('images: 1 % by label over the long line', 0.1, {
      ...{ scratch: place.scratch, rounds: 1, ...fetchesOf(place, some) },
    });
  } finally {
    await Promise.all([line.stop(), nginx.stop()]);
  }
}

interface Fetches {
  /** Chosen images of the archives. */
  readonly single: string;
  /** The archives, and all of their images. */
  readonly whole: string;
  /** Of the archives. */
  readonly bytes: number;
}

function fetchesOf(
  { ccxri, scratch }: Place,
  { directory, archives, url }: Omit<BenchRelease, 'isNew'> & { readonly url: string },
): Fetches {
  const files = archives.map(({ name }) => name).join(',');
  const whole = `${ccxri} fetch --file ${files} --manifest ${directory}/manifest.json --source ${url} --dest ${join(scratch, 'images')} -q -y`;
  // Each label of this release is on more images than that.
  const limit = Math.round(SHARE * RELEASE.images * archives.length);
  const bytes = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  return { whole, single: `${whole} --label Mass --limit ${limit}`, bytes };
}

async function compareFetches(
  name: string,
  target: number,
  work: Fetches & { readonly scratch: string; readonly rounds: number },
): Promise<Figure> {
  const { scratch, rounds, single, whole, bytes } = work;
  const out = join(scratch, 'images');
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const [command, runs] of [
      [single, ours],
      [whole, theirs],
    ] as const) {
      await measure(`${freshDirectory(out)} && sync`, scratch);
      runs.push(await measure(command, scratch));
    }
  }
  await rm(out, { recursive: true, force: true });
  const [a, b] = [middle(ours), middle(theirs)];
  const memory = `peak ${(a.peakBytes / 1e6).toFixed(0)} MB`;
  return {
    ...{ name: `${name} / all of the archives`, value: a.wallS / b.wallS, unit: 'x', target },
    note: `${a.wallS.toFixed(2)} s against ${b.wallS.toFixed(2)} s (${(bytes / 1e6).toFixed(0)} MB); ${memory}`,
  };
}

/** A choice out of as many rows as are real, with kept member indexes: without any request. */
export async function rowsFigures(
  ccxri: string,
  scratch: string,
  rounds: number,
): Promise<readonly Figure[]> {
  const directory = join(scratch, 'rows');
  await mkdir(directory, { recursive: true });
  const dataset = await makeRowsDataset(directory);
  const { dest, manifestPath, rows } = dataset;
  const figureOf = async (
    command: string,
    { target, megabytes, note }: { target: number | null; megabytes: number | null; note: string },
  ): Promise<readonly Figure[]> => {
    const runs: Measured[] = [];
    const argv = `${command} --manifest ${manifestPath} --dest ${dest} -q`;
    for (let round = 0; round < rounds; round += 1) {
      runs.push(await measure(`${ccxri} ${argv}`, scratch));
    }
    const { wallS, peakBytes } = middle(runs);
    const name = `images: ${command.replaceAll(`${directory}/`, '')}, ${rows} rows`;
    const memory = peakBytes / 1e6;
    return [
      { name, value: wallS, unit: 's', target, note },
      { name: `${name}, memory`, value: memory, unit: 'MB', target: megabytes, note: 'peak' },
    ];
  };
  const kept = { megabytes: 250, note: 'with kept member indexes' };
  const figures = [
    await figureOf('query --label Hernia', { target: 1.5, ...kept }),
    await figureOf('fetch -n --label Hernia', { target: 2, ...kept }),
  ];
  await placeImages(dataset);
  const placed = { target: 4, megabytes: 300, note: 'with the images of all archives' };
  for (const command of ['join', 'audit']) figures.push(await figureOf(command, placed));
  const out = join(directory, 'labels');
  const report = join(directory, 'report.html');
  const sets = [
    ['split --name bench --force', 2],
    [`export parquet --to ${out} --force`, 3],
    [`export jsonl --to ${out} --force`, null],
    [`report -o ${report} --force`, 10],
  ] as const;
  for (const [command, target] of sets) {
    figures.push(await figureOf(command, { ...placed, target, megabytes: null }));
  }
  const note = 'without thumbnails';
  const { size } = await stat(report);
  figures.push([
    { name: `report, ${rows} rows, size`, value: size / 1e6, unit: 'MB', target: 5, note },
  ]);
  await rm(directory, { recursive: true, force: true });
  return figures.flat();
}
