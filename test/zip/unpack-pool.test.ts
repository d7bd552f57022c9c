import { readdirSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CcxriError, toErrorRecord } from '../../src/errors.ts';
import { MAX_STREAM_BYTES } from '../../src/zip/inflate-kernel/inflater.ts';
import { checkMembers, extractMembers } from '../../src/zip/member.ts';
import type { UnpackPool } from '../../src/zip/unpack-pool.ts';
import {
  type ArchiveFile,
  ARCHIVE_FILE as file,
  makeArchiveFile,
  workOn,
} from '../support/archive-file.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { startUnpackWorker, threadThat, useUnpackPools } from '../support/unpack-threads.ts';
import type { ZipMember } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const poolOf = useUnpackPools();

/** Enough for several parts. */
const IMAGES: readonly (ZipMember & { readonly name: string; readonly content: Buffer })[] =
  Array.from({ length: 200 }, (_, i) => ({
    name: `part${i % 3}/patient${i}_000.jpg`,
    content: randomBytes(8000 + i * 101, `image ${i}`),
    method: i % 7 === 0 ? 0 : 8,
  }));
/** Larger than what is unpacked in one piece. */
const LARGE = randomBytes(MAX_STREAM_BYTES + 1000, 'large');
const TOTAL_BYTES = IMAGES.reduce((bytes, { content }) => bytes + content.length, 0);

async function extract(
  { reader, directory }: ArchiveFile,
  options: { readonly pool: UnpackPool | undefined; readonly signal?: AbortSignal } & Partial<
    Parameters<typeof extractMembers>[2]
  >,
) {
  const into = options.into ?? (await tempDir());
  await extractMembers(reader, directory, {
    ...{ file, ...options },
    into,
  });
  const entries = await readdir(into, { recursive: true, withFileTypes: true });
  return { into, records: entries.filter((entry) => entry.isFile()) };
}

/** The error of an archive that must be refused. */
async function errorOf(archive: ArchiveFile, pool?: UnpackPool) {
  const error: unknown = await extract(archive, { pool }).catch((thrown: unknown) => thrown);
  if (!(error instanceof CcxriError)) throw new Error('it is taken');
  return toErrorRecord(error);
}

describe('an archive in threads', () => {
  it('is unpacked as it is without, by all of them', async () => {
    const archive = await makeArchiveFile(await tempDir(), [
      { name: 'empty/' },
      ...IMAGES,
      { name: 'large.bin', content: LARGE },
      { name: 'none.txt' },
    ]);
    const { pool, partsDone } = poolOf({ threads: 3 });
    const reported: number[] = [];
    const { into } = await extract(archive, { pool, onBytes: (done) => reported.push(done) });
    for (const { name, content } of IMAGES) {
      expect((await readFile(join(into, name))).equals(content)).toBe(true);
    }
    expect((await readFile(join(into, 'none.txt'))).length).toBe(0);
    expect(crc32(await readFile(join(into, 'large.bin')))).toBe(
      archive.directory.members.find(({ name }) => name === 'large.bin')?.crc32,
    );
    expect((await readdir(into)).sort()).toEqual([
      'large.bin',
      'none.txt',
      'part0',
      'part1',
      'part2',
    ]);
    expect(reported.at(-1)).toBe(archive.directory.totalBytes);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
    expect(partsDone()).toHaveLength(3);
    expect(Math.min(...partsDone())).toBeGreaterThan(0);
  });

  it('is only checked where nothing is to be written', async () => {
    const folder = await tempDir();
    const { reader, directory } = await makeArchiveFile(folder, IMAGES);
    const { pool, partsDone } = poolOf();
    let reported = 0;
    const onBytes = (done: number) => (reported = done);
    await checkMembers(reader, directory, { file, pool, onBytes });
    expect(reported).toBe(TOTAL_BYTES);
    expect(partsDone().reduce((a, b) => a + b)).toBeGreaterThan(2);
    expect(await readdir(folder)).toEqual([file]);
  });

  it('that is small is not worth a thread', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES.slice(0, 20));
    const { pool, workers } = poolOf({ minBytes: archive.directory.totalBytes + 1 });
    const { records } = await extract(archive, { pool });
    expect(records).toHaveLength(20);
    expect(workers).toEqual([]);
  });

  it('that came first is done first', async () => {
    const archives = [
      await makeArchiveFile(await tempDir(), IMAGES),
      await makeArchiveFile(await tempDir(), IMAGES.slice(0, 80)),
    ];
    const { pool } = poolOf({ threads: 1 });
    const order: number[] = [];
    await Promise.all(
      archives.map(async (archive, at) => {
        await pool.unpack(workOn(archive));
        order.push(at);
      }),
    );
    expect(order).toEqual([0, 1]);
  });

  it('is read from the file that was opened, wherever its name points to', async () => {
    const folder = await tempDir();
    const archive = await makeArchiveFile(folder, IMAGES);
    await writeFile(join(folder, 'other'), 'other');
    await rename(join(folder, 'other'), join(folder, file));
    const { records } = await extract(archive, { pool: poolOf().pool });
    expect(records).toHaveLength(IMAGES.length);
  });
});

