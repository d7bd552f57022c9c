import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startNginx } from '../test/support/nginx.ts';
import { freshDirectory } from './fresh-directory.ts';
import { measure, type Measured } from './measure.ts';
import { makeRowsDataset } from './rows-dataset.ts';
import { middle } from './run-works.ts';
import type { Figure } from './single-works.ts';
import type { Place } from './works.ts';

const SHARE = 0.01;

/** nginx gives each connection 20 MB/s. @param images in each archive */
export async function labelFigure(place: Place, images: number, rounds: number): Promise<Figure> {
  const nginx = await startNginx({ root: place.release, limitRate: '20m' });
  try {
    const archives = place.archives.length;
    const fetches = fetchesOf(place, { url: `${nginx.url}/`, archives, images });
    return await compareFetches('images: 1 % by label at 20 MB/s a connection', 0.05, {
      ...{ place, rounds, ...fetches },
    });
  } finally {
    await nginx.stop();
  }
}

/** Over the line with 200 ms there and back and 2 MB/s a connection. */
export async function labelLineFigure(
  place: Place,
  images: number,
  rounds: number,
): Promise<Figure> {
  const archives = place.lineArchives;
  const fetches = fetchesOf(place, { url: place.longLine, archives, images });
  return compareFetches('images: 1 % by label over the long line', 0.1, {
    ...{ place, rounds, ...fetches },
  });
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
  { ccxri, release, scratch, archives: all }: Place,
  at: { readonly url: string; readonly archives: number; readonly images: number },
): Fetches {
  const { url, archives, images } = at;
  const named = all.slice(0, archives);
  const files = named.map(({ name }) => name).join(',');
  const whole = `${ccxri} fetch --file ${files} --manifest ${release}/manifest.json --source ${url} --dest ${join(scratch, 'images')} -q -y`;
  // The labels of this release are all about as frequent: any one has more than this.
  const limit = Math.round(SHARE * images * named.length);
  const bytes = named.reduce((sum, archive) => sum + archive.bytes, 0);
  return { whole, single: `${whole} --label Mass --limit ${limit}`, bytes };
}

async function compareFetches(
  name: string,
  target: number,
  work: Fetches & { readonly place: Place; readonly rounds: number },
): Promise<Figure> {
  const { place, rounds, single, whole, bytes } = work;
  const out = join(place.scratch, 'images');
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const [command, runs] of [
      [single, ours],
      [whole, theirs],
    ] as const) {
      await measure(`${freshDirectory(out)} && sync`, place.scratch);
      runs.push(await measure(command, place.scratch));
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
  const { dest, manifestPath, rows } = await makeRowsDataset(directory);
  const common = `--label Hernia --manifest ${manifestPath} --dest ${dest} -q`;
  const figureOf = async (command: string, target: number): Promise<readonly Figure[]> => {
    const runs: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      runs.push(await measure(`${ccxri} ${command} ${common}`, scratch));
    }
    const { wallS, peakBytes } = middle(runs);
    const name = `images: ${command} --label Hernia, ${rows} rows`;
    return [
      { name, value: wallS, unit: 's', target, note: 'with kept member indexes' },
      { name: `${name}, memory`, value: peakBytes / 1e6, unit: 'MB', target: 250, note: 'peak' },
    ];
  };
  const figures = [await figureOf('query', 1.5), await figureOf('fetch -n', 2)];
  await rm(directory, { recursive: true, force: true });
  return figures.flat();
}
