import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readKept, resolveManifest } from '../../src/dataset/kept-manifest.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { RunEvent } from '../../src/events.ts';
import { BUNDLED_MANIFEST_PATH, loadManifest, readManifest } from '../../src/manifest/load.ts';
import { datasetStatus } from '../../src/status.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { nextSaying, saying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const manifest = manifestOf(a, b);

async function setUp() {
  const root = await tempDir();
  const mirror = join(root, 'mirror');
  await writeTree(mirror, { [a.name]: a.bytes, [b.name]: b.bytes });
  const dest = destIn(root);
  return { setup: { dest, manifest, sources: [mirror] }, layout: layoutOf(dest) };
}

describe('the manifest that a directory keeps', () => {
  it('is that of the fetch, as it was read, with a SHA-256 that sha256sum checks', async () => {
    const { setup, layout } = await setUp();
    const manifestText = `\n ${JSON.stringify(manifest)}  \n`;
    expect((await run({ ...setup, manifestText })).exit).toBe(0);
    expect(await readFile(layout.manifest, 'utf8')).toBe(manifestText);
    const told = execFileSync('sha256sum', ['-c', layout.manifestSum], { cwd: layout.state });
    expect(told.toString()).toBe('manifest.json: OK\n');
    expect(await readKept(layout)).toEqual({ kind: 'kept', manifest, text: manifestText });
  });

  it('is the JSON of a manifest that has no text, and what the library uses by default', async () => {
    const { setup, layout } = await setUp();
    await run(setup);
    expect(JSON.parse(await readFile(layout.manifest, 'utf8'))).toEqual(manifest);
    const { files } = await datasetStatus({ dest: setup.dest });
    expect(files.map(({ file, status }) => [file, status])).toEqual([
      [a.name, 'verified'],
      [b.name, 'verified'],
    ]);
  });

  it('is not written by a dry run, nor a second time', async () => {
    const { setup, layout } = await setUp();
    await run({ ...setup, dryRun: true });
    expect(await listTree(join(setup.dest, '..'))).toEqual([]);
    await run({ ...setup, manifestText: JSON.stringify(manifest) });
    await run(setup);
    expect(await readFile(layout.manifest, 'utf8')).toBe(JSON.stringify(manifest));
  });

  it('gives way to one that has the files that are here too, and to no other', async () => {
    const { setup, layout } = await setUp();
    await run({ ...setup, selection: { files: [a.name] } });
    const more = { ...manifest, version: 'more' };
    await run({ ...setup, manifest: more });
    expect(await readKept(layout)).toMatchObject({ kind: 'kept', manifest: more });
    const foreign = { [`archives/${a.name}`]: a.bytes };
    await run({ ...setup, manifest: manifestOf(b), foreign });
    expect(await readKept(layout)).toMatchObject({ kind: 'kept', manifest: more });
  });

  it('gives way to one that corrects the MD5 of a file which passed by its content', async () => {
    const { setup, layout } = await setUp();
    const disputed = { ...a.file, md5: 'a'.repeat(32), md5Disputed: 'shared' };
    const before = manifestOf({ ...a, file: disputed }, b);
    await run({ ...setup, manifest: before });
    expect(await readKept(layout)).toMatchObject({ kind: 'kept', manifest: before });
    expect((await run(setup)).outcomes).toEqual(['skipped', 'skipped']);
    expect(await readKept(layout)).toMatchObject({ kind: 'kept', manifest });
  });

  it('is the bundled one in a directory without', async () => {
    const dest = await tempDir();
    expect(await resolveManifest({ dest })).toEqual(await readManifest(BUNDLED_MANIFEST_PATH));
    expect(await readKept(layoutOf(dest))).toEqual({ kind: 'none' });
  });
});

describe('a kept manifest that can not be used', () => {
  it.each([
    ['changed', (path: string) => appendFile(path, '\n'), 'SHA-256 is not the one'],
    ['mangled', (path: string) => writeFile(path, '{"manif'), 'is wrong: is not JSON'],
    ['gone', (path: string) => rm(path), 'it is gone'],
    ['a directory', (path: string) => rm(path).then(() => mkdir(path)), 'it is a directory'],
  ] as const)('because it is %s: is said, and costs nothing else', async (_, spoil, why) => {
    const { setup, layout } = await setUp();
    await run(setup);
    await spoil(layout.manifest);
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => events.push(event);
    expect((await resolveManifest({ dest: setup.dest, onEvent })).manifest).toEqual(
      await loadManifest(),
    );
    expect(events).toEqual([
      {
        event: 'warning',
        code: 'manifest',
        message: saying(why),
        next: nextSaying('--manifest FILE'),
      },
    ]);
    expect((await run(setup)).outcomes).toEqual(['skipped', 'skipped']);
  });

  it('is replaced by the next fetch', async () => {
    const { setup, layout } = await setUp();
    await run(setup);
    await rm(layout.manifestSum);
    expect(await readKept(layout)).toEqual({ kind: 'unusable', why: 'its SHA-256 is gone' });
    await run(setup);
    expect(await readKept(layout)).toMatchObject({ kind: 'kept', manifest });
  });

  it.runIf(process.getuid?.() !== 0)('because it may not be read', async () => {
    const { setup, layout } = await setUp();
    await run(setup);
    await chmod(layout.manifest, 0);
    expect(await readKept(layout)).toMatchObject({ kind: 'unusable' });
  });

  it('does not end a fetch that could not write it', async () => {
    const { setup, layout } = await setUp();
    await mkdir(layout.manifest, { recursive: true });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['downloaded', 'downloaded']);
    expect(ran.events).toContainEqual(
      expect.objectContaining({ code: 'manifest', message: saying('is not kept') }),
    );
  });
});
