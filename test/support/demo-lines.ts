import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseManifest } from '../../src/manifest/load.ts';
import type { ManifestFile } from '../../src/manifest/manifest.ts';
import { runCli } from './run-cli.ts';
import { writeTree } from './temp-dirs.ts';

// Command lines on the demo's release, for tests of what commands print.

export const RELEASE = fileURLToPath(new URL('../../manifests/demo', import.meta.url));
export const MANIFEST = join(RELEASE, 'manifest.json');
export const OF_DEMO = ['--manifest', MANIFEST, '--dest'];
export const set = (dest: string) => [...OF_DEMO, dest];
const release = parseManifest(await readFile(MANIFEST, 'utf8'));
/** ChestDx-1.zip. */
export const archive = await readFile(join(RELEASE, 'ChestDx-1.zip'));

export function fetchOf(subset: string, dest: string, source = RELEASE): readonly string[] {
  const from = ['--manifest', MANIFEST, '--source', source];
  return ['fetch', '--subset', subset, '--dest', dest, ...from];
}

/** The demo's manifest with other facts of one file. */
export async function editedManifest(
  root: string,
  name: string,
  facts: Partial<ManifestFile>,
): Promise<string> {
  const path = join(root, 'edited.json');
  const files = release.files.map((file) => (file.name === name ? { ...file, ...facts } : file));
  await writeFile(path, JSON.stringify({ ...release, files }));
  return path;
}

/** A dataset directory of these files, with a manifest of its own. */
export async function ownRelease(
  root: string,
  files: Readonly<Record<string, Buffer>>,
  command: readonly string[],
): Promise<readonly string[]> {
  const dest = join(root, 'set');
  const manifest = join(root, 'own.json');
  await writeTree(dest, files);
  const made = await runCli(['manifest', dest, '-o', manifest]);
  expect(made.code, made.stderr).toBe(0);
  return [...command, '--dest', dest, '--manifest', manifest];
}
