import { describe, expect, it } from 'vitest';
import {
  type Cause,
  describeCause,
  groupByCause,
  keptOf,
  nextOf,
  shortNames,
} from '../../src/cli/causes.ts';
import { CcxriError, type CcxriErrorOptions } from '../../src/errors.ts';

const FILES = ['ChestDx-1.zip', 'ChestDx-2.zip', 'ChestDx-3.zip'] as const;

function failed(file: string, options: CcxriErrorOptions = {}, message = 'is not here') {
  return new CcxriError('network', `${file} ${message}`, { file, ...options });
}

const cause = (files: readonly string[], optionsOf: (file: string) => CcxriErrorOptions): Cause => {
  const [first = '', ...rest] = files;
  return [failed(first, optionsOf(first)), ...rest.map((file) => failed(file, optionsOf(file)))];
};

describe('failures of files', () => {
  it('are one cause if only the file differs, and two if status or advice does', () => {
    const causes = groupByCause([
      failed('ChestDx-1.zip'),
      failed('ChestDx-2.zip', { status: 503 }),
      failed('ChestDx-3.zip'),
      failed('ChestDx-4.zip', { next: [{ kind: 'again' }] }),
      failed('ChestDx-5.zip', {}, 'is cut'),
    ]);
    expect(causes.map((each) => each.map(({ facts }) => facts.file))).toEqual([
      ['ChestDx-1.zip', 'ChestDx-3.zip'],
      ['ChestDx-2.zip'],
      ['ChestDx-4.zip'],
      ['ChestDx-5.zip'],
    ]);
    expect(describeCause(causes[0] ?? [failed('')])).toBe('2 files are not here');
  });

  it('add up what was kept, of the files of which anything was', () => {
    const kept = [5e6, 0, 2e6];
    const of = cause(FILES, (file) => {
      const keptBytes = kept[FILES.findIndex((each) => each === file)] ?? 0;
      return { keptBytes, kept: keptBytes === 0 ? undefined : `${keptBytes} bytes` };
    });
    expect(keptOf(of)).toBe('7 MB of 2 files, to resume from');
  });

  it.each([
    [2, ['ChestDx-1.zip', 'ChestDx-2.zip'], undefined],
    [
      5,
      ['ChestDx-1.zip', 'ChestDx-2.zip', 'ChestDx-3.zip', 'ChestDx-4.zip', 'ChestDx-5.zip'],
      undefined,
    ],
    [6, ['NAME'], '(for each of them)'],
  ])('%i of them have one command', (many, named, purpose) => {
    const files = Array.from({ length: many }, (_, at) => `ChestDx-${at + 1}.zip`);
    const steps = nextOf(
      cause(files, (file) => ({ next: [{ kind: 'run', command: 'fetch', files: [file] }] })),
    );
    const step = { kind: 'run', command: 'fetch', files: named };
    expect(steps).toEqual([purpose === undefined ? step : { ...step, purpose }]);
  });
});

describe('names of files', () => {
  it.each([
    [['ChestDx-1.zip'], 'ChestDx-1.zip'],
    [[...FILES, 'ChestDx-5.zip'], 'ChestDx-1…3.zip, ChestDx-5.zip'],
    [
      ['ChestDx-1.zip', 'Normal-2.zip', 'Normal-3.csv'],
      'ChestDx-1.zip, Normal-2.zip, Normal-3.csv',
    ],
    [['chest_dx.csv', 'other.csv'], 'chest_dx.csv, other.csv'],
    [
      [1, 3, 5, 7, 9, 11, 13].map((n) => `a-${n}.zip`),
      'a-1.zip, a-3.zip, a-5.zip, a-7.zip, a-9.zip, … and 2 more',
    ],
  ])('%j', (files, short) => {
    expect(shortNames(files)).toBe(short);
  });
});
