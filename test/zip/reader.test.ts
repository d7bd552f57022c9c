import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileReader, readRanges, toWindows } from '../../src/zip/reader.ts';
import { type ReadNote, bufferReader } from '../support/buffer-reader.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

describe('reading ranges', () => {
  const range = (start: number, length: number) => ({ start, length });

  it('joins what is near, and not what would become too long', () => {
    const KIB = 1024;
    const windows = [
      ...toWindows([
        range(0, 10),
        range(20, 10),
        range(25, 2),
        range(17 * KIB, 10),
        range(200 * KIB, 100 * KIB),
        range(300 * KIB, 200 * KIB),
      ]),
    ];
    expect(windows.map(({ start, end, ranges }) => [start, end, ranges.length])).toEqual([
      [0, 30, 3],
      [17 * KIB, 17 * KIB + 10, 1],
      [200 * KIB, 300 * KIB, 1],
      [300 * KIB, 500 * KIB, 1],
    ]);
    expect([...toWindows([])]).toEqual([]);
  });

  it('visits each with its bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    const ranges = Array.from({ length: 300 }, (_, i) => range(i * 331, (i % 7) + 1));
    const seen = new Map<number, string>();
    const reads: ReadNote[] = [];
    const visit = ({ start }: { readonly start: number }, found: Buffer) => {
      seen.set(start, found.toString('hex'));
    };
    await readRanges(bufferReader(bytes, reads), ranges, visit, undefined);
    expect(reads.length).toBe(1);
    for (const { start, length } of ranges) {
      expect(seen.get(start)).toBe(bytes.subarray(start, start + length).toString('hex'));
    }
  });

  it('stops when its signal fires', async () => {
    const reading = readRanges(
      bufferReader(Buffer.alloc(10)),
      [range(0, 1)],
      () => undefined,
      AbortSignal.abort(),
    );
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a file', () => {
  it('is read from any position', async () => {
    const path = join(await tempDir(), 'a.zip');
    await writeFile(path, '0123456789');
    const reader = await openFileReader(path);
    const into = Buffer.alloc(4);
    await reader.read(into, 3);
    expect(into.toString()).toBe('3456');
    expect(reader.sizeBytes).toBe(10);
    await expect(reader.read(into, 7)).rejects.toMatchObject({ code: 'damaged-archive' });
    await expect(reader.read(into, 1e9)).rejects.toMatchObject({ code: 'damaged-archive' });
    await reader.close();
  });

  it('is an error once it has changed', async () => {
    const path = join(await tempDir(), 'a.zip');
    await writeFile(path, '0123456789');
    const reader = await openFileReader(path);
    await reader.assertUnchanged();
    await appendFile(path, 'more');
    await expect(reader.assertUnchanged()).rejects.toMatchObject({ code: 'changed' });
    await reader.close();
  });

  it('is an error if it is something else; a pipe without waiting for its writer', async () => {
    const base = await tempDir();
    await mkdir(join(base, 'folder'));
    execFileSync('mkfifo', [join(base, 'pipe')]);
    await symlink('loop', join(base, 'loop'));
    await expect(openFileReader(join(base, 'folder'))).rejects.toMatchObject({ code: 'occupied' });
    await expect(openFileReader(join(base, 'pipe'))).rejects.toMatchObject({ code: 'occupied' });
    await expect(openFileReader(join(base, 'none'))).rejects.toMatchObject({ code: 'missing' });
    await expect(openFileReader(join(base, 'loop'))).rejects.toMatchObject({ code: 'occupied' });
  });
});
