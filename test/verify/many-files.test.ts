import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { makeManifest } from '../../src/make-manifest/make-manifest.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { extraResources } from '../support/resources.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { rot, statusesOf } from '../support/verify.ts';

const MIB = 1024 * 1024;
const tempDir = useTempDirs();

const warnings: string[] = [];
const onWarning = ({ message }: Error) => void warnings.push(message);
beforeEach(() => void process.on('warning', onWarning));
afterEach(() => {
  process.off('warning', onWarning);
  expect(warnings.splice(0)).toEqual([]);
});

/** Twenty files of one to three MiB: more than are hashed at once, and none too small for a thread. */
async function manyFiles() {
  const root = await tempDir();
  const archives = join(root, 'archives');
  await mkdir(archives);
  const files = Array.from({ length: 20 }, (_, at) => ({
    name: `ChestDx-${at + 1}.zip`,
    bytes: randomBytes(MIB + Math.floor((at / 10) * MIB), `archive ${at}`),
  }));
  for (const { name, bytes } of files) await writeFile(join(archives, name), bytes);
  return { root, archives, files };
}

it('many files are described and verified in threads, which are gone at the end', async () => {
  const before = process.getActiveResourcesInfo();
  const { root, archives, files } = await manyFiles();
  const { manifest } = await makeManifest({ directory: root, like: await loadManifest() });
  expect(manifest.files.map(({ name, md5 }) => [name, md5])).toEqual(
    files.map(({ name, bytes }) => [name, md5Of(bytes)]),
  );
  await rot(join(archives, 'ChestDx-7.zip'));
  await rot(join(archives, 'ChestDx-20.zip'), MIB);
  const events: RunEvent[] = [];
  const verified = await verifyDataset({
    manifest,
    dest: root,
    onEvent: (event) => events.push(event),
  });
  const statuses = Object.fromEntries(files.map(({ name }) => [name, 'verified']));
  const rotten = { 'ChestDx-7.zip': 'bad', 'ChestDx-20.zip': 'bad' };
  expect(statusesOf(verified)).toEqual({ ...statuses, ...rotten });
  expect(events.filter(({ event }) => event === 'phase-done')).toHaveLength(20);
  await turn();
  expect(extraResources(before)).toEqual([]);
});

it('a stop in the middle ends all of it, and the threads', async () => {
  const before = process.getActiveResourcesInfo();
  const { root } = await manyFiles();
  const { manifest } = await makeManifest({ directory: root, like: await loadManifest() });
  const stop = new AbortController();
  const verifying = verifyDataset({
    manifest,
    dest: root,
    signal: stop.signal,
    onEvent: ({ event }) => {
      if (event === 'phase-done') stop.abort();
    },
  });
  await expect(verifying).rejects.toMatchObject({ code: 'aborted' });
  await turn();
  expect(extraResources(before)).toEqual([]);
});
