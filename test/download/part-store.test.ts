import { link, mkdir, open, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PartState } from '../../src/download/part-state.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { ownIdentity } from '../../src/fs/process-identity.ts';
import { saying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const KEY = { name: 'a.zip', md5: 'a'.repeat(32) };
const dead = { pid: 4_000_000, host: hostname(), startToken: null };
const elsewhere = { pid: 1, host: 'another-host', startToken: null };

const state = (changes: Partial<PartState> = {}): PartState => ({
  partVersion: 2,
  ...KEY,
  owner: null,
  url: 'http://a.example/a.zip',
  validator: '"v1"',
  totalBytes: 10,
  durableBytes: 6,
  islands: [],
  ...changes,
});

/** A part as another run has left it. */
async function leave(
  directory: string,
  token: string,
  { bytes = 'abcdef', json = state() }: { bytes?: string; json?: unknown } = {},
): Promise<string> {
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  await writeTree(directory, { [`a.zip.${token}.part`]: bytes, [`a.zip.${token}.json`]: text });
  return join(directory, `a.zip.${token}.part`);
}

const ONE = '111111111111';
const TWO = '222222222222';

async function openIn(directory: string) {
  const part = await new PartStore(directory).open(KEY);
  await part.close();
  return { part, bytes: part.bytes, left: (await listTree(directory)).filter(isNotOf(part.path)) };
}

const isNotOf = (path: string) => (name: string) =>
  !name.startsWith(path.split('/').at(-1)?.replace(/part$/, '') ?? '?');

describe('a part that was left', () => {
  it.each([
    { name: 'in good order', owner: null },
    { name: 'by a run that has died', owner: dead },
  ])('$name is resumed, under a name of our own', async ({ owner }) => {
    const directory = await tempDir();
    await leave(directory, ONE, { json: state({ owner }) });
    const { part, bytes, left } = await openIn(directory);
    expect(bytes).toBe(6);
    expect(part.path).not.toContain(ONE);
    expect(left).toEqual([]);
    const written = JSON.parse(
      await readFile(part.path.replace(/part$/, 'json'), 'utf8'),
    ) as object;
    expect(written).toEqual({ ...state(), owner: await ownIdentity() });
  });

  it('by a run that still works at it is left alone', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { json: state({ owner: await ownIdentity() }) });
    const { bytes, left } = await openIn(directory);
    expect(bytes).toBe(0);
    expect(left).toEqual([`a.zip.${ONE}.json`, `a.zip.${ONE}.part`]);
  });

  it('by a run on another host is copied: whether it still works at it cannot be known', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { json: state({ owner: elsewhere }) });
    const { part, bytes, left } = await openIn(directory);
    expect(bytes).toBe(6);
    expect(left).toEqual([`a.zip.${ONE}.json`, `a.zip.${ONE}.part`]);
    await writeFile(join(directory, left[1] ?? ''), 'other!');
    expect(await readFile(part.path, 'utf8')).toBe('abcdef');
  });

  it('with the most bytes is taken, and the others go', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { bytes: 'abc', json: state({ durableBytes: 3 }) });
    await leave(directory, TWO);
    const { bytes, left } = await openIn(directory);
    expect(bytes).toBe(6);
    expect(left).toEqual([]);
  });

  it('of another file is left alone, also of one with a longer name', async () => {
    const directory = await tempDir();
    const other = state({ name: 'a.zip.zip' });
    await writeTree(directory, {
      [`a.zip.zip.${ONE}.part`]: 'abcdef',
      [`a.zip.zip.${ONE}.json`]: JSON.stringify(other),
    });
    const { bytes, left } = await openIn(directory);
    expect(bytes).toBe(0);
    expect(left).toHaveLength(2);
  });

  it('with the most bytes is taken, also where they lie behind gaps', async () => {
    const directory = await tempDir();
    const gaps = state({
      durableBytes: 1,
      islands: [
        [2, 5],
        [6, 10],
      ],
    });
    await leave(directory, ONE, { bytes: 'a-cde-ghij', json: gaps });
    await leave(directory, TWO);
    expect(await new PartStore(directory).bytesHere(KEY)).toBe(8);
    const { part, left } = await openIn(directory);
    expect([part.bytes, part.heldBytes]).toEqual([1, 8]);
    expect(left).toEqual([]);
  });

  it('of a run that was killed while it wrote the state is taken, and nothing of it stays', async () => {
    const directory = await tempDir();
    const json = state({ owner: dead });
    const path = await leave(directory, ONE, { json });
    await writeFile(path.replace(/part$/, 'json.tmp'), JSON.stringify(json));
    // This one was killed over its first state.
    await writeFile(join(directory, `a.zip.${TWO}.json.tmp`), JSON.stringify(json));
    const { bytes, left } = await openIn(directory);
    expect({ bytes, left }).toEqual({ bytes: 6, left: [] });
  });

  it('of the first form, written from front to back, is resumed', async () => {
    const directory = await tempDir();
    const first = { ...state(), partVersion: 1, islands: undefined };
    await leave(directory, ONE, { json: first });
    const { bytes } = await openIn(directory);
    expect(bytes).toBe(6);
  });

  it('#51 with more bytes than its state vouches for is cut', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { bytes: 'abcdefJUNK' });
    const { part, bytes } = await openIn(directory);
    expect(bytes).toBe(6);
    expect(await readFile(part.path, 'utf8')).toBe('abcdef');
  });
});

