import { describe, expect, it } from 'vitest';
import {
  EXIT_CODES,
  exitCodeOf,
  exitCodesHelp,
  STOP_SIGNALS,
  StopRequest,
  worstOf,
  type ExitCode,
} from '../../src/cli/exit-codes.ts';
import { toAbortError } from '../../src/abort.ts';
import { CcxriError, ERROR_CODES, type ErrorCode } from '../../src/errors.ts';

/** The contract's list, from the most severe on. */
const ORDER: readonly ExitCode[] = [7, 3, 9, 6, 5, 4, 10, 8];

describe('the exit code', () => {
  it('is the most severe of several, in the order of the contract', () => {
    for (const [i, severe] of ORDER.entries()) {
      for (const milder of ORDER.slice(i)) {
        expect(worstOf([milder, severe, 0])).toBe(severe);
        expect(worstOf([severe, milder])).toBe(severe);
      }
    }
    expect(worstOf([])).toBe(0);
    expect(worstOf([0, 0])).toBe(0);
  });

  it('of a bug or a stop comes before all others', () => {
    for (const code of ORDER) {
      expect(worstOf([code, 1])).toBe(1);
      expect(worstOf([code, 130])).toBe(130);
    }
  });

  it('is known for every error code, and is documented', () => {
    const documented = EXIT_CODES.map(({ code }) => code);
    for (const code of ERROR_CODES) {
      const exit = exitCodeOf(new CcxriError(code, 'x'));
      expect(documented, code).toContain(exit);
      expect(exit, code).not.toBe(0);
      expect(exit, code).not.toBe(1);
    }
  });

  it.each<[ErrorCode, ExitCode]>([
    ['usage', 2],
    ['manifest-invalid', 2],
    ['md5-mismatch', 3],
    ['occupied', 3],
    ['changed', 3],
    ['network', 4],
    ['part-deleted', 4],
    ['missing', 5],
    ['disk-space', 6],
    ['disk-full', 6],
    ['not-writable', 6],
    ['unsafe-archive', 7],
    ['remarks', 8],
    ['not-the-file', 9],
    ['locked', 10],
    ['aborted', 130],
  ])('of %s is %i', (code, exit) => {
    expect(exitCodeOf(new CcxriError(code, 'x'))).toBe(exit);
  });

  it('of anything that is no error of ccxri is 1', () => {
    for (const bug of [new TypeError('x'), 'x', undefined]) expect(exitCodeOf(bug)).toBe(1);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGBREAK', 130],
  ] as const)('after %s is %i', (name, exit) => {
    expect(STOP_SIGNALS[name]).toBe(exit);
    const controller = new AbortController();
    controller.abort(new StopRequest(name));
    const error = toAbortError(controller.signal);
    expect(exitCodeOf(error, controller.signal.reason)).toBe(exit);
  });

  it('is in the help, once', () => {
    for (const { code } of EXIT_CODES) {
      expect(exitCodesHelp().match(new RegExp(`^ +${code}  `, 'gm'))).toHaveLength(1);
    }
  });
});
