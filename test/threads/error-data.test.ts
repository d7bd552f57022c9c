import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { fromErrorData, toErrorData } from '../../src/threads/error-data.ts';

/** As it crosses from one thread to another. */
function across(error: unknown): Error {
  return fromErrorData(structuredClone(toErrorData(error)));
}

describe('an error that crosses threads', () => {
  it('of ours keeps code, text, next steps, all facts and its cause', () => {
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const error = new CcxriError('disk-full', 'could not write a.jpg (ENOSPC)', {
      ...{ file: 'x.zip', path: '/d/a.jpg', expected: '1', found: '2', kept: 'nothing' },
      ...{ reasons: ['one', 'two'], attempts: 3, permanent: true },
      next: [{ kind: 'advice', text: 'free some space', or: { kind: 'option', option: 'dest' } }],
      cause,
    });
    const found = across(error);
    expect(found).toBeInstanceOf(CcxriError);
    expect(found).toMatchObject({ code: 'disk-full', message: error.message });
    if (!(found instanceof CcxriError)) throw new Error('unreachable');
    expect(found.facts).toEqual(error.facts);
    expect(found.next).toEqual(error.next);
    expect(found.cause).toMatchObject({ message: 'no space', code: 'ENOSPC', stack: cause.stack });
  });

  it('without next steps and cause has none afterwards', () => {
    const found = across(new CcxriError('missing', 'there is no x'));
    expect(found).toMatchObject({ next: [] });
    expect(found.cause).toBeUndefined();
  });

  it('of the system keeps its code and where it came from', () => {
    const error = Object.assign(new Error('EEXIST: there'), { code: 'EEXIST' });
    const found = across(error);
    expect(found).not.toBeInstanceOf(CcxriError);
    expect(found).toMatchObject({ message: 'EEXIST: there', code: 'EEXIST', stack: error.stack });
  });

  it('that is a bug shows its stack, and no code', () => {
    const error = new TypeError('x is not a function', { cause: 'because' });
    const found = across(error);
    expect(found.stack).toBe(error.stack);
    expect(found).not.toHaveProperty('code');
    expect(found.cause).toMatchObject({ message: 'because' });
    expect(across('a text').message).toBe('a text');
  });
});
