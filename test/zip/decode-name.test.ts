import { describe, expect, it } from 'vitest';
import { decodeName } from '../../src/zip/decode-name.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, expectRefused, expectUnpacked } from '../support/unpack.ts';
import { type ZipMember, buildZip, unicodePath } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

async function reasonsOf(...members: readonly ZipMember[]): Promise<readonly string[]> {
  const bytes = buildZip([{ name: 'patient1_000.jpg', content: 'an image' }, ...members]);
  return codesOf(await expectRefused(await tempDir(), bytes, 'unsafe-archive'));
}

describe('a path is read in one form', () => {
  const [DOS, UNIX] = [0, 3];
  const BACKSLASHES = 'has backslashes in its name, read as folders';
  const ABSOLUTE = 'has an absolute path, read as one within the archive';
  const EMPTY = 'has empty parts in its path';
  const MARK = 'has a byte-order mark in front of its name';

  it.each<[string, number, string, readonly string[]]>([
    ['a/b.jpg', UNIX, 'a/b.jpg', []],
    ['./a/b.jpg', UNIX, 'a/b.jpg', []],
    ['./', UNIX, './', []],
    ['././a/', UNIX, 'a/', []],
    ['a//b.jpg', UNIX, 'a/b.jpg', [EMPTY]],
    ['a/./b.jpg', UNIX, 'a/b.jpg', [EMPTY]],
    ['a/.', UNIX, 'a/.', []],
    ['/a/b.jpg', UNIX, 'a/b.jpg', [ABSOLUTE]],
    ['//a/b.jpg', UNIX, 'a/b.jpg', [ABSOLUTE]],
    ['/', UNIX, './', [ABSOLUTE]],
    ['a/.b/c..', UNIX, 'a/.b/c..', []],
    ['../a', UNIX, '../a', []],
    ['a\\b.jpg', UNIX, 'a\\b.jpg', []],
    ['a\\b.jpg', DOS, 'a/b.jpg', [BACKSLASHES]],
    ['a/b\\c.jpg', DOS, 'a/b/c.jpg', [BACKSLASHES]],
    ['.\\a\\', DOS, 'a/', [BACKSLASHES]],
    ['\\a.jpg', DOS, 'a.jpg', [BACKSLASHES, ABSOLUTE]],
    ['\\\\server\\a.jpg', DOS, '\\\\server\\a.jpg', []],
    ['\ufeffa.jpg', UNIX, 'a.jpg', [MARK]],
    ['a/\ufeffb.jpg', UNIX, 'a/b.jpg', [MARK]],
    ['a\ufeffb.jpg', UNIX, 'a\ufeffb.jpg', []],
  ])('%j of system %i is %j', (written, host, name, warnings) => {
    const bytes = Buffer.from(written);
    expect(decodeName({ bytes, isUtf8: true, unicodePath: undefined, host })).toEqual({
      name,
      warnings,
    });
  });
});

describe('#97 a second name in the Unicode path field', () => {
  const gbk = Buffer.from('d5d5c6ac2e6a7067', 'hex');

  it('with ".." in it is refused, whatever the plain one is', async () => {
    for (const name of ['plain.jpg', gbk]) {
      for (const path of ['../../evil', '..', '../照片.jpg']) {
        const reasons = await reasonsOf({ name, flags: 0, extra: unicodePath(path, name) });
        expect(reasons).toEqual([`${path}: path-traversal`]);
      }
    }
  });

  it('does not hide a plain one with ".." in it', async () => {
    const reasons = await reasonsOf({ name: '../x', extra: unicodePath('good.jpg', '../x') });
    expect(reasons).toEqual(['../x: path-traversal']);
  });

  it('beside one that is declared as UTF-8, or of a folder beside a file, is refused', async () => {
    const [name, folder] = ['plain.jpg', 'folder/'];
    const declared = { name, flags: 0x800, extra: unicodePath('other.jpg', name) };
    expect(await reasonsOf(declared)).toEqual(['plain.jpg: second-name']);
    const file = { name: folder, extra: unicodePath('folder', folder) };
    expect(await reasonsOf(file)).toEqual(['folder/: second-name']);
  });

  it('that only the header in front of the member has is refused', async () => {
    const name = 'plain.jpg';
    const reasons = await reasonsOf({ name, local: { extra: unicodePath('other.jpg', name) } });
    expect(reasons).toEqual(['plain.jpg: header-mismatch']);
  });

  it('one that says the same, or the name that the plain one can not, is taken', async () => {
    const { files, oddities } = await expectUnpacked(
      await tempDir(),
      buildZip([
        { name: 'same.jpg', content: '1', extra: unicodePath('same.jpg', 'same.jpg') },
        { name: gbk, flags: 0, content: '2', extra: unicodePath('Röntgen.jpg', gbk) },
        { name: 'stale.jpg', content: '3', extra: unicodePath('../x.jpg', 'of another name') },
      ]),
    );
    expect(files).toEqual({ 'same.jpg': '1', 'Röntgen.jpg': '2', 'stale.jpg': '3' });
    expect(oddities).toEqual([
      expect.stringContaining('has its name in a Unicode path field: Röntgen.jpg'),
      expect.stringContaining('has a Unicode path field that is ignored: stale.jpg'),
    ]);
  });
});
