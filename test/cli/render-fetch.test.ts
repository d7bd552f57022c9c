import { describe, expect, it } from 'vitest';
import { renderFetched, renderPlan } from '../../src/cli/render-fetch.ts';
import { View } from '../../src/cli/view.ts';
import type { FetchDid, FetchOutcome, FetchStep } from '../../src/fetch/fetch-types.ts';

const view = new View({ width: Infinity, color: false, verbose: false });

function outcome(did: FetchDid, more: Partial<FetchOutcome> = {}): FetchOutcome {
  const file = { file: 'Normal-1.zip', subsets: ['normal'], kind: 'archive' } as const;
  const status = did === 'failed' || did === 'stopped' ? 'missing' : (more.check ?? 'verified');
  const base = { ...file, status, bytes: 1, md5: null, removedBytes: 0 } as const;
  const noted = { members: null, damagedMembers: [], brokenImages: [] };
  return { ...base, check: null, source: null, ...noted, did, ...more };
}

function textOf(outcomes: readonly FetchOutcome[], hasErrors = false): string {
  const sizes = { bytesToDownload: 0, about: false, bytesToRemove: 0, bytesNeededOnDisk: 0 };
  const plan = { steps: [], ...sizes, bytesFreeOnDisk: null };
  const result = { dest: 'set', dryRun: false, plan, outcomes, bytesDownloaded: 0, elapsedMs: 0 };
  return renderFetched(result, view, hasErrors);
}

describe('the counts of a fetch', () => {
  it('are under `files`, and separate files that were found here', () => {
    const text = textOf([outcome('checked', { members: 86 }), outcome('downloaded')]);
    expect(text).toMatch(/^ +files$/m);
    expect(text).toMatch(/^checked here, verified +1$/m);
    expect(text).toMatch(/^86 files in images\/$/m);
  });

  it('separate what passed by its content alone from what has its MD5', () => {
    const check = 'content-checked';
    const lines = textOf([
      outcome('downloaded', { check: 'verified' }),
      outcome('downloaded', { check }),
      outcome('checked', { check }),
      outcome('skipped', { check }),
    ]).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^downloaded, verified +1$/),
        expect.stringMatching(/^downloaded, content-checked +1$/),
        expect.stringMatching(/^checked here, content-checked +1$/),
        expect.stringMatching(/^done before, content-checked +1$/),
      ]),
    );
  });

  it('are one line where files failed: why they did is said by the errors', () => {
    const text = textOf([outcome('downloaded'), outcome('failed'), outcome('stopped')], true);
    expect(text).toBe(
      'not done: 1 of 3 files in set in 0 s (1 downloaded; 1 failed; 1 not finished)\n',
    );
  });
});

describe('the plan of a dry run', () => {
  const step = (action: FetchStep['action'], more: Partial<FetchStep> = {}): FetchStep => ({
    ...{ file: `${action}.zip`, subsets: [], status: 'present', action, bytes: 100e6 },
    ...{ about: action === 'download', keptBytes: 0, removes: true, ...more },
  });

  it('has what is checked and what is deleted, here and to come, with their bytes', () => {
    const steps = [step('download'), step('check'), step('extract'), step('done')];
    const sizes = { bytesToDownload: 100e6, about: true, bytesToRemove: 400e6 };
    const plan = { steps, ...sizes, bytesNeededOnDisk: 300e6, bytesFreeOnDisk: null };
    const result = { dest: 'set', dryRun: true, plan, outcomes: [], bytesDownloaded: 0 };
    const planned = { view, again: '`ccxri fetch`', lowDisk: 'free some' };
    const text = renderPlan({ ...result, elapsedMs: 0 }, planned);
    expect(text).toMatch(/^download\.zip +present +download, then delete +about 100 MB$/m);
    expect(text).toMatch(/^check\.zip +present +verify in place, then delete +100 MB$/m);
    expect(text.split('\n').slice(-7)).toEqual([
      '4 files into set, 1 of them done already',
      'download: about 100 MB',
      'check: 1 file here, 100 MB',
      'disk: about 300 MB needed',
      'delete: 3 archives here and 1 archive to be downloaded, about 400 MB, once their images are checked',
      'nothing was written; `ccxri fetch` does it',
      '',
    ]);
  });
});

it('the index is the next step only of a run without errors: each of them has its own', () => {
  const good = [outcome('downloaded', { members: null })];
  expect(textOf(good)).toContain('next: ');
  expect(textOf(good, true)).not.toContain('next: ');
});
