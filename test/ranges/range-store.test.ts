import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  RangeStore,
  type StoredFile,
  readRanges,
  removeRanges,
} from '../../src/ranges/range-store.ts';
import { noise } from '../support/fetching.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const BYTES = noise('archive', 100_000);
const FILE: StoredFile = {
  name: 'ChestDx-1.zip',
  md5: '0123456789abcdef0123456789abcdef',
  totalBytes: BYTES.length,
  validator: '"v1"',
};

async function newPath(): Promise<string> {
  const path = join(await tempDir(), 'ranges', FILE.name);
  return path;
}

/** Opens a store, works with it, and closes it. */
async function inStore<T>(
  path: string,
  work: (store: RangeStore) => Promise<T>,
  file = FILE,
): Promise<T> {
  const store = await RangeStore.open(path, file);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function put(store: RangeStore, start: number, length: number, comes = length): Promise<void> {
  return store.add({ start, length }, async (onPiece) => {
    for (let at = 0; at < comes; at += 1000) {
      await onPiece(BYTES.subarray(start + at, start + Math.min(at + 1000, comes)));
    }
    if (comes < length) throw new Error('broken off');
  });
}

async function expectThere(store: RangeStore, start: number, length: number): Promise<void> {
  const at = store.placeOf({ start, length });
  expect(at).toBeDefined();
  const into = Buffer.alloc(length);
  await store.read(into, at ?? 0);
  expect(into.equals(BYTES.subarray(start, start + length))).toBe(true);
}

const isAbsent = (store: RangeStore, start: number, length: number) =>
  store.placeOf({ start, length }) === undefined;

describe('what was fetched', () => {
  it('is there in the next run, wherever it was in the file', async () => {
    const path = await newPath();
    await inStore(path, async (store) => {
      await Promise.all([put(store, 50_000, 3000), put(store, 0, 2500)]);
      await store.flush();
    });
    await inStore(path, async (store) => {
      await expectThere(store, 50_000, 3000);
      await expectThere(store, 100, 2400);
      expect(isAbsent(store, 2000, 1000)).toBe(true);
      await put(store, 2500, 1000);
      await expectThere(store, 50_000, 3000);
    });
    // No more than was fetched: no holes.
    expect((await stat(path)).size).toBeLessThanOrEqual(6500);
  });

  it('is kept as far as it came, where it broke off', async () => {
    const path = await newPath();
    await inStore(path, async (store) => {
      await expect(put(store, 10_000, 5000, 2000)).rejects.toThrow('broken off');
      await store.flush();
    });
    await inStore(path, async (store) => {
      await expectThere(store, 10_000, 2000);
      expect(isAbsent(store, 10_000, 2001)).toBe(true);
    });
  });

  it('can be dropped, and comes anew', async () => {
    const path = await newPath();
    await inStore(path, async (store) => {
      await put(store, 0, 9000);
      store.drop({ start: 3000, length: 1000 });
      await expectThere(store, 0, 3000);
      expect(isAbsent(store, 3000, 1)).toBe(true);
      expect(isAbsent(store, 3999, 1)).toBe(true);
      await expectThere(store, 4000, 5000);
      await put(store, 3000, 1000);
      await expectThere(store, 3000, 1000);
    });
  });
});

describe('bytes without proof are none', () => {
  async function stored(): Promise<string> {
    const path = await newPath();
    await inStore(path, async (store) => {
      await put(store, 0, 9000);
      await store.flush();
    });
    return path;
  }

  it.each<[string, Partial<StoredFile>]>([
    ['another validator', { validator: '"v2"' }],
    ['another length', { totalBytes: 9999 }],
    ['another release', { md5: 'f'.repeat(32) }],
    ['another archive', { name: 'ChestDx-2.zip' }],
  ])('of %s', async (_, other) => {
    const path = await stored();
    const file = { ...FILE, ...other };
    expect(await readRanges(path, file)).toEqual([]);
    expect(await inStore(path, (store) => Promise.resolve(store.ranges), file)).toEqual([]);
  });

  it('that were not flushed, or were cut', async () => {
    const path = await stored();
    await inStore(path, (store) => put(store, 20_000, 500));
    await inStore(path, (store) => {
      expect(isAbsent(store, 20_000, 1)).toBe(true);
      return Promise.resolve();
    });
    await truncate(path, 8000);
    expect(await inStore(path, (store) => Promise.resolve(store.ranges))).toEqual([]);
  });

  it('of a version whose place another one has taken, though the run was killed before it was listed', async () => {
    const path = await stored();
    await inStore(path, (store) => put(store, 50_000, 9000), { ...FILE, validator: '"v2"' });
    expect(await readRanges(path, FILE)).toEqual([]);
    expect(await inStore(path, (store) => Promise.resolve(store.ranges))).toEqual([]);
  });

  it.each(['', '{', '{}', '[]', 'null', '\0\0', '{"rangesVersion":1,"__proto__":{}}'])(
    'whose list is %j',
    async (text) => {
      const path = await stored();
      await writeFile(`${path}.json`, text);
      await inStore(path, async (store) => {
        expect(store.ranges).toEqual([]);
        await put(store, 0, 2000);
        await expectThere(store, 0, 2000);
      });
    },
  );

  it('that would lie behind the end of the file', async () => {
    const path = await stored();
    const state = JSON.parse(await readFile(`${path}.json`, 'utf8')) as object;
    const ranges = [
      [99_999, 2, 0],
      [0, 10, 0],
    ];
    await writeFile(`${path}.json`, JSON.stringify({ ...state, ranges }));
    expect(await readRanges(path, FILE)).toEqual([{ start: 0, length: 10, at: 0 }]);
  });
});

describe('the place of a store', () => {
  it('is not followed where it is a link, and not written over where it is a directory', async () => {
    const path = await newPath();
    await mkdir(dirname(path));
    await writeFile(join(dirname(path), 'mine'), 'mine');
    await symlink(join(dirname(path), 'mine'), path);
    await expect(RangeStore.open(path, FILE)).rejects.toThrow();
    expect(await readFile(join(dirname(path), 'mine'), 'utf8')).toBe('mine');
    const other = join(dirname(path), 'folder');
    await mkdir(other);
    await expect(RangeStore.open(other, FILE)).rejects.toThrow();
  });

  it('is empty once it was removed, twice too', async () => {
    const path = await newPath();
    await inStore(path, async (store) => {
      await put(store, 0, 10);
      await store.flush();
    });
    await removeRanges(path);
    await removeRanges(path);
    expect(await listTree(dirname(path))).toEqual([]);
  });
});
