import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { findImages } from '../../src/dataset/images.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import {
  ARCHIVE,
  CONTENTS,
  MD5,
  type Place,
  contentsBelow,
  placeArchive,
  unpack,
  zipOf,
} from '../support/unpack.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

const BYTES = Object.values(CONTENTS).join('').length;
const ZIP = zipOf(CONTENTS);

async function placed(bytes: Buffer = ZIP): Promise<Place> {
  return placeArchive(await tempDir(), bytes);
}

async function extracted(bytes: Buffer = ZIP): Promise<Place> {
  const place = await placed(bytes);
  expect((await unpack(place)).error).toBeUndefined();
  return place;
}

async function stateOf({ layout, ledger }: Place) {
  const receipt = await ledger.readReceipt(ARCHIVE);
  return (await findImages({ layout, ledger }, ARCHIVE, receipt)).state;
}

async function forgetRecord({ layout }: Place): Promise<void> {
  await rm(join(layout.ledger, 'ChestDx-1.members.json'));
}

describe('an archive', () => {
  it.each([
    ['with its folder inside', zipOf(CONTENTS, 'ChestDx-1/')],
    ['with another folder inside', zipOf(CONTENTS, 'cc-cxri part 1/')],
    ['without one', ZIP],
    ['with a folder entry', buildZip([{ name: 'ChestDx-1/' }, ...membersIn('ChestDx-1/')])],
  ])('%s comes to lie in images/ChestDx-1', async (_, bytes) => {
    const place = await placed(bytes);
    const { result } = await unpack(place);
    expect(result).toMatchObject({ members: 3, did: 'extracted' });
    expect(await contentsBelow(place.layout.images)).toEqual(
      Object.fromEntries(
        Object.entries(CONTENTS).map(([name, content]) => [`ChestDx-1/${name}`, content]),
      ),
    );
  });

  it('with two folders inside keeps both', async () => {
    const place = await extracted(buildZip([...membersIn('a/'), ...membersIn('b/')]));
    expect((await readdir(place.images)).sort()).toEqual(['a', 'b']);
  });

  it('that Finder has packed keeps its own folder beside the images', async () => {
    const place = await extracted(
      buildZip([...membersIn('ChestDx-1/'), { name: '__MACOSX/ChestDx-1/._patient1_000.jpg' }]),
    );
    expect((await readdir(place.images)).sort()).toEqual(
      ['__MACOSX', ...Object.keys(CONTENTS)].sort(),
    );
  });

  function membersIn(folder: string) {
    return Object.entries(CONTENTS).map(([name, content]) => ({
      name: `${folder}${name}`,
      content,
    }));
  }

  it('reports progress from the first byte to the last', async () => {
    const { events } = await unpack(await placed());
    const phase = { file: ARCHIVE, phase: 'extract' };
    const [first, ...others] = events;
    expect(first).toEqual({ event: 'phase-start', ...phase, doneBytes: 0, totalBytes: BYTES });
    expect(others.at(-1)).toEqual({ event: 'phase-done', ...phase, bytes: BYTES, members: 3 });
    for (const event of others.slice(0, -1)) {
      expect(event).toMatchObject({ event: 'progress', ...phase, totalBytes: BYTES });
    }
  });

  it('is in the ledger with its members, as they lie there', async () => {
    const { ledger } = await extracted();
    expect(await ledger.readMembers(ARCHIVE)).toEqual({
      ledgerVersion: 2,
      archive: ARCHIVE,
      md5: MD5,
      isComplete: true,
      broken: [
        { path: 'patient1_000.jpg', why: 'not-an-image' },
        { path: 'patient2_000.jpg', why: 'empty' },
      ],
      extractedAt: '2026-01-02T03:04:05.000Z',
      members: Object.entries(CONTENTS).map(([path, content]) => ({
        path,
        bytes: content.length,
        crc32: crc32(content),
        state: 'content-checked',
      })),
    });
  });

  it('that is unpacked is not looked at again', async () => {
    const place = await extracted();
    await rm(place.archivePath);
    const { result, events } = await unpack(place);
    expect(result).toMatchObject({ members: 3, did: 'skipped' });
    expect(events).toEqual([]);
  });

  it('that is not here is said to be missing', async () => {
    const place = await placed();
    await rm(place.archivePath);
    expect((await unpack(place)).error).toMatchObject({ code: 'missing' });
    await rm(join(place.layout.root, 'archives'), { recursive: true });
    await mkdir(place.archivePath, { recursive: true });
    expect((await unpack(place)).error).toMatchObject({ code: 'occupied' });
  });

  it('replaces an empty folder', async () => {
    const place = await placed();
    await mkdir(place.images, { recursive: true });
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'extracted' });
  });

  it('is unpacked in a folder that is closed to others until it is whole (#94)', async () => {
    const place = await placed();
    const seen: string[] = [];
    await unpack(place, {
      onEvent: ({ event }) => {
        if (event !== 'phase-start') return;
        for (const name of readdirSync(place.layout.stage)) {
          if (name.endsWith('.owner')) continue;
          const { mode } = statSync(join(place.layout.stage, name));
          seen.push(`${name.replace(/[0-9a-f]{12}$/, '*')} ${(mode & 0o777).toString(8)}`);
        }
      },
    });
    expect(seen).toEqual(['ChestDx-1.* 700']);
    expect((await stat(place.images)).mode & 0o500).toBe(0o500);
    expect((await stat(place.images)).mode & 0o777).toBe(
      (await stat(place.layout.images)).mode & 0o777,
    );
  });
});

