import { spawn } from 'node:child_process';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toManifest, type WrittenFile } from '../scripts/release/describe-release.ts';
import { labelFilesOf } from '../scripts/release/label-files.ts';
import { intoDirectory, toJson, writeTallied } from '../scripts/release/make-release.ts';
import { planRelease } from '../scripts/release/plan-release.ts';
import { renderPage } from '../scripts/release/render-page.ts';
import { DEFAULT_PROFILE, specOf, type ReleaseProfile } from './release-profile.ts';

/** A release for the bench, as it lies on disk. */
export interface BenchRelease {
  /** Holds the archives, chest_dx.csv, index.html, manifest.json and md5sums.txt (archives only). */
  readonly directory: string;
  readonly archives: readonly WrittenFile[];
  /** false: it lay there from before. */
  readonly isNew: boolean;
}

/** Another number makes every release anew: to be raised when the maker's bytes change. */
const MAKER = 3;
const WORK = fileURLToPath(new URL('.work', import.meta.url));
const MAKE_ARCHIVES = fileURLToPath(new URL('make-archives.ts', import.meta.url));

/**
 * Makes a release, or finds it where an earlier run has made it.
 * @param options.work where releases are kept; default bench/.work
 */
export async function makeBenchRelease(
  options: Partial<ReleaseProfile> & { readonly work?: string } = {},
): Promise<BenchRelease> {
  const { work = WORK, ...given } = options;
  const profile: ReleaseProfile = { ...DEFAULT_PROFILE, ...given };
  const { archives, images, bytes } = profile;
  const directory = join(work, `release-${MAKER}-${archives}x${images}x${bytes}`);
  const found = await find(directory);
  if (found !== undefined) return { directory, archives: found, isNew: false };
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const made = await fill(unfinished, profile);
  await rm(directory, { recursive: true, force: true });
  await rename(unfinished, directory);
  return { directory, archives: made, isNew: true };
}

/** The archives by the list that is written last, if all of them are there in their length. */
async function find(directory: string): Promise<readonly WrittenFile[] | undefined> {
  try {
    const text = await readFile(join(directory, 'archives.json'), 'utf8');
    const archives = JSON.parse(text) as readonly WrittenFile[];
    const sizes = await Promise.all(archives.map(({ name }) => stat(join(directory, name))));
    return archives.every(({ bytes }, index) => sizes[index]?.size === bytes)
      ? archives
      : undefined;
  } catch {
    return undefined;
  }
}

async function fill(directory: string, profile: ReleaseProfile): Promise<readonly WrittenFile[]> {
  const processes = Math.min(availableParallelism(), profile.archives);
  const shares = await Promise.all(
    Array.from({ length: processes }, (_, first) =>
      makeShare([directory, JSON.stringify(profile), String(first), String(processes)]),
    ),
  );
  const number = ({ name }: WrittenFile) => Number(/\d+/.exec(name)?.[0]);
  const archives = shares.flat().sort((a, b) => number(a) - number(b));
  const spec = specOf(profile);
  const labels: WrittenFile[] = [];
  for (const [name, content] of labelFilesOf(spec, planRelease(spec))) {
    labels.push(await writeTallied(name, [Buffer.from(content)], intoDirectory(directory)));
  }
  const manifest = toManifest(spec, [...archives, ...labels]);
  const sums = archives.map(({ name, md5 }) => `${md5}  ${name}\n`).join('');
  await writeFile(join(directory, 'manifest.json'), toJson(manifest));
  await writeFile(join(directory, 'index.html'), renderPage(manifest));
  await writeFile(join(directory, 'md5sums.txt'), sums);
  await writeFile(join(directory, 'archives.json'), JSON.stringify(archives));
  return archives;
}

/** Processes, not threads: tsx gives its loader to them on every version of Node. */
async function makeShare(args: readonly string[]): Promise<readonly WrittenFile[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAKE_ARCHIVES, ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`making archives ended with exit ${String(code)}`);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as WrittenFile);
}

/** `tsx bench/make-release.ts [--archives 16] [--images 500] [--bytes 300000] [--work DIR]` */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      archives: { type: 'string' },
      images: { type: 'string' },
      bytes: { type: 'string' },
      work: { type: 'string' },
    },
  });
  const { work, ...counts } = values;
  const profile = Object.fromEntries(
    Object.entries(counts).map(([name, value]) => {
      if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} takes a whole number`);
      return [name, Number(value)];
    }),
  );
  const startMs = performance.now();
  const made = await makeBenchRelease({ ...profile, ...(work === undefined ? {} : { work }) });
  const bytes = made.archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  const how = made.isNew ? `made in ${seconds} s` : 'was there';
  console.log(`${made.directory}: ${made.archives.length} archives, ${bytes} bytes, ${how}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
