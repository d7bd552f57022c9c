import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errnoOf } from '../../src/errors.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, contentsBelow, expectRefused, expectUnpacked } from '../support/unpack.ts';
import { type ZipMember, buildZip, unicodePath } from '../support/zip-builder.ts';

const run = promisify(execFile);
const tempDir = useTempDirs();

const IMAGE: ZipMember = { name: 'patient1_000.jpg', content: 'an image' };
const GBK = Buffer.from('d5d5c6ac2e6a7067', 'hex');

async function reasonsOf(...members: readonly ZipMember[]): Promise<readonly string[]> {
  const bytes = buildZip([IMAGE, ...members]);
  return codesOf(await expectRefused(await tempDir(), bytes, 'unsafe-archive'));
}

const unpacked = async (bytes: Buffer) => expectUnpacked(await tempDir(), bytes);

describe('#199 names with backslashes', () => {
  const named = (host: number): readonly ZipMember[] => [
    { name: 'Normal-1\\sub\\', host },
    { name: 'Normal-1\\patient2_000.jpg', content: 'two', host },
    { name: 'Normal-1\\sub\\patient3_000.jpg', content: 'three', host },
  ];

  it.each([0, 10, 11, 14])('of system %i are read as folders, with a warning', async (host) => {
    const { files, oddities } = await unpacked(buildZip(named(host)));
    expect(files).toEqual({ 'patient2_000.jpg': 'two', 'sub/patient3_000.jpg': 'three' });
    expect(oddities).toEqual([expect.stringContaining('has backslashes in its name')]);
  });

  it.each([3, 19])('of system %i, where they are letters, are refused', async (host) => {
    expect(await reasonsOf(...named(host).slice(1))).toEqual([
      'Normal-1\\patient2_000.jpg: backslash',
      'Normal-1\\sub\\patient3_000.jpg: backslash',
    ]);
  });

  it('are judged as the path that they make', async () => {
    const twin = { name: 'A\\b.jpg', content: 'x' };
    expect(await reasonsOf({ name: 'a/b.jpg', content: 'y' }, twin)).toEqual([
      'A/b.jpg: clashing-names',
      'A: clashing-names',
    ]);
    expect(await reasonsOf({ name: 'a\\CON\\b.jpg' })).toEqual(['a/CON/b.jpg: device-name']);
    expect(await reasonsOf({ name: 'a\\..\\..\\b.txt' })).toEqual([
      'a/../../b.txt: path-traversal',
    ]);
  });
});