describe('images that are there, and the ledger does not know', () => {
  it('are read, and taken over if they are what the archive holds; others beside them stay', async () => {
    const place = await extracted();
    await forgetRecord(place);
    await writeFile(join(place.images, 'notes.txt'), 'mine');
    expect(await stateOf(place)).toBe('unknown');
    const { result, events } = await unpack(place);
    expect(result).toMatchObject({ members: 3, did: 'skipped' });
    expect(events.at(-1)).toMatchObject({ event: 'phase-done', phase: 'check', members: 3 });
    expect(await stateOf(place)).toBe('complete');
    expect(await readFile(join(place.images, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it.each<[string, (images: string) => Promise<void>, string]>([
    ['one is missing', (images) => rm(join(images, 'patient1_000.jpg')), '1 file missing'],
    [
      'one has other bytes of the same length',
      (images) => writeFile(join(images, 'patient1_000.jpg'), 'IMAGE '.repeat(500)),
      '1 file different',
    ],
    [
      'one is longer',
      (images) => writeFile(join(images, 'patient2_000.jpg'), '1'),
      '1 file different',
    ],
  ])('are left as they are if %s', async (_, change, why) => {
    const place = await extracted();
    await forgetRecord(place);
    await change(place.images);
    const before = await contentsBelow(place.images);
    const { error } = await unpack(place);
    expect(error).toMatchObject({ code: 'occupied', facts: { path: place.images } });
    expect(String(error)).toContain(why);
    expect(await contentsBelow(place.images)).toEqual(before);
    expect(await place.ledger.readMembers(ARCHIVE)).toBeUndefined();
  });

  it('a file in place of the folder stays', async () => {
    const place = await placed();
    await mkdir(place.layout.images);
    await writeFile(place.images, 'a file');
    expect(await stateOf(place)).toBe('unknown');
    expect((await unpack(place)).error).toMatchObject({ code: 'occupied' });
    expect(await readFile(place.images, 'utf8')).toBe('a file');
  });
});

describe('images of ours that are incomplete', () => {
  it.each<[string, (images: string) => Promise<void>]>([
    ['one is missing', (images) => rm(join(images, 'patient1_000.jpg'))],
    ['one is cut', (images) => truncate(join(images, 'patient1_000.jpg'), 10)],
    [
      'one is a folder',
      async (images) => {
        await rm(join(images, 'patient1_000.jpg'));
        await mkdir(join(images, 'patient1_000.jpg'));
      },
    ],
  ])('are replaced if %s', async (_, change) => {
    const place = await extracted();
    await change(place.images);
    expect(await stateOf(place)).toBe('partial');
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'extracted' });
    expect(await contentsBelow(place.images)).toEqual(CONTENTS);
    expect(await readdir(place.layout.stage)).toEqual([]);
  });

  it('#134 stay where a file is among them that the archive does not hold', async () => {
    const place = await extracted();
    await rm(join(place.images, 'patient1_000.jpg'));
    await writeTree(place.images, { 'masks/m1.png': 'mine', 'notes.txt': 'mine, too' });
    const before = await contentsBelow(place.images);
    const { error } = await unpack(place);
    expect(error).toMatchObject({
      code: 'occupied',
      facts: { reasons: ['masks/m1.png', 'notes.txt'], path: place.images },
    });
    expect(await contentsBelow(place.images)).toEqual(before);
    expect(await readdir(place.layout.stage)).toEqual([]);
  });

  it('#134 stay where such a file appears while the archive is unpacked', async () => {
    const place = await extracted();
    await rm(join(place.images, 'patient1_000.jpg'));
    const { error } = await unpack(place, {
      onEvent: ({ event }) => {
        if (event === 'phase-start') writeFileSync(join(place.images, 'notes.txt'), 'mine');
      },
    });
    expect(error).toMatchObject({ code: 'occupied', facts: { reasons: ['notes.txt'] } });
    expect(await readFile(join(place.images, 'notes.txt'), 'utf8')).toBe('mine');
    expect(await readdir(place.layout.stage)).toEqual([]);
  });

  it('#134 a folder that is complete may hold other files as well', async () => {
    const place = await extracted();
    await writeTree(place.images, { 'masks/m1.png': 'mine' });
    expect((await unpack(place)).result).toMatchObject({ members: 3, did: 'skipped' });
    expect(await readFile(join(place.images, 'masks/m1.png'), 'utf8')).toBe('mine');
  });

  it('of another release are replaced by the new ones', async () => {
    const place = await extracted();
    const newMd5 = 'f'.repeat(32);
    const record = await place.ledger.readMembers(ARCHIVE);
    await place.ledger.writeMembers({
      archive: ARCHIVE,
      isComplete: true,
      md5: newMd5,
      extractedAt: record?.extractedAt ?? '',
      members: record?.members ?? [],
    });
    await writeFile(place.archivePath, zipOf({ 'patient3_000.jpg': 'new' }));
    expect((await unpack(place)).result).toMatchObject({ members: 1, did: 'extracted' });
    expect(await contentsBelow(place.images)).toEqual({ 'patient3_000.jpg': 'new' });
  });

  it('are recognised by a receipt of another release', async () => {
    const place = await extracted();
    const receipt = { name: ARCHIVE, bytes: 1, mtimeMs: 1, status: 'verified' } as const;
    const checkedAt = '2026-01-02T03:04:05Z';
    await place.ledger.writeReceipt({ ...receipt, md5: MD5, checkedAt });
    expect(await stateOf(place)).toBe('complete');
    await place.ledger.writeReceipt({ ...receipt, md5: 'e'.repeat(32), checkedAt });
    expect(await stateOf(place)).toBe('partial');
  });

  it('stay where they are replaced by what is refused', async () => {
    const place = await extracted();
    await rm(join(place.images, 'patient1_000.jpg'));
    await writeFile(
      place.archivePath,
      buildZip([{ name: 'patient1_000.jpg', content: 'x', crc32: 1 }]),
    );
    const before = await contentsBelow(place.images);
    expect((await unpack(place)).error).toMatchObject({ code: 'damaged-archive' });
    expect(await contentsBelow(place.images)).toEqual(before);
  });
});

describe('what is there of the images', () => {
  it.each<[string, (place: Place) => Promise<unknown>, string]>([
    ['nothing', () => Promise.resolve(), 'absent'],
    ['an empty folder', ({ images }) => mkdir(images, { recursive: true }), 'absent'],
    ['all', (place) => unpack(place), 'complete'],
  ])('%s: %s', async (_, make, state) => {
    const place = await placed();
    await make(place);
    expect(await stateOf(place)).toBe(state);
  });

  it('is judged by the names of all, and the size of some', async () => {
    const contents = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`p${i}.jpg`, `${i}`]),
    );
    const place = await extracted(zipOf(contents));
    for (const name of ['p0.jpg', 'p1.jpg', 'p250.jpg', 'p499.jpg']) {
      await rename(join(place.images, name), join(place.around, name));
      expect(await stateOf(place)).toBe('partial');
      await rename(join(place.around, name), join(place.images, name));
      expect(await stateOf(place)).toBe('complete');
    }
    for (const name of Object.keys(contents)) await writeFile(join(place.images, name), '');
    expect(await stateOf(place)).toBe('partial');
  });
});
