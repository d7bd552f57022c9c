import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError, errnoOf, toDiskError, toLimitError } from '../src/errors.ts';
import { saying } from './support/matchers.ts';
import { canMount, useMounts } from './support/mounts.ts';

const mounts = useMounts();

/** As Node makes it where libuv has no name for what the system said. */
function nameless(errno: number): Error {
  const code = `Unknown system error ${errno}`;
  return Object.assign(new Error(`${code}: ${code}, write`), { code, errno, syscall: 'write' });
}

/** The same of a call that was waited for, as threads make them. */
function namelessSync(errno: number): Error {
  const text = 'UNKNOWN: unknown error, write';
  return Object.assign(new Error(text), { code: 'UNKNOWN', errno, syscall: 'write' });
}

const ofSystem = (code: string) => Object.assign(new Error(code), { code });

describe('errnoOf', () => {
  it.skipIf(process.platform !== 'linux')('#74 knows the names that libuv does not', () => {
    expect(errnoOf(nameless(-122))).toBe('EDQUOT');
    expect(errnoOf(namelessSync(-122))).toBe('EDQUOT');
    expect(errnoOf(nameless(-116))).toBe('ESTALE');
    expect(errnoOf(nameless(-9999))).toBe('Unknown system error -9999');
  });

  it.each([
    [ofSystem('ENOSPC'), 'ENOSPC'],
    [new Error('x'), undefined],
    [Object.assign(new Error('x'), { code: 7 }), undefined],
    ['ENOSPC', undefined],
    [null, undefined],
  ])('of %s is %s', (error, errno) => {
    expect(errnoOf(error)).toBe(errno);
  });
});

describe('toDiskError', () => {
  it.each([
    [ofSystem('ENOSPC'), 'disk-full'],
    [ofSystem('EFBIG'), 'disk-full'],
    [ofSystem('EROFS'), 'not-writable'],
    [ofSystem('EXDEV'), 'disk-io'],
    [ofSystem('EBUSY'), 'not-writable'],
    [ofSystem('EMFILE'), 'process-limit'],
    [ofSystem('ENFILE'), 'process-limit'],
    [ofSystem('ENOMEM'), 'process-limit'],
    // EUCLEAN: nobody has a name for it, and still it is the disk's.
    [nameless(-117), 'disk-io'],
    [namelessSync(-117), 'disk-io'],
    [namelessSync(-122), 'disk-full'],
  ])('calls %s %s', (error, code) => {
    const told = toDiskError(error, 'write', { path: '/data/x' });
    expect(told).toMatchObject({ code, cause: error, facts: { path: '/data/x' } });
    expect(told).toHaveProperty('next.0.kind');
  });

  it.skipIf(process.platform !== 'linux')('#74 calls a full quota a full disk, by its name', () => {
    expect(toDiskError(nameless(-122), 'write', { path: '/data/x' })).toMatchObject({
      code: 'disk-full',
      message: 'could not write /data/x (EDQUOT)',
    });
  });

  it.skipIf(!canMount)('#72 says so where no inode is free, whatever space there is', async () => {
    const disk = await mounts.small(1_000_000, 2);
    await writeFile(join(disk, 'a'), '');
    const path = join(disk, 'b', 'c');
    const error = await mkdir(join(disk, 'b')).catch((thrown: unknown) => thrown);
    expect(toDiskError(error, 'write', { path })).toMatchObject({
      code: 'no-inodes',
      message: `could not write ${path} (ENOSPC: no inode is free)`,
      next: [{ text: saying('only their number counts') }, { kind: 'again' }],
    });
    await unlink(join(disk, 'a'));
    expect(toDiskError(error, 'write', { path })).toMatchObject({ code: 'disk-full' });
  });

  it('leaves a bug a bug, and a coded error as it is', () => {
    const bug = new TypeError('x is not a function');
    expect(toDiskError(bug, 'write', {})).toBe(bug);
    const coded = new CcxriError('network', 'gone', { cause: ofSystem('EIO') });
    expect(toDiskError(coded, 'write', {})).toBe(coded);
  });
});

describe('toLimitError', () => {
  it.each([
    ['EMFILE', 'ulimit -n 1024'],
    ['ENOMEM', 'memory'],
    ['ERR_WORKER_INIT_FAILED', 'ulimit -u'],
    ['ERR_WORKER_OUT_OF_MEMORY', 'memory'],
  ])('#210 says what %s is, also as a cause', (code, advice) => {
    const error = ofSystem(code);
    for (const each of [error, new Error('the thread ended', { cause: error })]) {
      expect(toLimitError(each, 'could not hash: ')).toMatchObject({
        code: 'process-limit',
        message: expect.stringMatching(new RegExp(`^could not hash: .* \\(${code}\\)$`)) as unknown,
        next: [{ text: saying(advice) }, { kind: 'again' }],
        cause: each,
      });
    }
  });

  it('leaves a bug a bug, and a coded error as it is', () => {
    const coded = new CcxriError('network', 'gone', { cause: ofSystem('EMFILE') });
    for (const each of [new TypeError('x'), ofSystem('EBADF'), coded, 'text']) {
      expect(toLimitError(each)).toBe(each);
    }
  });
});