describe('what cannot be resumed starts over, and is removed', () => {
  it.each([
    { name: '#55 a part of another release', json: state({ md5: 'b'.repeat(32) }) },
    { name: 'a part of a local file', json: state({ url: 'file:///mirror/a.zip' }) },
    { name: '#61 a part shorter than its state says', json: state({ durableBytes: 7 }) },
    { name: '#61 a part shorter than its islands', json: state({ islands: [[8, 9]] }) },
    {
      name: 'a part with gaps of a local file',
      json: state({ url: 'file:///mirror/a.zip', islands: [[8, 10]] }),
    },
    { name: 'an empty part', json: state({ durableBytes: 0 }) },
  ])('$name', async ({ json }) => {
    const directory = await tempDir();
    await leave(directory, ONE, { json });
    const { bytes, left } = await openIn(directory);
    expect({ bytes, left }).toEqual({ bytes: 0, left: [] });
  });

  it.each([
    { name: 'none', json: null },
    { name: 'an empty one', json: '' },
    { name: 'a truncated one', json: JSON.stringify(state()).slice(0, 40) },
    { name: 'zeros', json: '\0'.repeat(200) },
    { name: 'another type', json: { ...state(), durableBytes: '6' } },
    { name: 'a negative length', json: state({ durableBytes: -6 }) },
    { name: 'one with an island in its front', json: state({ islands: [[3, 5]] }) },
    { name: 'one whose island touches its front', json: state({ islands: [[6, 8]] }) },
    {
      name: 'one with islands out of order',
      json: state({
        islands: [
          [8, 10],
          [7, 8],
        ],
      }),
    },
    { name: 'one with an empty island', json: state({ islands: [[8, 8]] }) },
    { name: 'one with an island behind its end', json: state({ islands: [[8, 11]] }) },
    { name: 'one with half an island', json: { ...state(), islands: [[8]] } },
    { name: 'one without its islands', json: { ...state(), islands: undefined } },
    { name: 'an unknown key', json: { ...state(), more: 1 } },
    { name: 'a __proto__', json: '{"__proto__":{"partVersion":1},"durableBytes":6}' },
    { name: 'an array', json: '[]' },
    { name: 'a long one', json: `{"a":"${'x'.repeat(100_000)}"}` },
  ])('#54 a part whose state is $name', async ({ json }) => {
    const directory = await tempDir();
    const path = await leave(directory, ONE, { json: json ?? '' });
    if (json === null) await rm(path.replace(/part$/, 'json'));
    expect((await openIn(directory)).bytes).toBe(0);
  });

  it('#54 a state of 1 GB is not read', async () => {
    const directory = await tempDir();
    const path = (await leave(directory, ONE)).replace(/part$/, 'json');
    await rm(path);
    const handle = await open(path, 'wx');
    await handle.truncate(1024 ** 3);
    await handle.close();
    const before = process.memoryUsage().rss;
    expect((await openIn(directory)).bytes).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2);
  });

  it('#56 a part that is a link, a folder, or a file with a second name', async () => {
    const directory = await tempDir();
    await writeTree(directory, { victim: 'abcdef' });
    const victim = join(directory, 'victim');
    for (const [token, make] of [
      ['111111111111', (path: string) => symlink(victim, path)],
      ['222222222222', (path: string) => link(victim, path)],
      ['333333333333', (path: string) => mkdir(path)],
    ] as const) {
      const path = await leave(directory, token);
      await rm(path);
      await make(path);
    }
    const { bytes, left } = await openIn(directory);
    expect(bytes).toBe(0);
    expect(left).toContain('victim');
    expect(await readFile(victim, 'utf8')).toBe('abcdef');
  });
});

