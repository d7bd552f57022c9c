import { renameSync, writeFileSync } from 'node:fs';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { datasetStatus } from '../../src/status.ts';
import { makeDataset } from '../support/dataset.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { all, outcomeOf, rot, statusesOf, verify } from '../support/verify.ts';

const tempDir = useTempDirs();

it.each(['full', 'deep'] as const)(
  'a damaged file whose times have changed is bad in the ledger after a %s look, until it passes',
  async (depth) => {
    const dataset = await makeDataset(await tempDir());
    const path = dataset.pathOf('Viral-1');
    const statusNow = async () => {
      const { files } = await datasetStatus({ manifest: dataset.manifest, dest: dataset.root });
      return files.find(({ file }) => file === 'Viral-1.zip')?.status;
    };
    const good = await readFile(path);
    await rot(path, 100);
    await utimes(path, 1, 1);
    expect(await statusNow()).toBe('present');
    await verify(dataset, { depth });
    expect(await statusNow()).toBe('bad');
    const quick = await verify(dataset, { depth: 'quick' });
    expect(outcomeOf(quick, 'Viral-1.zip')).toMatchObject({
      status: 'bad',
      error: { message: 'Viral-1.zip was found bad by an earlier check' },
    });
    await writeFile(path, good);
    await verify(dataset, { depth });
    expect(await statusNow()).toBe('verified');
    expect(statusesOf(await verify(dataset, { depth: 'quick' }))).toEqual(all('verified'));
  },
);

it('a file that another run has replaced while it was read is not marked', async () => {
  const dataset = await makeDataset(await tempDir());
  const path = dataset.pathOf('Viral-1');
  const good = await readFile(path);
  await rot(path, 100);
  // At the end of its hash, before the ledger is written.
  const onEvent = (event: RunEvent) => {
    if (event.event !== 'phase-done' || event.file !== 'Viral-1.zip') return;
    writeFileSync(`${path}.new`, good);
    renameSync(`${path}.new`, path);
  };
  expect(statusesOf(await verify(dataset, { onEvent }))).toMatchObject({ 'Viral-1.zip': 'bad' });
  expect((await dataset.ledger.readReceipt('Viral-1.zip'))?.foundBadAt).toBeUndefined();
});
