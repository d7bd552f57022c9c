import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { contentsBelow, placeArchive, unpack } from '../support/unpack.ts';

const run = promisify(execFile);
const tempDir = useTempDirs();

const CONTENTS: Readonly<Record<string, string>> = {
  'patient1_000.jpg': 'image '.repeat(500),
  'patient1_001.jpg': '',
  'fab922a8-736e-4cb5-a666-4fd849a3049a.txt': 'the stray file',
  'sub/patient2_000.jpg': 'deeper',
};

async function hasTool(tool: string): Promise<boolean> {
  try {
    await run('sh', ['-c', `command -v ${tool}`]);
    return true;
  } catch {
    console.warn(`skipped: this machine has no ${tool}`);
    return false;
  }
}

/** Ways to pack `ChestDx-1/` (or what is in it) that people use. */
const WAYS: readonly [string, string, readonly string[], string][] = [
  ['zip -r, with the folder', 'zip', ['-qr', '../out.zip', 'ChestDx-1'], '.'],
  ['zip -r, without it', 'zip', ['-qr', '../../out.zip', '.'], 'ChestDx-1'],
  ['zip -r0', 'zip', ['-qr0', '../out.zip', 'ChestDx-1'], '.'],
  ['zip -rX -D, without folder entries', 'zip', ['-qrXD', '../out.zip', 'ChestDx-1'], '.'],
  ['zip -fz, always zip64', 'zip', ['-qr', '-fz', '../out.zip', 'ChestDx-1'], '.'],
  ['zip -fd, with data descriptors', 'zip', ['-qr', '-fd', '../out.zip', 'ChestDx-1'], '.'],
  ['bsdtar', 'bsdtar', ['--format', 'zip', '-cf', '../out.zip', 'ChestDx-1'], '.'],
  [
    'bsdtar, without the folder',
    'bsdtar',
    ['--format', 'zip', '-cf', '../../out.zip', '.'],
    'ChestDx-1',
  ],
  ['7z', '7z', ['a', '-bd', '../out.zip', 'ChestDx-1'], '.'],
  ['python', 'python3', ['-m', 'zipfile', '-c', '../out.zip', 'ChestDx-1'], '.'],
];

describe('archives of real tools', () => {
  for (const [name, tool, args, below] of WAYS) {
    it(`${name}: unpacked without a word`, async (context) => {
      if (!(await hasTool(tool))) return context.skip();
      const base = await tempDir();
      const root = join(base, 'in');
      await writeTree(join(root, 'ChestDx-1'), CONTENTS);
      await run(tool, [...args], { cwd: join(root, below) });
      const place = await placeArchive(await tempDir(), await readFile(join(base, 'out.zip')));
      const { result, error, oddities } = await unpack(place);
      expect(error).toBeUndefined();
      expect(await contentsBelow(place.images)).toEqual(CONTENTS);
      expect(result).toMatchObject({ members: 4, did: 'extracted' });
      expect(oddities).toEqual([]);
    });
  }

  it('zip from a pipe: unpacked, with the one file that it is', async (context) => {
    if (!(await hasTool('zip'))) return context.skip();
    const base = await tempDir();
    const zip = spawn('zip', ['-q', 'out.zip', '-'], {
      cwd: base,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    zip.stdin.end('what came through the pipe');
    await new Promise((resolve) => zip.on('close', resolve));
    const place = await placeArchive(await tempDir(), await readFile(join(base, 'out.zip')));
    const { error, oddities } = await unpack(place);
    expect(error).toBeUndefined();
    expect(await contentsBelow(place.images)).toEqual({ '-': 'what came through the pipe' });
    expect(oddities).toEqual([expect.stringContaining('marked as a pipe')]);
  });

  it('a link that zip -y keeps as one is refused', async (context) => {
    if (!(await hasTool('zip'))) return context.skip();
    const base = await tempDir();
    await mkdir(join(base, 'in'));
    await writeFile(join(base, 'in', 'a.jpg'), 'image');
    await run('ln', ['-s', '/etc/passwd', 'in/link'], { cwd: base });
    await run('zip', ['-qry', 'out.zip', 'in'], { cwd: base });
    const place = await placeArchive(await tempDir(), await readFile(join(base, 'out.zip')));
    expect((await unpack(place)).error).toMatchObject({ code: 'unsafe-archive' });
  });

  it('an encrypted archive is refused', async (context) => {
    if (!(await hasTool('zip'))) return context.skip();
    const base = await tempDir();
    await writeFile(join(base, 'a.jpg'), 'image');
    await run('zip', ['-q', '-P', 'secret', 'out.zip', 'a.jpg'], { cwd: base });
    const place = await placeArchive(await tempDir(), await readFile(join(base, 'out.zip')));
    const { error } = await unpack(place);
    expect(error).toMatchObject({ code: 'damaged-archive' });
    expect(String(error)).toContain('encrypted (ZipCrypto)');
  });
});
