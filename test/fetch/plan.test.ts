import { renderNextSteps } from '../../src/cli/next-steps.ts';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/dataset/ledger.ts';
import type { FileSurvey } from '../../src/dataset/survey.ts';
import {
  type PlanChoices,
  decideStep,
  isTooSmall,
  lowDiskError,
  planFetch,
  workOf,
} from '../../src/fetch/plan.ts';
import { formatBytes } from '../../src/text.ts';
import { manifestOf, sampleArchive, sampleLabels } from '../support/fetching.ts';
import { surveyOf } from '../support/survey.ts';

const [archive, labels] = manifestOf(
  sampleArchive('ChestDx-1.zip', { size: '500MB' }),
  sampleLabels('chest_dx.csv', 'image\n'),
).files;
if (archive === undefined || labels === undefined) throw new Error('no files');

const MB = 1024 ** 2;
const receipt: Receipt = {
  ledgerVersion: 1,
  name: archive.name,
  bytes: 499_000_000,
  md5: archive.md5,
  mtimeMs: 1,
  status: 'verified',
  checkedAt: '2026-01-01T00:00:00.000Z',
};

const survey = (changes: Partial<FileSurvey> = {}) => surveyOf(archive, changes);

const choices: PlanChoices = { extract: true, deleteArchives: false, concurrency: 4 };
const here = { final: 'checked', receipt, finalBytes: receipt.bytes } as const;

describe('what is to be done with a file', () => {
  it.each([
    { name: 'nothing of it is here', of: {}, action: 'download', bytes: 500 * MB },
    { name: 'a part of it is here', of: { partBytes: 5 }, action: 'resume', bytes: 500 * MB },
    { name: 'it is here and checked', of: here, action: 'extract', bytes: 499_000_000 },
    {
      name: 'its images are here as well',
      of: { ...here, images: 'complete' },
      action: 'done',
      bytes: 499_000_000,
    },
    {
      name: 'its images are not all here',
      of: { ...here, images: 'partial' },
      action: 'extract',
      bytes: 499_000_000,
    },
    {
      name: 'it was deleted after its extraction',
      of: { receipt, images: 'complete' },
      action: 'done',
      bytes: 499_000_000,
    },
    {
      name: 'it was deleted, and its images are not all here',
      of: { receipt, images: 'partial' },
      action: 'download',
      bytes: 499_000_000,
    },
    {
      name: 'its images are of another release',
      of: { receipt: { ...receipt, md5: 'f'.repeat(32) }, images: 'complete' },
      action: 'download',
      bytes: 500 * MB,
    },
    {
      name: 'it lies there unknown',
      of: { final: 'unchecked', finalBytes: 7, images: 'complete' },
      action: 'check',
      bytes: 500 * MB,
    },
    {
      name: 'it has changed',
      of: { ...here, final: 'changed', finalBytes: 7 },
      action: 'check',
      bytes: 499_000_000,
    },
    {
      name: 'labels are here',
      of: { ...here, file: { ...labels, md5: receipt.md5 } },
      action: 'done',
      bytes: 499_000_000,
    },
  ] as const)('$name: $action', ({ of, action, bytes }) => {
    const step = decideStep(survey(of), choices);
    expect(step).toMatchObject({ action, bytes, keptBytes: action === 'resume' ? 5 : 0 });
  });

  it('is nothing without extraction, where the archive is here', () => {
    expect(decideStep(survey(here), { ...choices, extract: false }).action).toBe('done');
  });

  it('is a download without extraction, where only the images are here', () => {
    const images = survey({ receipt, images: 'complete' });
    expect(decideStep(images, { ...choices, extract: false }).action).toBe('download');
  });
});

describe('which archives are deleted', () => {
  const goes: Partial<FileSurvey> = { ...here, images: 'complete' };
  it.each<[string, Partial<FileSurvey>, Partial<PlanChoices>, boolean]>([
    ['one that is extracted', goes, {}, true],
    ['one that is extracted, also without extraction', goes, { extract: false }, true],
    ['one that has to be extracted', here, {}, true],
    ['one that has to be checked', { ...here, final: 'changed' }, {}, true],
    ['not without --delete-archives', goes, { deleteArchives: false }, false],
    ['not one that stays packed', here, { extract: false }, false],
    ['not one with damaged members', { ...here, images: 'good-only' }, {}, false],
    ['one that has to be downloaded first', { receipt }, {}, true],
    ['not one that is not here, and need not be', { receipt, images: 'complete' }, {}, false],
    ['not one that has to be downloaded and stays packed', { receipt }, { extract: false }, false],
    ['not a label file', { ...here, file: { ...labels, md5: receipt.md5 } }, {}, false],
  ])('%s', (_name, of, more, removes) => {
    const all = { ...choices, deleteArchives: true, ...more };
    const { plan } = planFetch([survey(of)], all, null);
    expect(plan.steps).toMatchObject([{ removes }]);
    expect(plan.bytesToRemove).toBe(removes ? receipt.bytes : 0);
  });
});

