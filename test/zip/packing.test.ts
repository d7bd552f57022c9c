import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { CcxriError } from '../../src/errors.ts';
import { unreadPackingOf } from '../../src/zip/packing.ts';
import { nextSaying } from '../support/matchers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { codesOf, expectRefused } from '../support/unpack.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const run = promisify(execFile);
const tempDir = useTempDirs();

const A: ZipMember = { name: 'a.jpg', content: 'image a '.repeat(20) };
const B: ZipMember = { name: 'b.jpg', content: 'image b '.repeat(20), method: 0 };

async function refusal(...members: readonly ZipMember[]): Promise<CcxriError> {
  return expectRefused(await tempDir(), buildZip(members), 'damaged-archive');
}

describe('#125 #202 encryption is named', () => {
  it.each([
    ['ZipCrypto', { flags: 0x1 }],
    ['strong encryption', { flags: 0x41 }],
    ['strong encryption', { flags: 0x40 }],
    ['strong encryption', { flags: 0x2000 }],
    ['AES', { flags: 1, method: 99, extra: Buffer.from('0199070002004145030800', 'hex') }],
  ])('%s', async (name, facts) => {
    const error = await refusal(A, { ...B, ...facts });
    expect(error.message).toBe(`ChestDx-1.zip is encrypted (${name}), which ccxri does not read`);
    expect(codesOf(error)).toEqual(['b.jpg: encrypted']);
  });
});

describe('#126 #202 another way to compress is named, with the tools that read it', () => {
  it.each([
    [9, 'deflate64', 'with 7z or unzip into images/ChestDx-1'],
    [12, 'bzip2', 'with 7z or bsdtar into images/ChestDx-1'],
    [14, 'LZMA', 'with 7z or bsdtar'],
    [93, 'Zstandard', 'with 7z or bsdtar'],
    [95, 'xz', 'with 7z or bsdtar'],
    [98, 'PPMd', 'with 7z or bsdtar'],
    [5, 'method 5', 'ask its publisher'],
    [77, 'method 77', 'ask its publisher'],
  ])('method %i: %s', async (method, name, next) => {
    const error = await refusal(A, { ...B, method });
    expect(error.message).toBe(`ChestDx-1.zip is packed by ${name}, which ccxri does not read`);
    expect(codesOf(error)).toEqual(['b.jpg: compression-method']);
    expect(error.next).toEqual(nextSaying(next));
  });

  it('counts less than what is unsafe', async () => {
    const bytes = buildZip([
      { ...A, method: 9 },
      { ...B, name: '../b.jpg' },
    ]);
    const error = await expectRefused(await tempDir(), bytes, 'unsafe-archive');
    expect(codesOf(error)).toEqual(['../b.jpg: path-traversal']);
  });
});

describe('#202 the tools that are named', () => {
  const content = 'image '.repeat(5000);
  /** How each unpacks `packed.zip` into `out`, with the password where there is one. */
  const COMMANDS: Readonly<Record<string, readonly string[]>> = {
    '7z': ['x', '-bd', '-psecret', '-oout', 'packed.zip'],
    bsdtar: ['--passphrase', 'secret', '-xf', 'packed.zip', '-C', 'out'],
    unzip: ['-q', '-P', 'secret', 'packed.zip', '-d', 'out'],
  };

  async function makePacked(directory: string, args: readonly string[]): Promise<void> {
    await mkdir(join(directory, 'out'));
    await writeFile(join(directory, 'a.jpg'), content);
    await run('7z', ['a', '-bd', ...args, 'packed.zip', 'a.jpg'], { cwd: directory });
  }

  it.each<[string, readonly string[], number, number]>([
    ['deflate64', ['-mm=Deflate64'], 9, 0],
    ['bzip2', ['-mm=BZip2'], 12, 0],
    ['LZMA', ['-mm=LZMA'], 14, 0],
    ['xz', ['-mm=xz'], 95, 0],
    ['PPMd', ['-mm=PPMd'], 98, 0],
    ['AES', ['-psecret', '-mem=AES256'], 99, 1],
    ['ZipCrypto', ['-psecret', '-mem=ZipCrypto'], 8, 1],
  ])('read what 7z packs by %s, and ccxri names that', async (name, args, method, flags) => {
    const directory = await tempDir();
    await makePacked(directory, args);
    const packing = unreadPackingOf({ method, flags });
    const bytes = await readFile(join(directory, 'packed.zip'));
    const { message } = await expectRefused(await tempDir(), bytes, 'damaged-archive');
    expect(message).toContain(packing?.how);
    expect(message).toContain(name);
    for (const tool of packing?.tools ?? []) {
      await run(tool, [...(COMMANDS[tool] ?? [])], { cwd: directory });
      expect(await readFile(join(directory, 'out', 'a.jpg'), 'latin1')).toBe(content);
      await rm(join(directory, 'out', 'a.jpg'));
    }
  });
});
