import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeSmallRelease } from '../support/chosen-images.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

test.skipIf(!hasNginx)('-y does not download archives whole', async () => {
  const directory = await tempDir();
  const { manifest, directory: root } = await makeSmallRelease(directory);
  const { url } = await nginx({ root, extra: 'max_ranges 0;' });
  const path = join(directory, 'manifest.json');
  await writeFile(path, JSON.stringify(manifest));
  const argv = ['fetch', '--label', 'Pneumonia', '--limit', '2', '--manifest', path];
  const run = (more: readonly string[], world = {}) =>
    runCli([...argv, '--source', url, '--dest', join(directory, 'set'), ...more], world);
  for (const world of [{}, { typed: 'y\n', columns: 80 }]) {
    const { code, stderr } = await run(['-y'], world);
    expect(code).toBe(9);
    expect(stderr).toContain('--allow-whole');
    expect(stderr).not.toContain('[y/N]');
  }
  expect((await run([], { typed: 'y\n', columns: 80 })).code).toBe(0);
});
