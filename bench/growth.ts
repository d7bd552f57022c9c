import { join } from 'node:path';
import { startNginx } from '../test/support/nginx.ts';
import { freshDirectory } from './fresh-directory.ts';
import { makeBenchRelease } from './make-release.ts';
import { measure, type Measured } from './measure.ts';
import { middle } from './run-works.ts';

export interface GrowthRow {
  readonly archives: number;
  readonly concurrency: number;
  readonly gigabytes: number;
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakMegabytes: number;
}

/** Smaller images for all counts alike, so that 64 archives fit and only the count grows. */
const IMAGES = 250;
const IMAGE_BYTES = 100_000;
/** Or many more in an archive: 1.2 GB each. */
const MANY_IMAGES = 4000;
const LARGE_IMAGE_BYTES = 300_000;

const CASES = [
  { archives: 4, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 4 },
  { archives: 16, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 4 },
  { archives: 64, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 4 },
  { archives: 16, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 1 },
  { archives: 16, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 2 },
  { archives: 16, images: IMAGES, bytes: IMAGE_BYTES, concurrency: 8 },
  { archives: 2, images: MANY_IMAGES, bytes: LARGE_IMAGE_BYTES, concurrency: 4 },
] as const;
const ROUNDS = 3;

/** Wall time and memory of the whole fetch as archives, files at once, and an archive's size grow. */
export async function growthTable(ccxri: string, scratch: string): Promise<readonly GrowthRow[]> {
  const rows: GrowthRow[] = [];
  console.log('archives | MB each | files at once | GB | wall s | CPU s | peak MB');
  for (const each of CASES) {
    const row = await growthRow(each, ccxri, scratch);
    rows.push(row);
    const { archives, concurrency, gigabytes, wallS, cpuS, peakMegabytes } = row;
    const megabytesEach = ((gigabytes * 1000) / archives).toFixed(0);
    const figures = [gigabytes, wallS, cpuS].map((n) => n.toFixed(2));
    const cells = [archives, megabytesEach, concurrency, ...figures, peakMegabytes.toFixed(0)];
    console.log(cells.join(' | '));
  }
  return rows;
}

async function growthRow(
  { concurrency, ...profile }: (typeof CASES)[number],
  ccxri: string,
  scratch: string,
): Promise<GrowthRow> {
  const release = await makeBenchRelease(profile);
  const nginx = await startNginx({ root: release.directory });
  const out = join(scratch, 'growth');
  const fetch = `${ccxri} fetch --subset all --manifest ${release.directory}/manifest.json --source ${nginx.url}/ --dest ${out} --concurrency ${concurrency} -q -y`;
  try {
    const runs: Measured[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await measure(`${freshDirectory(out)} && sync`, scratch);
      runs.push(await measure(fetch, scratch));
    }
    const bytes = release.archives.reduce((sum, archive) => sum + archive.bytes, 0);
    const { wallS, cpuS, peakBytes } = middle(runs);
    const { archives } = profile;
    const gigabytes = bytes / 1e9;
    return { archives, concurrency, gigabytes, wallS, cpuS, peakMegabytes: peakBytes / 1e6 };
  } finally {
    await nginx.stop();
    await measure(`rm -rf ${out}`, scratch);
  }
}
