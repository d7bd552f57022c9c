import { describe, expect, it } from 'vitest';
import { CcxriError, errnoOf, toDiskError } from '../src/errors.ts';

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

  it('leaves a bug a bug, and a coded error as it is', () => {
    const bug = new TypeError('x is not a function');
    expect(toDiskError(bug, 'write', {})).toBe(bug);
    const coded = new CcxriError('network', 'gone', { cause: ofSystem('EIO') });
    expect(toDiskError(coded, 'write', {})).toBe(coded);
  });
});
