import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { archiveReader } from '../../src/dataset/image-reader.ts';
import { LoadPool } from '../../src/zip/load-pool.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { extraResources } from '../support/resources.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { until } from '../support/until.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const pools: LoadPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const FILE = 'ChestDx-1.zip';
const BYTES = 300_000;
/** As in src/zip/load-pool.ts: what a room holds. */
const A_ROOM = Math.floor((4 * 1024 * 1024) / BYTES);
/** Enough for ten rooms. */
const COUNT = A_ROOM * 10;
const NAMES = Array.from({ length: COUNT }, (_, at) => `patient${1000 + at}_000.jpg`);
const CONTENTS = new Map(NAMES.map((name) => [name, randomBytes(BYTES, name)]));
const PACKED = new Map([...CONTENTS].map(([name, content]) => [name, deflateRawSync(content)]));
const contentOf = (name: string) => CONTENTS.get(name) ?? Buffer.alloc(0);

const isStored = (name: string) => name.endsWith('7_000.jpg');
const image = (name: string, more: Partial<ZipMember> = {}): ZipMember => ({
  ...{ name: `ChestDx-1/${name}`, content: contentOf(name), method: isStored(name) ? 0 : 8 },
  // Packed once, not for each test.
  packed: isStored(name) ? contentOf(name) : (PACKED.get(name) ?? Buffer.alloc(0)),
  ...more,
});

interface Opening {
  readonly members?: readonly ZipMember[];
  readonly paths?: readonly string[];
  readonly signal?: AbortSignal;
  readonly startWorker?: () => Worker;
}

async function open({ members, paths = NAMES, signal, startWorker }: Opening = {}) {
  const path = join(await tempDir(), FILE);
  await writeFile(path, buildZip(members ?? NAMES.map((name) => image(name))));
  const pool = new LoadPool({ threads: 2, startWorker });
  pools.push(pool);
  return { pool, reader: await archiveReader(path, FILE, { signal, ahead: { pool, paths } }) };
}

const noThread = (): Worker => {
  throw Object.assign(new Error('no thread'), { code: 'ERR_WORKER_INIT_FAILED' });
};

describe('images that are unpacked ahead', () => {
  it('are the same bytes, in memory that is used again when they are given back', async () => {
    const { pool, reader } = await open();
    const memory = new Set<ArrayBufferLike>();
    for (const name of NAMES) {
      const content = await reader.read(name);
      expect(content.length).toBe(BYTES);
      expect(Buffer.compare(content, contentOf(name))).toBe(0);
      memory.add(content.buffer);
      reader.giveBack?.(name);
    }
    await reader.close();
    expect(memory.size).toBeGreaterThan(1);
    // Those ahead, and the one that is looked at.
    expect(memory.size).toBeLessThanOrEqual(pool.tasksAhead + 2);
  });

  it('stay as they are until then, in any order', async () => {
    const { reader } = await open({ paths: NAMES.toReversed() });
    const contents = await Promise.all(NAMES.map((name) => reader.read(name)));
    for (const [at, name] of NAMES.entries()) {
      expect(Buffer.compare(contents[at] ?? Buffer.alloc(0), contentOf(name))).toBe(0);
    }
    await reader.close();
  });

  it('can be read again, and others than were announced', async () => {
    const { reader } = await open({ paths: NAMES.slice(1) });
    for (const name of [NAMES[0], NAMES[1], NAMES[1]].flatMap((each) => each ?? [])) {
      expect(Buffer.compare(await reader.read(name), contentOf(name))).toBe(0);
      reader.giveBack?.(name);
    }
    await expect(reader.read('none.jpg')).rejects.toMatchObject({ code: 'missing' });
    await reader.close();
  });

  it('tell of a damaged one what is told of it alone, and go on', async () => {
    const [first = '', second = '', third = ''] = NAMES;
    const members = NAMES.map((name) => image(name, name === second ? { crc32: 1 } : {}));
    const errors: unknown[] = [];
    for (const startWorker of [undefined, noThread]) {
      const { reader } = await open({ members, ...(startWorker && { startWorker }) });
      for (const name of [first, third]) {
        expect(Buffer.compare(await reader.read(name), contentOf(name))).toBe(0);
      }
      const { code, message, facts } = await reader.read(second).then(
        () => Promise.reject(new Error('it is taken')),
        (error: unknown) => error as { code: string; message: string; facts: unknown },
      );
      errors.push({ code, message, facts });
      await reader.close();
    }
    expect(errors[0]).toMatchObject({ code: 'damaged-archive' });
    expect(errors[0]).toEqual(errors[1]);
  });

  it('start no thread where there is little to do', async () => {
    const started: string[] = [];
    const startWorker = () => {
      started.push('one');
      return noThread();
    };
    const members = NAMES.slice(0, 20).map((name) => image(name));
    const { reader } = await open({ members, startWorker });
    expect((await reader.read(NAMES[3] ?? '')).length).toBe(BYTES);
    await reader.close();
    expect(started).toEqual([]);
  });

  it('end when stopped, with their threads', async () => {
    const before = process.getActiveResourcesInfo();
    const stop = new AbortController();
    const { pool, reader } = await open({ signal: stop.signal });
    const reading = NAMES.map((name) => reader.read(name));
    stop.abort();
    const ends = await Promise.allSettled(reading);
    expect(ends.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    for (const end of ends)
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'aborted' });
    await reader.close();
    await pool.close();
    await until(() => extraResources(before).length === 0);
  });
});
