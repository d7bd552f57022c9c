import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ManifestChoice } from '../../src/cli/manifest-choice.ts';
import { sha256Of } from '../../src/dataset/kept-manifest.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { RunEvent } from '../../src/events.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('the manifest that was typed and the one that is kept are each read once in a run', async () => {
  const dest = await tempDir();
  const typed = join(dest, 'typed.json');
  const layout = layoutOf(dest);
  const text = JSON.stringify(manifestOf(sampleArchive('ChestDx-1.zip')));
  await writeTree(dest, {
    'typed.json': text,
    '.ccxri/manifest.json': text,
  });
  await writeFile(layout.manifestSum, `${sha256Of(text)}  manifest.json\n`);

  const manifests = new ManifestChoice();
  const flags = { manifest: typed, dest };
  expect(await manifests.carried(flags, dest)).toEqual({ dest });
  for (const path of [typed, layout.manifest, layout.manifestSum]) await rm(path);
  const events: RunEvent[] = [];
  const chosen = await manifests.choose({ typed, dest }, (event) => events.push(event));
  expect(chosen.text).toBe(text);
  expect(await manifests.carried(flags, dest)).toEqual({ dest });
  expect(events).toEqual([]);
  // Another run looks again.
  expect(await new ManifestChoice().carried(flags, dest)).toBe(flags);
});
