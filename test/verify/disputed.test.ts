import { copyFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { findFile } from '../../src/manifest/manifest.ts';
import { makeDataset, md5Of } from '../support/dataset.ts';
import { having, saying, nextSaying } from '../support/matchers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { all, outcomeOf, rot, statusesOf, verify } from '../support/verify.ts';

const tempDir = useTempDirs();

describe('the disputed MD5', () => {
  it('of the one that it is right for, that one is verified, and the other content-checked', async () => {
    const release = { doubledMd5: 'Viral-1' } as const;
    const dataset = await makeDataset(await tempDir(), { release, withLedger: false });
    const events: RunEvent[] = [];
    const result = await verify(dataset, { onEvent: (event) => events.push(event) });
    expect(statusesOf(result)).toEqual({ ...all('verified'), 'Other-1.zip': 'content-checked' });
    expect(events.filter(({ event }) => event === 'warning')).toEqual([
      having({
        code: 'content-checked',
        file: 'Other-1.zip',
        message: saying(md5Of(dataset, 'Other-1.zip')),
      }),
    ]);
  });

  it.each(['full', 'deep'] as const)('of neither: both are content-checked (%s)', async (depth) => {
    const release = { doubledMd5: 'neither' } as const;
    const dataset = await makeDataset(await tempDir(), { release, extracted: ['Viral-1'] });
    const result = await verify(dataset, { depth });
    expect(statusesOf(result)).toEqual({
      ...all('verified'),
      'Viral-1.zip': 'content-checked',
      'Other-1.zip': 'content-checked',
    });
  });

  it('one file under both names is right for one of them at most', async () => {
    // Only rounded sizes are known, and theirs are made alike: else the size would tell.
    const release = { doubledMd5: 'Viral-1', exactBytes: false } as const;
    const dataset = await makeDataset(await tempDir(), { release, withLedger: false });
    await copyFile(dataset.pathOf('Viral-1'), dataset.pathOf('Other-1'));
    const { size } = findFile(dataset.manifest, 'Viral-1');
    const files = dataset.manifest.files.map((file) =>
      file.name === 'Other-1.zip' ? { ...file, size } : file,
    );
    const result = await verify(dataset, { manifest: { ...dataset.manifest, files } });
    const bad = result.outcomes.find(({ status }) => status === 'bad');
    expect(['Viral-1.zip', 'Other-1.zip']).toContain(bad?.file);
    expect(statusesOf(result)).toEqual({ ...all('verified'), [bad?.file ?? '']: 'bad' });
    expect(bad?.error).toMatchObject({
      code: 'md5-mismatch',
      message: saying("one file can't be both"),
      next: nextSaying('one MD5 for both'),
    });
  });

  it('what has changed since it was content-checked is bad', async () => {
    const release = { doubledMd5: 'neither' } as const;
    const dataset = await makeDataset(await tempDir(), { release });
    const receipt = await dataset.ledger.readReceipt('Viral-1.zip');
    if (receipt === undefined) throw new Error('no receipt');
    await dataset.ledger.writeReceipt({ ...receipt, md5: 'e'.repeat(32) });
    const result = await verify(dataset);
    expect(outcomeOf(result, 'Viral-1.zip')).toMatchObject({
      status: 'bad',
      error: { code: 'md5-mismatch', facts: { expected: `MD5 ${'e'.repeat(32)}` } },
    });
    expect(statusesOf(result)['Other-1.zip']).toBe('content-checked');
  });

  it('a damaged member speaks against it', async () => {
    const release = { doubledMd5: 'neither' } as const;
    const dataset = await makeDataset(await tempDir(), { release, withLedger: false });
    await rot(dataset.pathOf('Other-1'), 200);
    const result = await verify(dataset);
    expect(outcomeOf(result, 'Other-1.zip')).toMatchObject({
      status: 'bad',
      error: { code: 'md5-mismatch', next: nextSaying('`ccxri repair --file Other-1`') },
    });
    expect(statusesOf(result)['Viral-1.zip']).toBe('content-checked');
  });
});
