import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { checkInvariants } from '../support/invariants.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const LARGE = likeJpeg(noise('large', 2_500_000));
const MEMBERS: Readonly<Record<string, Buffer>> = {
  'patient1_000.jpg': likeJpeg(noise('1', 3000)),
  'patient2_000.jpg': Buffer.alloc(0),
  'patient3_000.jpg': likeJpeg(noise('3', 3000)).subarray(0, 2000),
  'patient4_000.JPG': Buffer.from('<html>busy</html>'),
  'patient5_000.jpg': LARGE,
  'patient6_000.jpg': LARGE.subarray(0, -9),
  'notes.txt': Buffer.from('no picture'),
};
const BROKEN = [
  { path: 'images/Normal-1/patient2_000.jpg', why: 'empty' },
  { path: 'images/Normal-1/patient3_000.jpg', why: 'cut' },
  { path: 'images/Normal-1/patient4_000.JPG', why: 'not-an-image' },
  { path: 'images/Normal-1/patient6_000.jpg', why: 'cut' },
];

async function make() {
  const zip = buildZip(Object.entries(MEMBERS).map(([name, content]) => ({ name, content })));
  const manifest = manifestOf(
    toSample('Normal-1.zip', zip, { kind: 'archive', category: 'N', subsets: ['normal'] }),
  );
  const root = await tempDir();
  await writeTree(root, {
    'set/archives/Normal-1.zip': zip,
    'manifest.json': JSON.stringify(manifest),
  });
  const dest = join(root, 'set');
  const set = ['--json', '--dest', dest, '--manifest', join(root, 'manifest.json')];
  const run = async (...argv: readonly string[]) =>
    documentOf((await runCli([...argv, ...set])).stdout);
  return { dest, manifest, run };
}

const noting = (exitCode: number) => ({
  exitCode,
  result: { outcomes: [{ brokenImages: BROKEN }] },
});

describe('#205 images that are as published, and empty, cut or HTML', () => {
  it('are extracted, listed, and code 8 with --strict; extract and fetch', async () => {
    const { dest, manifest, run } = await make();
    expect(await run('extract')).toMatchObject(noting(0));
    for (const [name, content] of Object.entries(MEMBERS)) {
      expect((await readFile(join(dest, 'images/Normal-1', name))).equals(content)).toBe(true);
    }
    // Nothing is unpacked in these: the ledger knows.
    expect(await run('extract', '--strict')).toMatchObject(noting(8));
    expect(await run('fetch', '--file', 'Normal-1')).toMatchObject(noting(0));
    expect(await run('fetch', '--file', 'Normal-1', '--strict')).toMatchObject(noting(8));
    expect(await run('fetch', '--file', 'Normal-1', '--strict', '--no-join')).toMatchObject(
      noting(8),
    );
    await checkInvariants({ dest, manifest });
  });

  it('are in the audit of the index', async () => {
    const { run } = await make();
    await run('extract');
    const examples = BROKEN.map(({ path, why }) => `${path.slice('images/'.length)}: ${why}`);
    expect(await run('join')).toMatchObject({
      exitCode: 0,
      result: {
        rows: 6,
        remarks: [
          { kind: 'broken-image', count: 4, examples, strict: true },
          { kind: 'stray-file' },
        ],
      },
    });
    expect(await run('join', '--strict')).toMatchObject({ exitCode: 8 });
  });

  it('are found by verify --deep, by the archive or by the images alone', async () => {
    const { dest, run } = await make();
    await run('extract');
    expect(await run('verify')).toMatchObject({ result: { outcomes: [{ brokenImages: [] }] } });
    expect(await run('verify', '--deep')).toMatchObject(noting(0));
    await rm(join(dest, 'archives'), { recursive: true });
    expect(await run('verify', '--deep')).toMatchObject(noting(0));
    expect(await run('verify', '--deep', '--strict')).toMatchObject(noting(8));
  });

  it('are found where the images lie there, and the ledger was lost', async () => {
    const { dest, run } = await make();
    await run('extract');
    await rm(join(dest, '.ccxri'), { recursive: true });
    expect(await run('extract')).toMatchObject({
      result: { outcomes: [{ did: 'skipped', brokenImages: BROKEN }] },
    });
  });

  it('are shown to users', async () => {
    const { dest } = await make();
    const { stdout } = await runCli([
      'extract',
      '--dest',
      dest,
      '--manifest',
      `${dest}/../manifest.json`,
    ]);
    expect(stdout).toContain('4 images published empty, cut or as something else');
    expect(stdout).toContain('- images/Normal-1/patient2_000.jpg: empty');
  });
});