describe('#200 a stray file of a name that some system can not have', () => {
  const NAMES: readonly (readonly [string, string])[] = [
    ['notes.', 'ends in a dot'],
    ['blank ', 'ends in a dot or space'],
    ['aux.txt', 'has a name that Windows reserves'],
    ['CON', 'has a name that Windows reserves'],
    ['a<b.txt', 'has a "<" in its name'],
    ['what?.md', 'has a "?" in its name'],
    ['Icon\r', 'has control or invisible characters'],
    ['__MACOSX/._Icon\r', 'has control or invisible characters'],
    ['a\0b', 'has control or invisible characters'],
    ['a\u200db.txt', 'has control or invisible characters'],
    [`${'n'.repeat(256)}.txt`, 'has a name of more than 255 bytes'],
    [`${'d/'.repeat(64)}x`, 'is more than 64 folders deep'],
    [`${'d/'.repeat(600)}x`, 'has a path of more than 1024 bytes'],
  ];

  it.each(NAMES)('%j is left out, with a warning', async (name, why) => {
    const stray = { name, content: 'a stray', flags: 0x800 };
    const { files, oddities } = await unpacked(buildZip([IMAGE, stray, { ...IMAGE, name: 'b' }]));
    expect(files).toEqual({ 'patient1_000.jpg': 'an image', b: 'an image' });
    expect(oddities).toEqual([
      expect.stringContaining(`a file that is no image is left out: it ${why}`),
    ]);
  });

  it('is listed, with what is wrong', async () => {
    const notUtf8 = { name: Buffer.from('\xff\xfe.txt', 'latin1'), flags: 0x800 };
    const folders = [{ name: 'aux/' }, { name: 'aux/readme.txt', content: 'x' }];
    const bytes = buildZip([{ name: 'Icon\r', content: 'icon' }, IMAGE, notUtf8, ...folders]);
    const { members, skipped, totalBytes } = await readDirectory(bufferReader(bytes), {
      file: 'x.zip',
    });
    expect(members.map(({ name }) => name)).toEqual(['patient1_000.jpg']);
    expect(totalBytes).toBe(8);
    expect(skipped.map(({ name, size, reason }) => [name, size, reason])).toEqual([
      ['Icon\\x0d', 4, 'has control or invisible characters in its name'],
      ['\ufffd\ufffd.txt', 0, 'has a name that is not UTF-8, though flagged as such'],
      ['aux/readme.txt', 1, 'has a name that Windows reserves for a device'],
    ]);
  });

  it('may be packed in any way', async () => {
    const { files } = await unpacked(buildZip([IMAGE, { name: 'notes.', method: 9 }]));
    expect(files).toEqual({ 'patient1_000.jpg': 'an image' });
  });

  it('does not count as all that an archive holds', async () => {
    const bytes = buildZip([{ name: 'notes.', content: 'x' }]);
    const { message } = await expectRefused(await tempDir(), bytes, 'damaged-archive');
    expect(message).toContain('it holds no file');
  });

  it.each([
    ['notes.jpg.', 'trailing-dot-or-space'],
    ['aux.PNG', 'device-name'],
    ['a<b.jpeg', 'forbidden-character'],
    ['CON/a.dcm', 'device-name'],
    ['a.jpg\r', 'control-characters'],
    ['../notes.', 'path-traversal'],
    ['\0/../x', 'control-characters'],
    ['a\\..\\x.', 'backslash'],
    ['C:notes.', 'absolute-path'],
    ['a.txt:stream', 'forbidden-character'],
    ['', 'no-name'],
  ])('%j is none: it is an image, or leads elsewhere, and is refused', async (name, why) => {
    const [reason] = await reasonsOf({ name, content: 'x', host: 3 });
    expect(reason).toContain(`: ${why}`);
  });

  it('is refused where it is a link', async () => {
    const [reason] = await reasonsOf({ name: 'notes.', content: '/etc/passwd', mode: 0o120777 });
    expect(reason).toBe('notes.: link');
  });
});