describe('the work on a file', () => {
  const work = (of: Partial<FileSurvey>, extract = true) => {
    const { tasks } = planFetch([survey(of)], { ...choices, extract }, null);
    return tasks.flatMap((task) => workOf(task, { extract }));
  };
  const [zip, unpacked] = [500 * MB, Math.ceil(receipt.bytes * 1.05)];

  it.each<[string, Partial<FileSurvey>, boolean, readonly (string | number)[]]>([
    ['download, extraction', {}, true, ['download', zip, 'extract', Math.ceil(zip * 1.05)]],
    ['download alone', {}, false, ['download', zip]],
    ['the rest of a download', { partBytes: 200 * MB }, false, ['download', 300 * MB]],
    ['download alone: its images are here', { images: 'complete' }, true, ['download', zip]],
    ['extraction', here, true, ['extract', unpacked]],
    ['nothing', { ...here, images: 'complete' }, true, []],
    [
      'hash, extraction',
      { ...here, final: 'changed' },
      true,
      ['hash', receipt.bytes, 'extract', unpacked],
    ],
    ['download of a label file', { file: labels }, true, ['download', 1024]],
  ])('is %s', (_name, of, extract, expected) => {
    expect(work(of, extract).flatMap((each) => [each.phase, each.bytes])).toEqual(expected);
  });
});

describe('what a plan needs', () => {
  const plan = (surveys: readonly FileSurvey[], of: Partial<PlanChoices> = {}) =>
    planFetch(surveys, { ...choices, ...of }, 1e12).plan;

  it('is the archives and their images', () => {
    const { bytesToDownload, bytesNeededOnDisk } = plan([survey(), survey()]);
    expect(bytesToDownload).toBe(1000 * MB);
    expect(bytesNeededOnDisk).toBe(1000 * MB + 2 * Math.ceil(500 * MB * 1.05));
  });

  it('is the archives alone, without extraction', () => {
    expect(plan([survey()], { extract: false }).bytesNeededOnDisk).toBe(500 * MB);
  });

  it('is less by what is here', () => {
    const { bytesToDownload } = plan([survey({ partBytes: 200 * MB }), survey(here)]);
    expect(bytesToDownload).toBe(300 * MB);
    const nothing = plan([survey({ ...here, images: 'complete' })]);
    expect(nothing).toMatchObject({ bytesToDownload: 0, bytesNeededOnDisk: 0 });
  });

  it('is nothing for images that are here, where their archive has to be checked or downloaded', () => {
    const checked = plan([survey({ ...here, final: 'changed', images: 'complete' })]);
    expect(checked.bytesNeededOnDisk).toBe(0);
    const downloaded = plan([survey({ images: 'complete' })]);
    expect(downloaded.bytesNeededOnDisk).toBe(500 * MB);
  });

  it('is the archives under way alone, where they are deleted', () => {
    const many = Array.from({ length: 20 }, () => survey());
    const kept = plan(many).bytesNeededOnDisk;
    const deleted = plan(many, { deleteArchives: true, concurrency: 2 }).bytesNeededOnDisk;
    expect(kept - deleted).toBe(16 * 500 * MB);
  });

  it('is too much for a disk with less, and it is said how much', () => {
    const small = planFetch([survey()], choices, 100 * MB).plan;
    expect(isTooSmall(small)).toBe(true);
    expect(isTooSmall({ ...small, bytesFreeOnDisk: small.bytesNeededOnDisk })).toBe(false);
    expect(isTooSmall({ ...small, bytesFreeOnDisk: null })).toBe(false);
    const missing = formatBytes(small.bytesNeededOnDisk - 100 * MB);
    expect(lowDiskError(small, '/d', { extract: true, deleteArchives: false })).toMatchObject({
      code: 'disk-space',
      message: `the disk is too small by about ${missing}: this needs about 1.1 GB, 105 MB are free`,
    });
    const hintOf = (extract: boolean, deleteArchives: boolean) =>
      renderNextSteps(lowDiskError(small, '/d', { extract, deleteArchives }).next, {});
    expect(hintOf(true, false)).toContain('--delete-archives (it needs about half)');
    // It is given already, or has nothing to do with the run.
    expect(hintOf(true, true)).not.toContain('--delete-archives');
    expect(hintOf(false, false)).not.toContain('--delete-archives');
  });
});