describe('what is left alone', () => {
  it('#55 a state of a newer ccxri, with its part, and this is reported', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { json: { partVersion: 3, anything: true } });
    const notices: string[] = [];
    const part = await new PartStore(directory, (notice) => void notices.push(notice)).open(KEY);
    await part.leave();
    expect(notices).toEqual([saying('newer ccxri')]);
    const { bytes, left } = await openIn(directory);
    expect({ bytes, left }).toEqual({
      bytes: 0,
      left: [`a.zip.${ONE}.json`, `a.zip.${ONE}.part`],
    });
  });

  it('a part without a state, as long as it may be one that is just taken over', async () => {
    const directory = await tempDir();
    await writeTree(directory, { [`a.zip.${ONE}.part`]: 'abc' });
    expect((await openIn(directory)).left).toEqual([`a.zip.${ONE}.part`]);
  });

  it('what is no part of ours', async () => {
    const directory = await tempDir();
    await writeTree(directory, { 'a.zip.part': 'x', 'a.zip.notes.json': 'x', 'a.zip': 'x' });
    expect((await openIn(directory)).left).toEqual(['a.zip', 'a.zip.notes.json', 'a.zip.part']);
  });
});

it('of two runs that want the same part at once, one gets it and the other starts anew', async () => {
  const directory = await tempDir();
  await leave(directory, ONE);
  const stores = [new PartStore(directory), new PartStore(directory), new PartStore(directory)];
  const parts = await Promise.all(stores.map((store) => store.open(KEY)));
  expect(parts.map((part) => part.bytes).sort()).toEqual([0, 0, 6]);
  await Promise.all(parts.map((part) => part.close()));
});

it('#82 makes no directory above its own', async () => {
  const directory = join(await tempDir(), 'gone', 'partial');
  await expect(new PartStore(directory).open(KEY)).rejects.toMatchObject({
    code: 'disk-io',
    message: saying('vanished'),
  });
});

describe('the bytes that need not come again', () => {
  it('are those of the largest part of the same release, whoever works at it', async () => {
    const directory = await tempDir();
    await leave(directory, ONE, { json: state({ durableBytes: 3 }) });
    await leave(directory, TWO, { json: state({ owner: await ownIdentity() }) });
    const store = new PartStore(directory);
    expect(await store.bytesHere(KEY)).toBe(6);
    expect(await store.bytesHere({ ...KEY, md5: 'b'.repeat(32) })).toBe(0);
  });

  it('are none if they cannot be resumed, or nothing is there', async () => {
    const directory = await tempDir();
    expect(await new PartStore(join(directory, 'none')).bytesHere(KEY)).toBe(0);
    await leave(directory, ONE, { json: state({ url: 'file:///mirror/a.zip' }) });
    expect(await new PartStore(directory).bytesHere(KEY)).toBe(0);
  });
});

it('leftovers are removed, but not what another run is writing', async () => {
  const directory = await tempDir();
  await leave(directory, ONE, { json: state({ owner: await ownIdentity() }) });
  await leave(directory, TWO, { json: state({ owner: dead }) });
  await utimes(join(directory, `a.zip.${TWO}.part`), 0, 0);
  await new PartStore(directory).discard('a.zip');
  expect(await listTree(directory)).toEqual([`a.zip.${ONE}.json`, `a.zip.${ONE}.part`]);
});
