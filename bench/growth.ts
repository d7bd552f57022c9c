import { join } from 'node:path';
import { startNginx } from '../test/support/nginx.ts';
import { makeBenchRelease } from './make-release.ts';
import { measure } from './measure.ts';

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

/** Wall time and memory of the whole fetch as archives and files at once grow. */
export async function growthTable(ccxri: string, scratch: string): Promise<readonly GrowthRow[]> {
  const rows: GrowthRow[] = [];
  console.log('archives | files at once | GB | wall s | CPU s | peak MB');
  for (const [archives, concurrency] of [
    [4, 4],
    [16, 4],
    [64, 4],
    [16, 1],
    [16, 2],
    [16, 8],
  ] as const) {
    const release = await makeBenchRelease({ archives, images: IMAGES, bytes: IMAGE_BYTES });
    const nginx = await startNginx({ root: release.directory });
    const out = join(scratch, 'growth');
    try {
      await measure(`rm -rf ${out} && sync`, scratch);
      const run = await measure(
        `${ccxri} fetch --subset all --manifest ${release.directory}/manifest.json --source ${nginx.url}/ --dest ${out} --concurrency ${concurrency} -q -y`,
        scratch,
      );
      const bytes = release.archives.reduce((sum, archive) => sum + archive.bytes, 0);
      const row: GrowthRow = {
        archives,
        concurrency,
        gigabytes: bytes / 1e9,
        wallS: run.wallS,
        cpuS: run.cpuS,
        peakMegabytes: run.peakBytes / 1e6,
      };
      rows.push(row);
      const { gigabytes, wallS, cpuS, peakMegabytes } = row;
      console.log(
        [
          archives,
          concurrency,
          ...[gigabytes, wallS, cpuS].map((n) => n.toFixed(2)),
          peakMegabytes.toFixed(0),
        ].join(' | '),
      );
    } finally {
      await nginx.stop();
      await measure(`rm -rf ${out}`, scratch);
    }
  }
  return rows;
}