describe('#201 what every unpacker reads alike', () => {
  const PATHS = ['./a/1.jpg', 'b//2.jpg', '/c/3.jpg', 'd/./4.jpg', '//e/5.jpg'];
  const marker = (text: string) => ({ prefix: Buffer.from(text, 'latin1') });

  /** The archive, what it is unpacked to, and programs that do the same. */
  const ARCHIVES: readonly (readonly [string, Buffer, readonly string[], readonly string[]])[] = [
    [
      'spellings of a path',
      buildZip(PATHS.map((name) => ({ name, content: name }))),
      ['a/1.jpg', 'b/2.jpg', 'c/3.jpg', 'd/4.jpg', 'e/5.jpg'],
      ['unzip', '7z', 'bsdtar', 'python3'],
    ],
    [
      'backslashes from DOS',
      buildZip([{ name: 'a\\1.jpg' }, { name: 'b\\2.jpg' }]),
      ['a/1.jpg', 'b/2.jpg'],
      ['unzip', 'bsdtar'],
    ],
    [
      'backslashes from NTFS',
      buildZip([10, 11, 14].map((host) => ({ name: `${host}\\a.jpg`, host }))),
      ['10/a.jpg', '11/a.jpg', '14/a.jpg'],
      ['bsdtar'],
    ],
    [
      'the Unicode path field',
      buildZip([
        { name: 'plain.jpg', extra: unicodePath('other.jpg', 'plain.jpg') },
        { name: GBK, flags: 0, extra: unicodePath('照片.jpg', GBK) },
        { name: 'deep.jpg', extra: unicodePath('a/b/c.jpg', 'deep.jpg') },
      ]),
      ['a/b/c.jpg', 'other.jpg', '照片.jpg'],
      ['unzip', '7z', 'bsdtar'],
    ],
    [
      'the same member twice',
      buildZip([IMAGE, { name: 'b.jpg' }, IMAGE]),
      ['b.jpg', 'patient1_000.jpg'],
      ['unzip', '7z', 'bsdtar', 'python3'],
    ],
    [
      'a folder with a size and the mode of a file',
      buildZip([{ name: 'd/', size: 4096, packed: Buffer.alloc(0), mode: 0o100644 }, IMAGE]),
      ['patient1_000.jpg'],
      ['unzip', '7z', 'bsdtar', 'python3'],
    ],
    [
      'a marker of split archives',
      buildZip([IMAGE], { ...marker('PK\x07\x08'), offsetsCountPrefix: true }),
      ['patient1_000.jpg'],
      ['unzip', '7z', 'bsdtar', 'python3'],
    ],
    [
      'a marker of split archives that are one file',
      buildZip([IMAGE], { ...marker('PK00'), offsetsCountPrefix: true }),
      ['patient1_000.jpg'],
      ['unzip', '7z', 'bsdtar', 'python3'],
    ],
    [
      'emoji with joiners',
      buildZip([{ name: '\u{1f468}\u200d\u2695\ufe0f.jpg' }, { name: 'می\u200cخواهم.jpg' }]),
      ['می\u200cخواهم.jpg', '\u{1f468}\u200d\u2695\ufe0f.jpg'],
      ['7z', 'bsdtar', 'python3'],
    ],
  ];

  it.each(ARCHIVES)('%s', async (_, bytes, names) => {
    const { files } = await unpacked(bytes);
    expect(Object.keys(files)).toEqual(names);
  });

  const UNPACK: Readonly<Record<string, (path: string, into: string) => readonly string[]>> = {
    unzip: (path, into) => ['-qo', path, '-d', into],
    '7z': (path, into) => ['x', '-y', '-bd', `-o${into}`, path],
    bsdtar: (path, into) => ['-xf', path, '-C', into],
    python3: (path, into) => ['-m', 'zipfile', '-e', path, into],
  };

  it.for(
    ARCHIVES.flatMap(([what, bytes, , tools]) => tools.map((tool) => ({ tool, what, bytes }))),
  )('$tool reads $what as ccxri does', async ({ tool, bytes }, context) => {
    const base = await tempDir();
    const [path, into] = [join(base, 'a.zip'), join(base, 'out')];
    await writeFile(path, bytes);
    await mkdir(into);
    const args = UNPACK[tool]?.(path, into) ?? [];
    const failure: unknown = await run(tool, [...args]).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (errnoOf(failure) === 'ENOENT') return context.skip(`this machine has no ${tool}`);
    // unzip ends with 1 after a warning.
    if (failure !== undefined) expect(failure).toMatchObject({ code: 1 });
    const { members } = await readDirectory(bufferReader(bytes), { file: 'x.zip' });
    const found = Object.keys(await contentsBelow(into));
    expect(found.sort()).toEqual(members.map(({ name }) => name).sort());
  });

  it('a byte-order mark in front of a name is no part of it', async () => {
    const members = [{ name: '\ufeffpatient2_000.jpg' }, { name: 'a/\ufeffb.jpg' }];
    const { files, oddities } = await unpacked(buildZip(members));
    expect(Object.keys(files)).toEqual(['a/b.jpg', 'patient2_000.jpg']);
    expect(oddities).toEqual([expect.stringContaining('has a byte-order mark')]);
  });

  it('other bytes in front of an archive are still warned of', async () => {
    const { oddities } = await unpacked(buildZip([IMAGE], marker('PK01')));
    expect(oddities).toEqual([expect.stringContaining('bytes in front of its first member')]);
  });

  it('names that differ by a joiner alone would be one file', async () => {
    const [joined, bare] = ['é\u200dé.jpg', 'éé.jpg'];
    expect(await reasonsOf({ name: joined }, { name: bare })).toEqual([`${bare}: clashing-names`]);
  });
});
