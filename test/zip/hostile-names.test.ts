import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, expectRefused, expectUnpacked, placeArchive, unpack } from '../support/unpack.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

const LINK = 0o120777;
const GOOD: ZipMember = { name: 'patient1_000.jpg', content: 'an image' };

/** A good member goes before and behind, so that "nothing is left" means something. */
function around(...members: readonly ZipMember[]): Buffer {
  return buildZip([GOOD, ...members, { ...GOOD, name: 'patient2_000.jpg' }]);
}

async function reasonsOf(...members: readonly ZipMember[]): Promise<readonly string[]> {
  const error = await expectRefused(await tempDir(), around(...members), 'unsafe-archive');
  return codesOf(error);
}

function named(...names: readonly (string | Buffer)[]): ZipMember[] {
  return names.map((name) => ({ name, content: 'x' }));
}

describe('#95 a name that leads out of the folder', () => {
  it.each([
    ['../x', 'path-traversal'],
    ['a/../../x', 'path-traversal'],
    ['a/..', 'path-traversal'],
    ['C:x', 'absolute-path'],
    ['c:/x', 'absolute-path'],
    ['/c:/x', 'absolute-path'],
    ['\\\\srv\\share\\x', 'absolute-path'],
    ['..\\x', 'path-traversal'],
    ['a\\..\\..\\x', 'path-traversal'],
    ['C:\\x', 'absolute-path'],
  ])('%s is refused', async (name, why) => {
    const [reason] = await reasonsOf(...named(name));
    expect(reason?.replace(/^.*: /, '')).toBe(why);
  });

  it.each(['..\\x', 'a\\..\\x.txt', '\\\\srv\\x', 'C:\\x.txt'])(
    '%s is refused where it was made on Unix, too',
    async (name) => {
      expect(await reasonsOf({ name, host: 3 })).toHaveLength(1);
    },
  );
});

it('#96 a colon anywhere in a name (a drive below, an alternate data stream) is refused', async () => {
  expect(await reasonsOf(...named('sub/C:evil', 'a:stream', 'a.jpg:hidden'))).toEqual([
    'sub/C:evil: forbidden-character',
    'a:stream: absolute-path',
    'a.jpg:hidden: forbidden-character',
  ]);
});

it('#98 a link is refused', async () => {
  expect(await reasonsOf({ name: 'l', content: '/etc/passwd', mode: LINK })).toEqual(['l: link']);
});

it('#99 a link, and then a file of its name: nothing is written through it', async () => {
  const base = await tempDir();
  const outside = join(await tempDir(), 'outside');
  await writeFile(outside, 'untouched');
  const error = await expectRefused(
    base,
    around({ name: 'x', content: outside, mode: LINK }, { name: 'x', content: 'overwritten' }),
    'unsafe-archive',
  );
  expect(codesOf(error)).toEqual(['x: link', 'x: duplicate-name']);
  expect(await readFile(outside, 'utf8')).toBe('untouched');
});