describe('what goes wrong in a thread', () => {
  const lies: readonly (readonly [string, Partial<ZipMember>])[] = [
    ['a wrong CRC-32', { crc32: 5 }],
    ['too many bytes', { size: 10 }],
    ['too few bytes', { size: 100_000 }],
    ['bytes behind its stream', { packed: Buffer.from([3, 0, 9]), size: 0, crc32: 0 }],
  ];

  it.each(lies)('is reported with all its facts: %s', async (_, lie) => {
    const members = IMAGES.map((image, i) => (i === 100 ? { ...image, ...lie, method: 8 } : image));
    const archive = await makeArchiveFile(await tempDir(), members);
    const { pool, partsDone } = poolOf();
    const expected = await errorOf(archive);
    expect(await errorOf(archive, pool)).toEqual(expected);
    // Also where nothing is written, as by `verify --deep`.
    await expect(pool.unpack(workOn(archive))).rejects.toMatchObject({
      code: expected.code,
      message: expected.message,
    });
    // The pool is as good as new.
    const good = await makeArchiveFile(await tempDir(), IMAGES);
    const before = partsDone().reduce((a, b) => a + b);
    expect((await extract(good, { pool })).records).toHaveLength(IMAGES.length);
    expect(partsDone().reduce((a, b) => a + b)).toBeGreaterThan(before);
  });

  it.each<[string, Partial<ZipMember>]>([
    ['a wrong CRC-32', { crc32: 5 }],
    ['too many bytes', { size: MAX_STREAM_BYTES + 1 }],
    ['bytes behind its stream', { packed: Buffer.concat([deflateRawSync(LARGE), LARGE]) }],
  ])('is the same in a large member: %s', async (_, lie) => {
    const archive = await makeArchiveFile(await tempDir(), [
      ...IMAGES,
      { name: 'large.bin', content: LARGE, ...lie },
    ]);
    expect(await errorOf(archive, poolOf().pool)).toEqual(await errorOf(archive));
  });

  it('ends the other threads’ work, too: a few members more, and no other part', async () => {
    const first = { ...IMAGES[0], name: 'a', content: Buffer.from('a'), crc32: 5 };
    const archive = await makeArchiveFile(await tempDir(), [first, ...IMAGES]);
    const into = await tempDir();
    const { pool } = poolOf();
    await expect(extract(archive, { pool, into })).rejects.toMatchObject({
      code: 'damaged-archive',
    });
    const made = await readdir(into, { recursive: true });
    expect(made.length).toBeLessThan(IMAGES.length);
    // Whatever was still under way has ended with this.
    expect(await extract(archive, { pool }).catch(() => 'failed')).toBe('failed');
    expect(await readdir(into, { recursive: true })).toEqual(made);
  });

  it('is also what its listener throws; the threads end before it is thrown', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    const { pool } = poolOf();
    const into = await tempDir();
    const onBytes = () => {
      throw new RangeError('of the listener');
    };
    await expect(extract(archive, { pool, into, onBytes })).rejects.toThrow('of the listener');
    const made = await readdir(into, { recursive: true });
    expect((await extract(archive, { pool })).records).toHaveLength(IMAGES.length);
    expect(await readdir(into, { recursive: true })).toEqual(made);
  });

  it('never writes through a link, nor over what lies there', async () => {
    const archive = await makeArchiveFile(await tempDir(), [{ name: 'a.jpg', content: 'new' }]);
    const outside = join(await tempDir(), 'outside');
    await writeFile(outside, 'untouched');
    const { pool } = poolOf();
    for (const lay of [
      (path: string) => symlink(outside, path),
      (path: string) => writeFile(path, 'untouched'),
    ]) {
      const into = await tempDir();
      await lay(join(into, 'a.jpg'));
      await expect(extract(archive, { pool, into })).rejects.toMatchObject({ code: 'EEXIST' });
      expect(await readFile(join(into, 'a.jpg'), 'utf8')).toBe('untouched');
    }
  });

  it.each([
    ['ends', 'process.exit(3)', /^Error: the unpack thread exited unexpectedly/],
    ['fails', 'throw new RangeError("no way")', /exited unexpectedly.*no way/],
    ['has no memory (#210)', 'for (let all = []; ; ) all.push(new Array(1e6))', /ended: .*memory/],
  ])('and %s is an error of the archive, never a wait for ever', async (_, does, said) => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    let hasBroken = false;
    const { pool } = poolOf({
      threads: 1,
      startWorker: () => {
        if (hasBroken) return startUnpackWorker();
        hasBroken = true;
        return threadThat(does);
      },
    });
    const error: unknown = await extract(archive, { pool }).catch((thrown: unknown) => thrown);
    expect(`${String(error)} ${String((error as Error).cause)}`).toMatch(said);
    // Another takes its place for the next archive.
    expect((await extract(archive, { pool })).records).toHaveLength(IMAGES.length);
  });
});

