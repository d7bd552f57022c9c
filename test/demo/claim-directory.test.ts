import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { claimDirectory } from '../../src/demo/claim-directory.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { composeRelease } from '../../scripts/release/make-release.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function manifestOf(seed: string): Promise<Manifest> {
  const spec = { seed, archives: [{ name: 'Normal-1', images: 1 }] };
  const { manifest } = await composeRelease(spec, async (_, chunks) => {
    await buffer(chunks);
  });
  return manifest;
}

/** What a check leaves that this archive has passed. */
async function passNormal1(dest: string, md5: string): Promise<void> {
  const receipt = { name: 'Normal-1.zip', bytes: 1, md5, mtimeMs: 0, status: 'verified' } as const;
  const checkedAt = new Date().toISOString();
  await new Ledger(layoutOf(dest).ledger).writeReceipt({ ...receipt, checkedAt });
}

describe('claimDirectory', () => {
  it('takes a directory that is absent or empty, and puts its manifest there', async () => {
    const manifest = await manifestOf('a');
    const empty = await tempDir();
    for (const dest of [empty, join(empty, 'new', 'demo')]) {
      const path = await claimDirectory(dest, manifest);
      expect(path).toBe(join(dest, '.ccxri', 'demo-manifest.json'));
      expect(await loadManifest(path)).toEqual(manifest);
      await expect(claimDirectory(dest, manifest)).resolves.toBe(path);
    }
  });

  it('takes what a demo left that was stopped while it began', async () => {
    const dest = await tempDir();
    await writeTree(dest, { '.ccxri/.0123456789ab.tmp': '{' });
    await expect(claimDirectory(dest, await manifestOf('a'))).resolves.toBeTypeOf('string');
  });

  it.each([
    'archives/ChestDx-40.zip',
    'labels/chest_dx.csv',
    'my-notes.txt',
    '.ccxri/partial/ChestDx-1.zip.part',
    '.ccxri/ledger/ChestDx-40.json',
  ])('leaves a directory alone that holds %s', async (path) => {
    const dest = await tempDir();
    await writeTree(dest, { [path]: 'somebody needs this' });
    const before = await listTree(dest);
    await expect(claimDirectory(dest, await manifestOf('a'))).rejects.toMatchObject({
      code: 'usage',
      facts: { path: dest, kept: 'everything, unchanged' },
      next: [{ kind: 'option', option: 'dest' }],
    });
    expect(await listTree(dest)).toEqual(before);
    expect(await readFile(join(dest, path), 'utf8')).toBe('somebody needs this');
  });

  it('takes the directory of a demo with other bytes, but not if real files came in since', async () => {
    const [older, newer] = [await manifestOf('older'), await manifestOf('newer')];
    const dest = await tempDir();
    await claimDirectory(dest, older);
    await passNormal1(dest, older.files[0]!.md5);
    const path = await claimDirectory(dest, newer);
    expect(await loadManifest(path)).toEqual(newer);

    await passNormal1(dest, 'f'.repeat(32));
    await expect(claimDirectory(dest, newer)).rejects.toMatchObject({ code: 'usage' });
  });

  it('does not trust a manifest that can not be read', async () => {
    const dest = await tempDir();
    await mkdir(join(dest, '.ccxri'));
    await writeFile(join(dest, '.ccxri', 'demo-manifest.json'), '{}');
    await expect(claimDirectory(dest, await manifestOf('a'))).rejects.toMatchObject({
      code: 'usage',
    });
  });

  it('says so where a file lies', async () => {
    const dest = join(await tempDir(), 'file');
    await writeFile(dest, '');
    await expect(claimDirectory(dest, await manifestOf('a'))).rejects.toMatchObject({
      code: 'not-writable',
    });
  });
});
