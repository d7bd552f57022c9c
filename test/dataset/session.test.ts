import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Session, withSession } from '../../src/dataset/session.ts';
import { CcxriError } from '../../src/errors.ts';
import { pathKind } from '../../src/fs/paths.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = manifestOf(sampleArchive('ChestDx-1.zip'), sampleArchive('ChestDx-2.zip'));

const session = async () => new Session({ manifest, dest: await tempDir() });
const later = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the files of a session', () => {
  it('are all of the manifest where nothing is selected', async () => {
    const { files, isSelected } = await session();
    expect([files, isSelected]).toEqual([manifest.files, false]);
  });

  it('are what is selected, each once', async () => {
    const selection = { subsets: ['chestdx'], files: ['ChestDx-2'] };
    const { files, isSelected } = new Session({ manifest, dest: await tempDir(), selection });
    expect([files.map(({ name }) => name), isSelected]).toEqual([
      ['ChestDx-1.zip', 'ChestDx-2.zip'],
      true,
    ]);
  });
});

describe('work on each file', () => {
  it('gives its outcomes in the order of the list', async () => {
    const run = await session();
    const outcomes = await run.forEachFile([2, 1, 0], async (turns) => {
      for (let turn = 0; turn < turns; turn += 1) await later();
      return turns;
    });
    expect(outcomes).toEqual([2, 1, 0]);
  });

  it('is waited for where one of them throws, whose error is thrown', async () => {
    const run = await session();
    const bug = new Error('a bug');
    let ended = 0;
    const work = async (at: number) => {
      if (at === 1) throw bug;
      await later();
      ended += 1;
      run.signal.throwIfAborted();
    };
    await expect(run.forEachFile([0, 1, 2], work)).rejects.toBe(bug);
    expect(ended).toBe(2);
    expect(run.signal.aborted).toBe(true);
  });

  it('ends for all where the disk is full, and goes on where one archive is damaged', async () => {
    const run = await session();
    const damaged = new CcxriError('damaged-archive', 'one archive');
    expect(run.failureOf(damaged)).toBe(damaged);
    expect(run.signal.aborted).toBe(false);
    const full = new CcxriError('disk-full', 'every file');
    expect(run.failureOf(full)).toBe(full);
    expect(run.signal.aborted).toBe(true);
    expect(run.failureOf(damaged)).toBeUndefined();
  });

  it('does not make an outcome of a bug, or of a stop by the user', async () => {
    const user = new AbortController();
    const run = new Session({ manifest, dest: await tempDir(), signal: user.signal });
    expect(() => run.failureOf(new TypeError('a bug'))).toThrow(TypeError);
    user.abort();
    expect(() => run.failureOf(new Error('broken'))).toThrow(
      expect.objectContaining({ code: 'aborted' }),
    );
  });
});

describe('a session with a lock', () => {
  const refused = new CcxriError('disk-space', 'too small');
  const refuse = () => Promise.reject(refused);

  it('leaves no directory that was made for the lock alone', async () => {
    const dest = join(await tempDir(), 'dataset');
    await expect(withSession({ manifest, dest }, { lock: true }, refuse)).rejects.toBe(refused);
    expect(await pathKind(dest)).toBe('nothing');
  });

  it('leaves a directory that was there', async () => {
    const dest = await tempDir();
    await mkdir(join(dest, '.ccxri'));
    await expect(withSession({ manifest, dest }, { lock: true }, refuse)).rejects.toBe(refused);
    expect(await readdir(dest)).toEqual(['.ccxri']);
  });

  it('refuses a second one, and lets it in afterwards', async () => {
    const options = { manifest, dest: await tempDir() };
    const again = () => withSession(options, { lock: true }, () => Promise.resolve('in'));
    await withSession(options, { lock: true }, async () => {
      await expect(again()).rejects.toMatchObject({ code: 'locked' });
    });
    expect(await again()).toBe('in');
  });
});
