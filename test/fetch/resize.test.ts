import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { parseCsv } from '../support/csv.ts';
import { flipped } from '../support/damaged.ts';
import { noise } from '../support/fetching.ts';
import { documentOf, eventsOf, runCli } from '../support/run-cli.ts';
import { useServedDirectory } from '../support/served.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';

const tempDir = useTempDirs();
const serve = useServedDirectory();

/** 300 pixels; one of them is as small as what is asked for, and one looks like a JPEG alone. */
const jpegs = new Map<string, Buffer>();
async function drawAll() {
  for (const [name, side] of [
    ['large', 300],
    ['small', 40],
  ] as const) {
    const raw = { width: side, height: side / 2, channels: 1 } as const;
    const image = sharp(noise(name, (side * side) / 2), { raw }).toColourspace('b-w');
    jpegs.set(name, await image.jpeg().toBuffer());
  }
  jpegs.set('undecodable', likeJpeg(noise('x', 5000)));
}

const ARCHIVES = [
  { name: 'ChestDx-1', images: 4 },
  { name: 'Viral-1', images: 3, topFolder: true },
  { name: 'Normal-4', images: 2, strays: ['notes.txt'] },
];

async function release() {
  if (jpegs.size === 0) await drawAll();
  const root = await tempDir();
  let images = 0;
  const made = await makeStandIn(join(root, 'release'), {
    archives: ARCHIVES,
    toJpeg: () => {
      images += 1;
      const kind = images === 2 ? 'small' : images === 3 ? 'undecodable' : 'large';
      // No two are alike.
      return Buffer.concat([jpegs.get(kind) ?? Buffer.alloc(0), Buffer.from(`${images}`)]);
    },
  });
  const { url } = await serve(made.directory);
  const dest = join(root, 'set');
  const at = ['--manifest', made.manifestPath, '--dest', dest];
  const source = `${url}{name}`;
  const fetch = (...more: readonly string[]) =>
    runCli(['fetch', ...at, '--source', source, '--subset', 'all', ...more]);
  const run = (command: string, ...more: readonly string[]) => runCli([command, ...at, ...more]);
  const { directory, manifestPath } = made;
  return { dest, at, source, fetch, run, directory, manifestPath };
}

const SMALL = ['--low-disk', '--resize', '64'];

async function imagesIn(dest: string): Promise<ReadonlyMap<string, Buffer>> {
  const paths = (await listTree(dest)).filter((path) => /^images\/.*\.jpg$/.test(path));
  const read = paths.map(async (path) => [path, await readFile(join(dest, path))] as const);
  return new Map(await Promise.all(read));
}

const bySide = async (bytes: Buffer) => {
  const { width, height } = await sharp(bytes).metadata();
  return Math.max(width, height);
};

interface Verified {
  readonly outcomes: readonly { readonly file: string; readonly status: string }[];
}
interface Status {
  readonly files: readonly {
    readonly file: string;
    readonly status: string;
    readonly resizedTo: number | null;
  }[];
}

