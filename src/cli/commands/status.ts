import { FILE_STATUSES, statusText } from '../../file-status.ts';
import { pathKind } from '../../fs/paths.ts';
import { type Manifest, selectFiles, stemOf, subsetNames } from '../../manifest/manifest.ts';
import { sumSizes } from '../../manifest/size.ts';
import {
  type FileStatusRow,
  type ImagesStatus,
  type StatusResult,
  datasetStatus,
} from '../../status.ts';
import { count, formatBytes, formatSize, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { countOutcomes, joinParts, renderContentChecked } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runStatus(context: CommandContext): Promise<CommandOutcome> {
  const { manifest, dest, selection, signal } = await runOptionsOf(context);
  const result = await datasetStatus({ manifest, dest, selection, signal });
  const kind = await pathKind(dest);
  const { files } = result;
  return {
    result,
    counts: { files: files.length, ...countOutcomes(files) },
    errors: strictErrors(context, files),
    render: (view) => {
      if (!result.exists) return renderNothing(dest, kind, view);
      const listed = view.verbose ? files : files.filter(isWorthALine);
      return joinParts([
        `${view.style.bold(toPrintable(result.dest, 4096))}\n`,
        renderSubsets(files, manifest, view),
        listed.length === 0 ? '' : renderFiles(listed, view),
        renderContentChecked(files),
        renderNotes(result, view),
      ]);
    },
    isStatusOnly: false,
  };
}

function countOf(files: readonly FileStatusRow[], is: (row: FileStatusRow) => boolean): number {
  return files.filter(is).length;
}

/** There is nothing to be done about it. */
function isDone({ kind, status, images }: FileStatusRow): boolean {
  if (status === 'removed' || status === 'resized') return images === 'complete';
  const isChecked = status === 'verified' || status === 'content-checked';
  return isChecked && (kind === 'labels' || images === 'complete');
}

function isOfAnother({ why }: FileStatusRow): boolean {
  return why === 'other-manifest';
}

function isMissing({ status }: FileStatusRow): boolean {
  return status === 'missing';
}

/** A table of zeros would say less. */
function renderNothing(dest: string, kind: string, { style, suggest }: View): string {
  const next = style.bold('next:');
  const path = toPrintable(dest, 4096);
  return kind === 'nothing'
    ? `there is no directory ${path} yet\n${next} ${suggest.command('fetch', { subsets: ['NAME'] })}\n`
    : `${path} is a file, not a directory\n${next} name another one: --dest DIR\n`;
}

/** Files that are simply here or missing are only counted, as are those of another manifest. */
function isWorthALine(row: FileStatusRow): boolean {
  return !isDone(row) && !isMissing(row) && !isOfAnother(row);
}

/** One line a subset, the last for all; a file that several subsets share counts in each. */
function renderSubsets(files: readonly FileStatusRow[], manifest: Manifest, view: View): string {
  const met = FILE_STATUSES.filter((word) => files.some(({ status }) => status === word));
  const rows = subsetNames(manifest).flatMap((subset) => {
    const names = new Set(selectFiles(manifest, { subsets: [subset] }).map(({ name }) => name));
    const own = files.filter(({ file }) => names.has(file));
    if (own.length === 0) return [];
    const here = own.reduce((bytes, file) => bytes + file.bytesHere, 0);
    const counts = met.map((word) => countOf(own, ({ status }) => status === word));
    const cells = [own.length, ...counts].map(String);
    return [[subset, ...cells, formatBytes(here), formatSize(sumSizes(own))]];
  });
  const titles = ['files', ...met.map(statusText), 'here', 'of'];
  return view.table(['subset', ...titles.map((right) => ({ right }))], rows);
}

function renderFiles(files: readonly FileStatusRow[], view: View): string {
  return view.table(
    ['file', 'status', { right: 'here' }],
    files.map((row) => [row.file, textOf(row), formatBytes(row.bytesHere)]),
  );
}

const WHYS: Readonly<Record<NonNullable<FileStatusRow['why']>, string>> = {
  'not-checked': 'not checked',
  changed: 'changed since it passed',
  'other-manifest': 'right by another manifest',
  quarantined: 'in quarantine',
};

const IMAGES: Readonly<Record<ImagesStatus, string>> = {
  complete: '',
  'good-only': 'extracted but for damaged members',
  single: 'single images',
  partial: 'partly extracted',
  bad: 'images damaged or missing',
  present: 'images not checked',
  missing: 'not extracted',
};

/** `verified, not extracted` */
function textOf({ status, why, images, singleImages, namedImages }: FileStatusRow): string {
  // Of what is not here, no images are expected.
  const isAbsent = status === 'partial' || status === 'missing';
  if (images === 'single' && !isAbsent && why === null) {
    const byName = namedImages > 0 ? ` (by name alone: ${namedImages})` : '';
    return `${statusText(status)}, ${count(singleImages, 'single image')}${byName}`;
  }
  const more = why !== null ? WHYS[why] : isAbsent || images === null ? '' : IMAGES[images];
  return more === '' ? statusText(status) : `${statusText(status)}, ${more}`;
}

function renderNotes(result: StatusResult, { suggest: { command } }: View): string {
  const { files, index, lockedBy, quarantined } = result;
  const unchecked = countOf(
    files,
    ({ status, why }) => status === 'present' && why !== 'other-manifest',
  );
  const others = countOf(files, isOfAnother);
  const removed = countOf(files, ({ status }) => status === 'removed' || status === 'resized');
  const sizes = [...new Set(files.flatMap(({ resizedTo }) => resizedTo ?? []))];
  const bad = files.filter(({ images }) => images === 'bad').map(({ file }) => stemOf(file));
  const notes = [
    others > 0 &&
      `${count(others, 'file is', 'files are')} right by another manifest: that of the directory, or the one with which you got ${others === 1 ? 'it' : 'them'}`,
    `index.csv: ${index ? 'here' : 'not here'}`,
    lockedBy !== null && `another ccxri process is using this directory: ${toPrintable(lockedBy)}`,
    unchecked > 0 &&
      `${count(unchecked, 'file is', 'files are')} here and not checked since: ${command('verify')} reads ${unchecked === 1 ? 'it' : 'them'}`,
    removed > 0 &&
      `of ${count(removed, 'archive that is', 'archives that are')} removed, what is here are the images`,
    sizes.length > 0 &&
      `images of ${count(
        countOf(files, ({ resizedTo }) => resizedTo !== null),
        'archive',
      )} are resized to ${sizes.join(', ')} pixels`,
    bad.length > 0 &&
      `images of ${count(bad.length, 'archive')} found damaged by verify: restore them with ${command('fetch', { files: bad })}`,
    ...quarantined.map((path) => `quarantined, its content was wrong: ${toPrintable(path, 4096)}`),
  ];
  return notes.map((note) => (note === false ? '' : `${note}\n`)).join('');
}
