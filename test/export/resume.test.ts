import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportDataset } from '../../src/export/export-dataset.ts';
import type { ExportFormat, ExportOptions } from '../../src/export/types.ts';
import { makeDataset } from '../support/dataset.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** An export that was stopped when its fifth archive began, and one that was not. */
async function stoppedExport(format: ExportFormat) {
  const directory = await tempDir();
  const { root, manifest } = await makeDataset(directory, { extracted: ['ChestDx-1'] });
  const of = { manifest, dest: root, format, withImages: true, shardBytes: 5000 };
  const to = join(directory, 'stopped');
  const stop = new AbortController();
  let begun = 0;
  const onEvent: ExportOptions['onEvent'] = ({ event }) => {
    if (event === 'phase-start' && (begun += 1) === 5) stop.abort();
  };
  const stopped = exportDataset({ ...of, to, signal: stop.signal, onEvent });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  const whole = join(directory, 'whole');
  await exportDataset({ ...of, to: whole });
  return { directory, of, to, whole };
}

it.each(['webdataset', 'parquet'] as const)('goes on with the next shard of %s', async (format) => {
  const { directory, of, to, whole } = await stoppedExport(format);
  expect(await listTree(directory)).not.toContain('stopped');
  const { shardsKept, images } = await exportDataset({ ...of, to });
  expect(images).toBe(31);
  expect(shardsKept).toBeGreaterThan(0);
  const names = await listTree(whole);
  expect(await listTree(to)).toEqual(names);
  for (const name of names.filter((each) => each.includes('.'))) {
    const [one, other] = await Promise.all([to, whole].map((at) => readFile(join(at, name))));
    expect(one?.equals(other ?? Buffer.of()), name).toBe(true);
  }
  expect(await listTree(directory)).not.toContain('stopped.partial');
});

it('starts anew with other options', async () => {
  const { of, to } = await stoppedExport('webdataset');
  const { shardsKept, images } = await exportDataset({ ...of, to, shardBytes: 9000 });
  expect({ shardsKept, images }).toEqual({ shardsKept: 0, images: 31 });
});
