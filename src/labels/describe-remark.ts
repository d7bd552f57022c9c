import type { NextStep } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import type { Remark, RemarkKind } from './remarks.ts';

/** A remark in a sentence, with an example or two, safe for a terminal. */
export function describeRemark(remark: Remark): string {
  const { rowExamples = [] } = remark;
  const rows = rowExamples.map((example) => toPrintable(example, 120)).join(', ');
  const text = TEXTS[remark.kind](remark.count, remark.file ?? 'the label file', rows);
  // Which files these are is what a user has to know; of the other kinds two show what is meant.
  const most = remark.kind === 'unexpected-image' ? remark.examples.length : 2;
  const shown = remark.examples.slice(0, most).map((example) => toPrintable(example, 120));
  const more = remark.count > shown.length ? ', …' : '';
  return shown.length === 0 ? text : `${text} (${shown.join(', ')}${more})`;
}

/** What a user can do about a remark; undefined: nothing but look at the data. */
export function nextOfRemark(remark: Remark): readonly NextStep[] | undefined {
  const { kind, file } = remark;
  if (kind === 'unexpected-image') return nextOfUnexpected(remark);
  if (kind === 'index-differs') return WRITE_INDEX;
  if (file === undefined) return undefined;
  if (kind === 'image-in-no-part') return splitAnew(file);
  if (kind === 'no-match') {
    const purpose = 'to see whether it is the published file';
    return [
      { kind: 'run', command: 'verify', files: [file], purpose },
      { kind: 'advice', text: 'make sure that it names the images and archives that are here' },
    ];
  }
  if (kind !== 'no-label-file') return undefined;
  return [{ kind: 'run', command: 'fetch', files: [file], purpose: 'to get it' }];
}

const WRITE_INDEX: readonly NextStep[] = [
  {
    kind: 'run',
    command: 'join',
    purpose: 'to write it anew',
    or: { kind: 'advice', text: 'choose a part of the images with --images FILE instead' },
  },
];

/** Patients who are in a part stay in it. */
function splitAnew(name: string): readonly NextStep[] {
  const options = { ...(name === 'split' ? {} : { name }), 'add-to-index': true } as const;
  const purpose = 'with the ratios and seed that it was made with, to give them parts';
  return [{ kind: 'run', command: 'split', options, purpose }];
}

export const MOVE_UNEXPECTED = 'move them out of images/';

/** Files of no archive, in a sentence without their names. */
export function describeUnexpected(what: 'file' | 'image', n: number): string {
  const files = count(n, `${what} is`, `${what}s are`);
  return `${files} in the folder of an archive that does not have ${n === 1 ? 'it' : 'them'}: no row in the index`;
}

function nextOfUnexpected({ count: n, examples }: Remark): readonly NextStep[] {
  const files = [...new Set(examples.map((path) => path.slice(0, path.indexOf('/'))))];
  const purpose = `to list all of ${files.length === 1 ? 'them' : 'those in these folders'}`;
  const options = { deep: true } as const;
  const list: NextStep = { kind: 'run', command: 'verify', files, options, purpose };
  const move: NextStep = { kind: 'advice', text: MOVE_UNEXPECTED };
  return n > examples.length ? [list, move] : [move];
}

const TEXTS: Readonly<Record<RemarkKind, (n: number, file: string, rows: string) => string>> = {
  'no-match': (n, file, rows) =>
    `no row of ${file} is of any of the ${count(n, 'image')} here that it should have: its rows are ${rows}, the images are others`,
  'no-label-file': (n, file) => `${file} is not here: ${count(n, 'image')} without labels`,
  'image-without-row': (n, file) => `${count(n, 'image')} without a row in ${file}`,
  'image-in-other-archive': (n, file) =>
    `${count(n, 'image is', 'images are')} in another archive than the row in ${file} says: without labels`,
  'row-without-image': (n, file) =>
    `${count(n, 'row')} of ${file} without an image, though the archive is here`,
  'unplaced-rows': (n, file) =>
    `${count(n, 'row')} of ${file} fit no archive of the manifest: labels need the archive named in the row, COVID-19 tags an archive of the subset "viral"`,
  'unknown-archive': (n, file) =>
    `${count(n, 'row')} of ${file} ${n === 1 ? 'names' : 'name'} an archive that the manifest does not have`,
  'unexpected-image': (n) => describeUnexpected('image', n),
  'damaged-member': (n) => `${count(n, 'member')} left out: damaged in the archive as published`,
  'broken-image': (n) => `${count(n, 'image is', 'images are')} empty, cut or something else`,
  'undecodable-image': (n) => `${count(n, 'image')} that can't be decoded`,
  'contradictory-row': (n) => `${count(n, 'image')} with No_Finding and another label together`,
  'row-without-any': (n) => `${count(n, 'image')} with neither No_Finding nor another label`,
  'not-a-value': (n, file) =>
    `${count(n, 'cell')} of ${file} ${n === 1 ? 'is' : 'are'} no value: expected 0 or 1, or True or False`,
  'repeated-image': (n) => `${count(n, 'image')} of a name that its archive has twice`,
  'image-in-two-archives': (n) =>
    `${count(n, 'name of an image', 'names of images')} in more than one archive`,
  'directories-differ': (n) =>
    `${count(n, 'image is', 'images are')} in two directories with other bytes: the first counts`,
  'image-in-two-directories': (n) =>
    `${count(n, 'image is', 'images are')} in two directories alike: counted once`,
  'number-gap': (n) => `${count(n, 'patient')} whose images are not numbered from 000 without gaps`,
  'identical-images': (n) =>
    `${count(n, 'image')} with the same bytes as another: keep both in one part of a split`,
  'patient-in-two-archives': (n) =>
    `${count(n, 'patient')} in more than one archive: split by patient_id, not by archive`,
  'repeated-row': (n, file) =>
    `${count(n, 'row')} of ${file} ${n === 1 ? 'says' : 'say'} again what an earlier row says`,
  'unused-column': (n, file) => `${count(n, 'column')} of ${file} not used`,
  'stray-file': (n) =>
    count(n, 'file under images/ is no image', 'files under images/ are no images'),
  'unknown-folder': (n) =>
    `${count(n, 'folder')} under images/ that no archive of the manifest has: not indexed`,
  'image-in-no-part': (n, split) =>
    `${count(n, 'image')} in no part of the split ${split}: the cells are empty`,
  'index-differs': (n) =>
    `index.csv is not what join would write, in ${count(n, 'row')}: it was edited, or is older than what is here`,
};