describe('fetch --low-disk --resize', () => {
  it('writes smaller images under their names, and says so everywhere', async () => {
    const { dest, fetch, run } = await release();
    const { code, stdout, stderr } = await fetch(...SMALL, '--ndjson');
    expect(code, stderr).toBe(0);
    expect(JSON.stringify(eventsOf(stdout))).toContain("1 image can't be decoded");
    const images = await imagesIn(dest);
    expect(images.size).toBe(9);
    const sides = await Promise.all(
      [...images.values()].map((bytes) => bySide(bytes).catch(() => 0)),
    );
    expect([...sides].sort((a, b) => a - b)).toEqual([0, 40, ...Array<number>(7).fill(64)]);
    expect((await listTree(dest)).filter((path) => path.startsWith('archives/'))).toEqual([]);

    const rows = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    const checks = rows.map(({ check }) => check);
    expect(checks.filter((check) => check === 'resized')).toHaveLength(7);
    expect(checks.filter((check) => check === 'verified')).toHaveLength(2);
    const record = await new Ledger(layoutOf(dest).ledger).readMembers('ChestDx-1.zip');
    expect(record?.resized).toEqual({
      ...{ size: 64, quality: 90 },
      ...{ sharp: sharp.versions.sharp, libvips: sharp.versions.vips },
    });
    const { files } = documentOf((await run('status', '--json')).stdout).result as Status;
    const archives = files.filter(({ file }) => file.endsWith('.zip'));
    expect(archives.map(({ status, resizedTo }) => [status, resizedTo])).toEqual(
      ARCHIVES.map(() => ['resized', 64]),
    );
    expect((await run('status')).stdout).toContain('images of 3 archives are resized to 64 pixels');
    for (const depth of ['--quick', '--deep'] as const) {
      const verified = await run('verify', depth, '--json');
      expect(verified.code, verified.stderr).toBe(0);
      const { outcomes } = documentOf(verified.stdout).result as Verified;
      expect(outcomes.flatMap(({ file, status }) => (file.endsWith('.zip') ? status : []))).toEqual(
        ARCHIVES.map(() => 'resized'),
      );
    }
  });

  it('has nothing to do the second time; what was changed is found, and made again to the same bytes', async () => {
    const { dest, fetch, run } = await release();
    await fetch(...SMALL);
    const before = await imagesIn(dest);
    const again = await fetch(...SMALL, '--json');
    expect(again.code).toBe(0);
    expect(documentOf(again.stdout).result).toMatchObject({ bytesDownloaded: 0 });
    const [path = '', bytes = Buffer.alloc(0)] = [...before][0] ?? [];
    await writeFile(join(dest, path), flipped(bytes, 200));
    const damaged = await run('verify', '--deep');
    expect(damaged.code).toBe(3);
    expect(damaged.stdout + damaged.stderr).toContain(path);
    expect((damaged.stdout + damaged.stderr).replaceAll(/\s+/g, ' ')).toContain(
      '--low-disk --resize 64',
    );
    const restored = await fetch(...SMALL);
    expect(restored.code, restored.stderr).toBe(0);
    expect(await imagesIn(dest)).toEqual(before);
    expect((await run('verify', '--deep')).code).toBe(0);
  });

  it('mixes no sizes: another one, none, and single images are refused, and nothing changes', async () => {
    const { dest, fetch, run } = await release();
    await fetch(...SMALL);
    const before = await imagesIn(dest);
    for (const argv of [
      [],
      ['--low-disk'],
      ['--low-disk', '--resize', '128'],
      ['--dry-run'],
      ['--limit', '2'],
    ]) {
      const { code, stderr } = await fetch(...argv);
      expect({ argv, code }, stderr).toEqual({ argv, code: 2 });
      expect(stderr).toMatch(/resized to 64 pixels/);
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain('--low-disk --resize 64');
    }
    expect(await imagesIn(dest)).toEqual(before);
    // The archives alone may come; then the ledger still says what the images are.
    expect((await fetch('--no-extract')).code).toBe(0);
    const deep = await run('verify', '--deep', '--json');
    expect(deep.code, deep.stderr).toBe(0);
    expect(deep.stdout).toContain('"verified"');
    // They are all here: nothing is to be extracted.
    expect((await run('extract')).code).toBe(0);
    expect(await imagesIn(dest)).toEqual(before);
    const found = await run('adopt', join(dest, '../release'), '--json');
    expect(found.code, found.stderr).toBe(0);
    expect(await imagesIn(dest)).toEqual(before);
  });

  it('leaves images alone that are here as published', async () => {
    const { dest, fetch } = await release();
    expect((await fetch()).code).toBe(0);
    const before = await imagesIn(dest);
    const { code, stderr } = await fetch(...SMALL);
    expect(code).toBe(2);
    expect(stderr).toContain('as published, not resized to 64 pixels');
    // Nor where the ledger is gone: that shows before anything is downloaded.
    await rm(layoutOf(dest).ledger, { recursive: true });
    await rm(layoutOf(dest).archives, { recursive: true });
    const blind = await fetch(...SMALL);
    expect(blind.code).toBe(2);
    expect(blind.stderr).toContain('as published, not resized to 64 pixels');
    await expect(listTree(layoutOf(dest).archives)).rejects.toThrow('ENOENT');
    expect(await imagesIn(dest)).toEqual(before);
  });

  it('is refused without --low-disk, and by a file of settings it is not meant', async () => {
    const { dest, fetch } = await release();
    const { code, stderr } = await fetch('--resize', '64');
    expect(code).toBe(2);
    expect(stderr).toContain('--low-disk');
    await expect(listTree(dest)).rejects.toThrow('ENOENT');
  });

  it('by a variable that was set for exports changes nothing about a fetch that keeps archives', async () => {
    const { dest, at, source } = await release();
    const fetch = (...more: readonly string[]) =>
      runCli(['fetch', ...at, '--source', source, '--file', 'Normal-4', ...more], {
        env: { CCXRI_RESIZE: '64' },
      });
    const kept = await fetch();
    expect(kept.code, kept.stderr).toBe(0);
    const published = [...(await imagesIn(dest)).values()];
    expect(await Promise.all(published.map(bySide))).toEqual([300, 300]);
    await rm(dest, { recursive: true });
    expect((await fetch('--low-disk')).code).toBe(0);
    const resized = [...(await imagesIn(dest)).values()];
    expect(await Promise.all(resized.map(bySide))).toEqual([64, 64]);
  });

  it('publishes the good images of an archive with a damaged one', async () => {
    const { dest, fetch, run, directory, manifestPath } = await release();
    const path = join(directory, 'Viral-1.zip');
    const bytes = await readFile(path);
    const wrong = flipped(bytes, 600);
    await writeFile(path, wrong);
    const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');
    const manifest = await readFile(manifestPath, 'utf8');
    await writeFile(manifestPath, manifest.replaceAll(md5(bytes), md5(wrong)));
    const { code, stderr } = await fetch(...SMALL, '--keep-good');
    expect(code, stderr).toBe(3);
    const images = [...(await imagesIn(dest)).keys()];
    expect(images.filter((name) => name.startsWith('images/Viral-1/'))).toHaveLength(2);
    expect(images.some((name) => name.startsWith('images/Normal-4/'))).toBe(true);
    expect((await run('verify', '--deep')).stderr).not.toContain('unexpected');
  });

  it('may begin anew where its folders were moved away', async () => {
    const { dest, fetch, run } = await release();
    expect((await fetch(...SMALL)).code).toBe(0);
    await rm(layoutOf(dest).images, { recursive: true });
    const { stdout } = await run('status', '--json');
    expect(documentOf(stdout).result).not.toHaveProperty(
      'files',
      expect.arrayContaining([expect.objectContaining({ resizedTo: 64 })]),
    );
    const some = await fetch('--limit', '2', '--allow-whole');
    expect(some.code, some.stderr).toBe(0);
    expect((await imagesIn(dest)).size).toBeGreaterThan(1);
    for (const [, bytes] of await imagesIn(dest)) expect(await bySide(bytes)).not.toBe(64);
  });

  it('publishes nothing of an archive that is wrong', async () => {
    const { dest, fetch, directory } = await release();
    const bytes = await readFile(join(directory, 'Viral-1.zip'));
    await writeFile(join(directory, 'Viral-1.zip'), flipped(bytes, 600));
    const { code } = await fetch(...SMALL, '--retries', '0');
    expect(code).toBe(3);
    const stems = new Set([...(await imagesIn(dest)).keys()].map((path) => path.split('/')[1]));
    expect(stems).toEqual(new Set(['ChestDx-1', 'Normal-4']));
  });
});