describe('where there are no threads', () => {
  const BROKEN: readonly (readonly [string, () => Worker])[] = [
    [
      'the system gives none',
      () => {
        throw new Error('EAGAIN');
      },
    ],
    ['their code is missing', () => new Worker(new URL('file:///not/there.js'))],
    ['they end at once', () => new Worker('process.exit(1)', { eval: true })],
  ];

  it.each(BROKEN)('because %s, all is done in this one', async (_, startWorker) => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    const { pool } = poolOf({ startWorker });
    const { into, records } = await extract(archive, { pool });
    expect(records).toHaveLength(IMAGES.length);
    const [{ name, content } = { name: '', content: Buffer.alloc(0) }] = IMAGES;
    expect((await readFile(join(into, name))).equals(content)).toBe(true);
  });

  it.each(BROKEN)('but one, because %s, that one does it', async (_, startWorker) => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    let started = 0;
    const { pool, partsDone } = poolOf({
      threads: 3,
      startWorker: () => {
        started += 1;
        return started === 1 ? startUnpackWorker() : startWorker();
      },
    });
    const { records } = await extract(archive, { pool });
    expect(records).toHaveLength(IMAGES.length);
    expect(Math.max(...partsDone())).toBeGreaterThan(2);
  });
});

describe('a stop', () => {
  it('in the middle takes effect within a member, and nothing is written after it', async () => {
    const archive = await makeArchiveFile(await tempDir(), [...IMAGES, ...IMAGES.map(again)]);
    const { pool } = poolOf();
    const stop = new AbortController();
    const into = await tempDir();
    let heard = 0;
    const extracting = extract(archive, {
      ...{ pool, into, signal: stop.signal },
      onBytes: (done) => {
        heard = done;
        stop.abort();
      },
    });
    await expect(extracting).rejects.toMatchObject({ code: 'aborted' });
    expect(heard).toBeLessThan(archive.directory.totalBytes);
    const made = await readdir(into, { recursive: true });
    expect(made.length).toBeLessThan(2 * IMAGES.length);
    // The threads are there for the next, and nobody writes in the folder any more.
    expect((await extract(archive, { pool })).records).toHaveLength(2 * IMAGES.length);
    expect(await readdir(into, { recursive: true })).toEqual(made);
  });

  const again = (image: ZipMember & { readonly name: string }) => ({
    ...image,
    name: `again/${image.name}`,
  });

  it('before begins nothing', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    const { pool, workers } = poolOf();
    const into = join(await tempDir(), 'into');
    await mkdir(into);
    const signal = AbortSignal.abort();
    await expect(extract(archive, { pool, into, signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(workers).toEqual([]);
    const checking = checkMembers(archive.reader, archive.directory, { file, pool, signal });
    await expect(checking).rejects.toMatchObject({ code: 'aborted' });
  });

  it('lets go of its signal: a long run does not gather listeners', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES.slice(0, 10));
    const { pool } = poolOf();
    const { signal } = new AbortController();
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    for (let i = 0; i < 15; i += 1) await extract(archive, { pool, signal });
    expect(warnings.map(String)).toEqual([]);
  });
});

describe('at the end', () => {
  it('nothing is open, and no thread left', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    const before = readdirSync('/proc/self/fd').length;
    const { pool, workers } = poolOf();
    await extract(archive, { pool });
    const exits = workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve)));
    await pool.close();
    await Promise.all(exits);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('of a pool, calls under way fail, and later work is done in this thread', async () => {
    const archive = await makeArchiveFile(await tempDir(), IMAGES);
    const busy =
      "parentPort.postMessage({ kind: 'progress', id: task.id, progress: 1 }); for (;;);";
    const { pool } = poolOf({ startWorker: () => threadThat(busy) });
    let failure: Promise<unknown> = Promise.resolve();
    let busyThreads = 0;
    // Both: a part that waits for its thread would find none.
    await new Promise<void>((resolve) => {
      const onBytes = () => {
        busyThreads += 1;
        if (busyThreads === 2) resolve();
      };
      failure = pool.unpack(workOn(archive, onBytes)).catch((error: unknown) => error);
    });
    await pool.close();
    expect(await failure).toMatchObject({ message: 'the unpack thread was closed' });
    let reported = 0;
    await pool.unpack({ ...workOn(archive), onBytes: (bytes) => (reported += bytes) });
    expect(reported).toBe(TOTAL_BYTES);
  });
});
