import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST, RELEASE, editedManifest, fetchOf, set } from './demo-lines.ts';
import type { DescribedOutput } from './described-output.ts';
import { runCli } from './run-cli.ts';
import { writeTree } from './temp-dirs.ts';

/** What is printed of plans for other tools, of lockfiles, and of limits. */
export async function describePlanRuns(
  described: DescribedOutput,
  tempDir: () => Promise<string>,
): Promise<void> {
  const root = await tempDir();
  const dest = join(root, 'set');
  const from = ['--source', 'http://127.0.0.1:9/{name}', '--source', RELEASE];
  const plan = ['plan', ...set(dest), '--subset', 'all'];
  await described.expect(0, () => plan);
  await described.expect(0, () => [...plan, '--cache-key']);
  await described.expect(0, () => [...plan, '--format', 'all', ...from, '-o', join(root, 'out')]);
  // Of the release alone: no address can be handed on.
  await described.expect(4, () => [...plan, '--format', 'aria2', '--source', RELEASE]);
  await described.expect(2, () => [...plan, '--label', 'Hernia']);
  const lockfile = join(root, 'ccxri.lock.json');
  const lock = ['lock', ...set(dest), '--subset', 'viral', '-o', lockfile];
  const split = { splitVersion: 1, seed: '0', folds: 5, stratified: false, heldOut: [] };
  const made = JSON.stringify({ ...split, rows: 1, sha256: 'a'.repeat(64) });
  await writeTree(dest, { 'splits/foreign.json': '{}', 'splits/cv.json': made });
  await described.expect(0, () => lock);
  await described.expect(0, () => ['lock', ...set(dest), '--label', 'Hernia', '-o', lockfile]);
  const { code } = await runCli(lock);
  if (code !== 0) throw new Error('no lockfile');
  const locked = (manifest: string) => [
    ...['fetch', '-n', '--manifest', manifest, '--dest', dest, '--source', RELEASE],
    ...['--lockfile', lockfile],
  ];
  const other = await editedManifest(root, 'Viral-1.zip', { md5: 'a'.repeat(32) });
  await described.expect(2, () => locked(other));
  const text = await readFile(lockfile, 'utf8');
  await writeFile(lockfile, text.replace(/("ccxriVersion": )"[^"]*"/, '$1"0.0.1"'));
  await described.expect(0, () => locked(MANIFEST));
  await writeFile(lockfile, text.replace('"lockfileVersion": 1', '"lockfileVersion": 2'));
  await described.expect(2, () => locked(MANIFEST));
  await described.expect(2, () => [...fetchOf('all', dest), '-n', '--max-bytes', '1K']);
}