it('#100 a link to a folder, and then a file below it: nothing is written through it', async () => {
  const outside = await tempDir();
  const error = await expectRefused(
    await tempDir(),
    around({ name: 'd', content: outside, mode: LINK }, { name: 'd/f', content: 'x' }),
    'unsafe-archive',
  );
  expect(codesOf(error)).toEqual(['d: link', 'd: folder-or-file']);
  await expect(readFile(join(outside, 'f'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('#101 a link that lies at the place of the images is not followed, and not replaced', async () => {
  const outside = await tempDir();
  const place = await placeArchive(await tempDir(), buildZip([GOOD]));
  await writeFile(join(outside, 'mine.txt'), 'mine');
  await mkdir(place.layout.images);
  await symlink(outside, place.images);
  const { error } = await unpack(place);
  expect(error).toMatchObject({ code: 'occupied' });
  await expect(readFile(join(outside, GOOD.name.toString()))).rejects.toThrow('ENOENT');
  expect(await readFile(join(place.images, 'mine.txt'), 'utf8')).toBe('mine');
});

describe('#102 types and modes', () => {
  it.each([
    [0o020666, 'device'],
    [0o060666, 'device'],
  ])('%o is refused', async (mode, why) => {
    expect(await reasonsOf({ name: 'odd', mode })).toEqual([`odd: ${why}`]);
  });

  it.each([
    ['pipe', 0o010660],
    ['socket', 0o140777],
  ])('a %s, as `zip -` marks what it was given, is a file, with a warning', async (_, mode) => {
    const bytes = buildZip([{ name: '-', content: 'piped', mode }]);
    const { files, oddities } = await expectUnpacked(await tempDir(), bytes);
    expect(files).toEqual({ '-': 'piped' });
    expect(oddities).toEqual(['ChestDx-1.zip: a file is marked as a pipe: -; this is harmless']);
  });

  it('setuid, sticky and 0000 are not taken over', async () => {
    const base = await tempDir();
    const place = await placeArchive(
      base,
      buildZip([
        { name: 'suid', content: '1', mode: 0o107777 },
        { name: 'none', content: '2', mode: 0o100000 },
      ]),
    );
    expect((await unpack(place)).error).toBeUndefined();
    for (const name of ['suid', 'none']) {
      const { mode } = await stat(join(place.images, name));
      expect(mode & 0o7777 & ~0o644).toBe(0);
      expect(mode & 0o400).toBe(0o400);
    }
  });
});

describe('#103 folders that are none', () => {
  it.each<[string, ZipMember, string]>([
    ['a folder with content', { name: 'd/', content: 'x' }, 'd/: folder-with-content'],
    ['a folder by mode', { name: 'd', mode: 0o040755 }, 'd: folder-or-file'],
    ['a folder by attribute', { name: 'd', attributes: 0x10 }, 'd: folder-or-file'],
  ])('%s is refused', async (_, member, reason) => {
    expect(await reasonsOf(member)).toEqual([reason]);
  });

  it('a folder marked as a file, and a packed one of no length, are taken for folders', async () => {
    const { files, oddities } = await expectUnpacked(
      await tempDir(),
      buildZip([{ name: 'd/', mode: 0o100644 }, { name: 'e/', method: 8 }, { ...GOOD }]),
    );
    expect(files).toEqual({ 'patient1_000.jpg': 'an image' });
    expect(oddities).toEqual([expect.stringContaining('a folder is marked as a file: d/')]);
  });
});

it('#104 a duplicate name is refused, unless it has the same bytes', async () => {
  const [one, other] = [{ content: 'one' }, { content: 'two' }];
  const name = 'a.jpg';
  expect(await reasonsOf({ name, ...one }, { name, ...other })).toEqual(['a.jpg: duplicate-name']);
  const packedOtherwise = { name, ...one, method: 0 };
  expect(await reasonsOf({ name, ...one }, packedOtherwise)).toEqual(['a.jpg: duplicate-name']);
  // With the same CRC-32 and sizes, as they are declared.
  const forged = { name, ...other, crc32: crc32('one'), method: 0 };
  expect(await reasonsOf({ ...packedOtherwise }, forged)).toEqual(['a.jpg: duplicate-name']);
});

it('#105 a file that is a folder as well is refused', async () => {
  expect(await reasonsOf(...named('a', 'a/b'))).toEqual(['a: folder-or-file']);
  expect(await reasonsOf(...named('A/b', 'a'))).toEqual(['a: folder-or-file']);
  expect(await reasonsOf({ name: 'f/' }, ...named('f'))).toEqual(['f: folder-or-file']);
});

it('#106 empty names are refused', async () => {
  expect(await reasonsOf(...named('', '.', 'a/.', './../a', 'a/./../../b'))).toEqual([
    '(a member without a name): no-name',
    '.: empty-path-part',
    'a/.: empty-path-part',
    '../a: path-traversal',
    'a/../../b: path-traversal',
  ]);
});

it('#106 "./" in front of every path, as bsdtar writes it, does no harm', async () => {
  const members = [{ name: './' }, { name: './sub/' }, ...named('./sub/a.jpg', './b.jpg')];
  const { files, oddities } = await expectUnpacked(await tempDir(), buildZip(members));
  expect(files).toEqual({ 'sub/a.jpg': 'x', 'b.jpg': 'x' });
  expect(oddities).toEqual([]);
  const twice = [{ name: './a' }, { name: 'a', content: 'other' }];
  expect(await reasonsOf(...twice)).toEqual(['a: duplicate-name']);
});

it('#107 names that differ by case alone are refused', async () => {
  expect(
    await reasonsOf(...named('A.txt', 'a.txt', 'Dir/1', 'dir/2', 'STRASSE', 'straße')),
  ).toEqual(['a.txt: clashing-names', 'dir: clashing-names', 'straße: clashing-names']);
});

it('#108 names that differ by the spelling of a letter alone are refused', async () => {
  expect(
    await reasonsOf(...named('é.jpg', 'e\u0301.jpg', 'ﬁ.jpg', 'fi.jpg', 'K', '\u212a')),
  ).toEqual(['e\u0301.jpg: clashing-names', 'fi.jpg: clashing-names', '\u212a: clashing-names']);
});

describe('#109 names that some system keeps or changes', () => {
  it.each([
    'CON.jpg',
    'aux.txt.jpg',
    'COM1.png',
    'COM¹.jpg',
    'lpt9.tar.jpeg',
    'nul.DCM',
    'a/PRN/b.jpg',
    'CON .jpg',
    'conin$.jpg',
  ])('%s is refused', async (name) => {
    expect(await reasonsOf(...named(name))).toEqual([`${name}: device-name`]);
  });

  it.each(['dot.jpg.', 'blank.jpg ', 'a./b.jpg', 'a /b.jpg', '.../b.jpg'])(
    '"%s" is refused',
    async (name) => {
      expect(await reasonsOf(...named(name))).toEqual([`${name}: trailing-dot-or-space`]);
    },
  );

  it.each(['<', '>', '"', '|', '?', '*'])('%s in a name is refused', async (sign) => {
    const name = `a${sign}b.jpg`;
    expect(await reasonsOf(...named(name))).toEqual([`${name}: forbidden-character`]);
  });

  it.each(['contact.jpg', 'com.jpg', 'COM10.jpg', 'aux1', '.hidden', 'a b', '~x', 'null'])(
    '%s is nothing of the kind',
    async (name) => {
      const { files } = await expectUnpacked(await tempDir(), buildZip(named(name)));
      expect(files).toEqual({ [name]: 'x' });
    },
  );
});

it('#110 control and invisible characters are refused, and shown as what they are', async () => {
  const signs = ['\0', '\x1b[2J', '\n', '\x7f', '\u202e', '\u200b', '\u200d', '\u0085'];
  const shown = ['\\x00', '\\x1b[2J', '\\x0a', '\\x7f', '\\u202e', '\\u200b', '\\u200d', '\\x85'];
  expect(await reasonsOf(...named(...signs.map((sign) => `a${sign}b.jpg`)))).toEqual(
    shown.map((sign) => `a${sign}b.jpg: control-characters`),
  );
  // What a program in C reads to the zero, and what another one takes for an image.
  expect(await reasonsOf(...named('a.jpg\0.txt', 'b.jpg\r'))).toHaveLength(2);
  const hiddenInOldCode = { name: Buffer.from('\x80\xff\x1b.jpg', 'latin1'), flags: 0 };
  expect(await reasonsOf(hiddenInOldCode)).toHaveLength(1);
});

it('#111 names that promise UTF-8 and are none are refused', async () => {
  const names = ['\xff\xfe.jpg', '\xc3\x28.jpg'].map((name) => Buffer.from(name, 'latin1'));
  const reasons = await reasonsOf(...names.map((name) => ({ name, flags: 0x800 })));
  expect(reasons).toHaveLength(2);
  for (const reason of reasons) expect(reason).toContain('not-utf-8');
});

describe('#112 names in an old code, without the UTF-8 flag, are unpacked with a warning', () => {
  it.each([
    ['GBK, as Chinese archivers write it', 'd5d5c6ac2e6a7067', '照片.jpg', 'read as GBK'],
    [
      'UTF-8 that does not say so',
      Buffer.from('照片.jpg').toString('hex'),
      '照片.jpg',
      'a UTF-8 name',
    ],
    ['CP437, the format’s own', '52946e.ff'.replace('.', ''), 'R\u00f6n\u00a0', 'read as CP437'],
  ])('%s', async (_, hex, name, why) => {
    const member = { name: Buffer.from(hex, 'hex'), flags: 0, content: 'x' };
    const { files, oddities } = await expectUnpacked(await tempDir(), buildZip([member]));
    expect(files).toEqual({ [name]: 'x' });
    expect(oddities).toEqual([expect.stringContaining(why)]);
  });

  it('and clash where they mean the same', async () => {
    const gbk = { name: Buffer.from('d5d5c6ac2e6a7067', 'hex'), flags: 0, content: 'x' };
    const reasons = await reasonsOf(gbk, { name: '照片.jpg', content: 'y' });
    expect(reasons).toEqual(['照片.jpg: duplicate-name']);
  });
});

it('#131 names that mean something to JavaScript are plain files', async () => {
  const names = ['__proto__', 'constructor/x', 'toString', 'hasOwnProperty'];
  const { files } = await expectUnpacked(await tempDir(), buildZip(named(...names)));
  expect(Object.entries(files).sort()).toEqual(names.map((name) => [name, 'x']).sort());
});

it('#81 #129 paths that are too long or too deep for some system are refused', async () => {
  const deep = `${'d/'.repeat(64)}x.jpg`;
  const reasons = await reasonsOf(
    ...named(
      `${'n'.repeat(256)}.jpg`,
      `${'ü'.repeat(128)}.jpg`,
      `${'p/'.repeat(520)}x.jpg`,
      `${'d/'.repeat(3000)}x.jpg`,
      deep,
    ),
  );
  expect(reasons.map((reason) => reason.replace(/^.*: /, ''))).toEqual([
    'name-too-long',
    'name-too-long',
    'path-too-long',
    'path-too-long',
    'path-too-deep',
  ]);
  const longest = [`${'d/'.repeat(63)}x`, 'n'.repeat(255)];
  const { files } = await expectUnpacked(await tempDir(), buildZip(named(...longest)));
  expect(Object.keys(files).sort()).toEqual([...longest].sort());
});

it('lists twenty reasons, and says how many more there are', async () => {
  const reasons = await reasonsOf(...named(...Array.from({ length: 50 }, (_, i) => `../${i}`)));
  expect(reasons).toHaveLength(21);
  expect(reasons[20]).toBe('and 30 more');
});
