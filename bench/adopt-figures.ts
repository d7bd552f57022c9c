import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freshDirectory } from './fresh-directory.ts';
import { type BenchRelease, makeBenchRelease } from './make-release.ts';
import { type Measured, measure } from './measure.ts';
import { middle } from './run-works.ts';
import type { Figure } from './single-works.ts';
import type { Place } from './works.ts';

/** As many archives as the dataset has, a tenth as large: 4.9 GB, 16,400 images. */
const RELEASE = { archives: 82, images: 200, bytes: 300_000 };
/** Of each file whose size is that of no archive. They are sparse: to read one would show in the bytes read. */
const OTHER_BYTES = 700_000_000;
/** Node and the program themselves, directories, and the first bytes of what is plausible. */
const READ_BESIDES = 64e6;

/** A folder of all archives under other names, and as many large files of other sizes, against md5sum of the archives. */
export async function adoptArchives(place: Place, rounds: number): Promise<Figure> {
  const { ccxri, scratch } = place;
  const made = await makeBenchRelease(RELEASE);
  const held = join(scratch, 'held');
  holdArchives(made, held);
  const out = join(scratch, 'out');
  const manifest = join(made.directory, 'manifest.json');
  const adopt = `${ccxri} adopt ${held} --dest ${out}/set --manifest ${manifest} -q`;
  const md5sum = `printf '%s\\n' ${made.archives.map((_, at) => `${held}/download-${at}`).join(' ')} | xargs -P2 -n8 md5sum >/dev/null`;
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  await measure(md5sum, scratch);
  for (let round = 0; round < rounds; round += 1) {
    await measure(freshDirectory(out), scratch);
    ours.push(await measure(adopt, scratch));
    theirs.push(await measure(md5sum, scratch));
  }
  const total = bytesOf(made);
  await measure(freshDirectory(out), scratch);
  const read = bytesReadBy(adopt);
  if (read > total + READ_BESIDES) throw new Error(`adopt has read ${read} bytes of ${total}`);
  await rm(held, { recursive: true, force: true });
  const [a, b] = [middle(ours), middle(theirs)];
  const times = `${a.wallS.toFixed(1)} s against ${b.wallS.toFixed(1)} s for ${gb(total)}`;
  const besides = `${((read - total) / 1e6).toFixed(0)} MB read besides, of 82 other files of ${gb(OTHER_BYTES)}`;
  const name = 'adopt 82 archives under other names / md5sum x2';
  const note = `${times}; ${besides}; peak ${(a.peakBytes / 1e6).toFixed(0)} MB`;
  return { name, value: a.wallS / b.wallS, unit: 'x', target: 1.1, note };
}

function holdArchives({ directory, archives }: BenchRelease, held: string): void {
  mkdirSync(held, { recursive: true });
  for (const [at, { name }] of archives.entries()) {
    linkSync(join(directory, name), join(held, `download-${at}`));
    const other = join(held, `scan-${at}.nii`);
    writeFileSync(other, '');
    truncateSync(other, OTHER_BYTES);
  }
}

/** By the kernel's count of what was asked of it, page cache and all; of the command and its threads. */
function bytesReadBy(command: string): number {
  const line = `${command} >/dev/null || exit; read -r _ bytes < /proc/$$/io; echo $bytes`;
  const { status, stdout } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`exit ${String(status)} of: ${command}`);
  return Number(stdout);
}

/** Extracted images in folders of other names, with the member indexes of their archives here. */
export async function adoptImages(place: Place, rounds: number): Promise<readonly Figure[]> {
  const { ccxri, scratch } = place;
  const made = await makeBenchRelease(RELEASE);
  const manifest = `--manifest ${join(made.directory, 'manifest.json')}`;
  const [whole, seed, out] = [join(scratch, 'whole'), join(scratch, 'seed'), join(scratch, 'out')];
  const source = `--source ${made.directory}`;
  await measure(`${ccxri} fetch --subset all ${manifest} ${source} --dest ${whole} -q -y`, scratch);
  await measure(`${ccxri} members --subset all ${manifest} ${source} --dest ${seed} -q`, scratch);
  const held = join(scratch, 'share');
  await measure(`mv ${whole}/images ${held} && rm -rf ${whole}`, scratch);
  await writeFile(join(scratch, 'names.sh'), `find ${held} -name '*.jpg' -print0`);
  const bytes = Number(
    sayOf(`sh names.sh | xargs -0 stat -c %s | awk '{ s += $1 } END { print s }'`, scratch),
  );
  const adopt = `${ccxri} adopt ${held} --dest ${out}/set ${manifest} -q`;
  const cat = `sh names.sh | xargs -0 -P2 -n 500 cat > /dev/null`;
  const [ours, dry, theirs]: [Measured[], Measured[], Measured[]] = [[], [], []];
  await measure(cat, scratch);
  for (let round = 0; round < rounds; round += 1) {
    await measure(`${freshDirectory(out)} && cp -r ${seed} ${out}/set`, scratch);
    dry.push(await measure(`${adopt} -n`, scratch));
    ours.push(await measure(adopt, scratch));
    theirs.push(await measure(cat, scratch));
  }
  await rm(held, { recursive: true, force: true });
  const rate = (runs: readonly Measured[]) => bytes / 1e9 / middle(runs).wallS;
  const cpu = (runs: readonly Measured[]) =>
    `${(middle(runs).cpuS / (bytes / 1e9)).toFixed(2)} s of CPU a GB`;
  const cats = `cat x2 reads them at ${rate(theirs).toFixed(2)} GB/s, ${cpu(theirs)}`;
  const of = (name: string, runs: readonly Measured[], target: number | null): Figure => {
    const { wallS, peakBytes } = middle(runs);
    const note = `${rate(runs).toFixed(2)} GB/s: ${gb(bytes)} in ${wallS.toFixed(1)} s, ${cpu(runs)}; ${cats}; peak ${(peakBytes / 1e6).toFixed(0)} MB`;
    return { name, value: wallS / (bytes / 1e9), unit: 's a GB', target, note };
  };
  // 1.5 GB/s.
  return [
    of('adopt extracted images, member index here, by links', ours, 1 / 1.5),
    of('the same with -n: nothing is written', dry, null),
  ];
}

function bytesOf({ archives }: BenchRelease): number {
  return archives.reduce((sum, archive) => sum + archive.bytes, 0);
}

function sayOf(command: string, cwd: string): string {
  return spawnSync('bash', ['-c', command], { cwd, encoding: 'utf8' }).stdout;
}

const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
