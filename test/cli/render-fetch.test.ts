import { describe, expect, it } from 'vitest';
import { renderFetched } from '../../src/cli/render-fetch.ts';
import { View } from '../../src/cli/view.ts';
import { CcxriError, type ErrorCode } from '../../src/errors.ts';
import type { FetchOutcome, FetchStatus } from '../../src/fetch/fetch-types.ts';

const view = new View({ width: Infinity, color: false, verbose: false });
const again = '`ccxri fetch --subset all`';
const ANEW = `next: ${again} again: it gets only what is missing`;

function outcome(status: FetchStatus, more: Partial<FetchOutcome> = {}): FetchOutcome {
  const base = { file: 'Normal-1.zip', kind: 'archive', bytes: 1, md5: null } as const;
  const noted = { members: null, damagedMembers: [], brokenImages: [] };
  return { ...base, check: null, source: null, ...noted, status, ...more };
}

function failed(code: ErrorCode, hint?: string): FetchOutcome {
  const next = hint === undefined ? [] : [{ kind: 'advice', text: hint } as const];
  const error = new CcxriError(code, 'it failed', { next });
  return outcome('failed', { error });
}

function textOf(outcomes: readonly FetchOutcome[]): string {
  const plan = { steps: [], bytesToDownload: 0, bytesNeededOnDisk: 0, bytesFreeOnDisk: null };
  const result = { dest: 'set', dryRun: false, plan, outcomes, bytesDownloaded: 0, elapsedMs: 0 };
  return renderFetched(result, { view, again });
}

function nextOf(...outcomes: readonly FetchOutcome[]): readonly string[] {
  return textOf(outcomes)
    .split('\n')
    .filter((line) => line.startsWith('next:'));
}

describe('what to do next after a fetch', () => {
  it('is the same command only where that can help', () => {
    expect(nextOf(failed('network', 'wait a little'))).toEqual([ANEW]);
    expect(nextOf(failed('stalled'), outcome('stopped'))).toEqual([ANEW]);
    expect(nextOf(failed('unsafe-archive', 'do not use it'))).toEqual(['next: do not use it']);
    expect(nextOf(failed('source-unusable', 'fix it'))).toEqual(['next: fix it']);
  });

  it('is another source where none that was asked has a file', () => {
    const lacking = failed('file-not-at-source', 'look elsewhere');
    const elsewhere = `next: ${again} again, with another --source as well: no source that was asked has Normal-1.zip`;
    expect(nextOf(lacking)).toEqual([elsewhere]);
    expect(nextOf(lacking, failed('network'))).toEqual([ANEW, elsewhere]);
    expect(nextOf(lacking, failed('disk-full', 'free some'))).toEqual([
      'next: Normal-1.zip: free some',
      elsewhere,
    ]);
  });

  it('is that of the most severe failure, and then the same command for the others', () => {
    const md5 = failed('md5-mismatch', 'give another --source');
    const page = failed('not-the-file', 'save the page');
    expect(nextOf(page, md5)).toEqual(['next: give another --source']);
    const others = `next: ${again} again, for the other files that are missing`;
    expect(nextOf(failed('network'), page)).toEqual(['next: Normal-1.zip: save the page', others]);
    expect(nextOf(failed('disk-full', 'free some'), outcome('stopped'))).toEqual([
      'next: Normal-1.zip: free some',
      others,
    ]);
  });
});

describe('the counts of a fetch', () => {
  it('are under `files`, and separate files that were found here', () => {
    const text = textOf([outcome('adopted', { members: 86 }), outcome('downloaded')]);
    expect(text).toMatch(/^ +files$/m);
    expect(text).toMatch(/^found here, checked +1$/m);
    expect(text).toMatch(/^86 files in images\/$/m);
  });

  it('separate what passed by its content alone from what has its MD5', () => {
    const check = 'content-checked';
    const lines = textOf([
      outcome('downloaded', { check: 'verified' }),
      outcome('downloaded', { check }),
      outcome('adopted', { check }),
      outcome('present', { check }),
      outcome('failed', { check }),
    ]).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^downloaded +1$/),
        expect.stringMatching(/^downloaded, content-checked +1$/),
        expect.stringMatching(/^found here, content-checked +1$/),
        expect.stringMatching(/^were here already +1$/),
        expect.stringMatching(/^failed +1$/),
      ]),
    );
  });
});
