import { repairStep } from '../dataset/images.ts';
import { asResized } from '../dataset/resized.ts';
import { CcxriError, type NextStep, isCcxriError } from '../errors.ts';
import {
  type ManifestFile,
  type Selection,
  isEmptySelection,
  stemOf,
} from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';
import { isUnread } from '../zip/report.ts';
import type { FolderReport, Located, VerifyRun } from './types.ts';

/** The command that gets a file. */
function fetchStep(file: ManifestFile, purpose: string): NextStep {
  return { kind: 'run', command: 'fetch', files: [stemOf(file.name)], purpose };
}

/**
 * A file that was asked for and is not here. The next step is the same for all of them: a fetch of what
 * was asked for gets whatever is missing.
 */
export function absentError(
  file: ManifestFile,
  expectedPath: string,
  selection: Selection,
): CcxriError {
  return new CcxriError('missing', `${file.name} is not here`, {
    file: file.name,
    expected: expectedPath,
    next: [{ kind: 'run', command: 'fetch', ...selection, purpose: 'to get what is missing' }],
  });
}

/**
 * A file differs from what the ledger recorded when it passed.
 * @param foundBadAt when its bytes were read and found wrong; undefined: they were not
 */
export function changedError(file: ManifestFile, foundBadAt: string | undefined): CcxriError {
  const { name } = file;
  const read: NextStep = {
    kind: 'run',
    command: 'verify',
    purpose: 'to read its bytes and see whether they are right',
  };
  if (foundBadAt !== undefined) {
    const found = `wrong bytes, on ${foundBadAt.slice(0, 10)}`;
    return new CcxriError('md5-mismatch', `${name} was found bad by an earlier check`, {
      file: name,
      expected: `MD5 ${file.md5}`,
      found,
      next: [{ ...fetchStep(file, 'to replace it'), or: read }],
    });
  }
  return new CcxriError('md5-mismatch', `${name} has changed since it passed`, {
    file: name,
    expected: 'the size and mtime with which it passed',
    next: [read, fetchStep(file, 'to replace it if they are not')],
  });
}

interface Place {
  readonly file: ManifestFile;
  readonly path: string;
  /** It is where a fetch would put it. */
  readonly isInPlace: boolean;
  /** The MD5 is the published one all the same. */
  readonly isPublishedSo: boolean;
}

/** What was found against a file that lies there, with its place and what to do next; a bug or stop as it is. */
export function withNextSteps(error: unknown, place: Place): unknown {
  if (!isCcxriError(error) || error.code === 'aborted') return error;
  if (error.facts.otherManifest === true) return error;
  const next = (isUnread(error) ? undefined : nextFor(error, place)) ?? error.next;
  return new CcxriError(error.code, error.message, {
    file: place.file.name,
    path: place.path,
    ...error.facts,
    kept: 'the file, unchanged',
    next,
    cause: error.cause,
  });
}

/** undefined: what the error says is better. */
function nextFor(
  { code, next }: CcxriError,
  { file, path, isInPlace, isPublishedSo }: Place,
): readonly NextStep[] | undefined {
  if (code === 'not-writable') {
    return [{ kind: 'advice', text: `ask its owner for the right to read ${path}` }];
  }
  if (code === 'damaged-archive' && isPublishedSo) {
    return [
      {
        kind: 'advice',
        text: 'report it to the publisher: its MD5 is the published one, so it was published like this',
      },
    ];
  }
  if (code === 'unsafe-archive' && isPublishedSo) {
    return [
      {
        kind: 'advice',
        text: 'do not use it: its MD5 is the published one, so every source has the same; report it to the publisher',
      },
    ];
  }
  if (code !== 'damaged-archive' && code !== 'unsafe-archive' && next.length > 0) return undefined;
  if (isInPlace) return [repairStep(file.name)];
  return [
    { kind: 'advice', text: `move ${toPrintable(path, 4096)} away` },
    fetchStep(file, 'to get it again'),
  ];
}

/** Images whose archive is gone, with nothing to compare them with. */
export function imagesUnknownError(file: ManifestFile, folder: string): CcxriError {
  return new CcxriError(
    'missing',
    `${file.name} is not here, and there is no list to check its images by`,
    {
      file: file.name,
      path: folder,
      expected: 'the archive, or the list that its extraction leaves in .ccxri/ledger',
      next: [fetchStep(file, 'to get the archive'), { kind: 'again' }],
    },
  );
}

/** One command for all archives whose images are gone; where none are, it is not used. */
export function restoreStepOf(wanted: readonly Located[], selection: Selection): NextStep {
  const purpose = 'to bring back all images that are gone';
  if (!isEmptySelection(selection)) return { kind: 'run', command: 'fetch', ...selection, purpose };
  const archives = wanted.filter(({ file }) => file.kind === 'archive');
  const gone = archives.filter(({ imagesGone }) => imagesGone);
  const command = gone.every(({ here }) => here !== undefined) ? 'extract' : 'fetch';
  // Without a name it is for every archive that is here.
  const isForAll = command === 'extract' && gone.length === archives.length;
  const files = isForAll ? [] : gone.map(({ file }) => stemOf(file.name));
  return { kind: 'run', command, files, purpose };
}

/** The ledger knows of an archive's images, and their folder is gone. */
export function imagesGoneError(
  file: ManifestFile,
  { session: { layout }, restoreStep }: VerifyRun,
): CcxriError {
  // No path: where the images of all archives are gone, one message reports all of them.
  return new CcxriError('missing', `${file.name} was extracted, and the images are gone`, {
    file: file.name,
    expected: `the folder of its name in ${layout.images}`,
    next: [restoreStep],
  });
}

interface Folder {
  readonly file: ManifestFile;
  readonly folder: string;
  readonly isArchiveGood: boolean;
  readonly selection: Selection;
  /** The command goes by the ledger, which has them as bad, and may put others in their place. */
  readonly isRepaired: boolean;
  /** They were fetched without the archive. */
  readonly areSingle: boolean;
  /** Pixels of the longest side of images that were made smaller; undefined: none were. */
  readonly resizedTo: number | undefined;
}

/** Some are damaged or missing. */
export function imagesError(
  { file, folder, isArchiveGood, selection, isRepaired, areSingle, resizedTo }: Folder,
  { checked, damaged, missing }: FolderReport,
): CcxriError {
  const files = [stemOf(file.name)];
  const purpose = areSingle ? 'to get the whole archive' : 'to restore them';
  const options = resizedTo === undefined ? {} : asResized(resizedTo);
  const command: NextStep = isEmptySelection(selection)
    ? {
        ...{ kind: 'run', files, options, purpose },
        command: isArchiveGood && resizedTo === undefined ? 'extract' : 'fetch',
      }
    : { kind: 'run', command: 'fetch', ...selection, options, purpose };
  const again: NextStep = {
    kind: 'advice',
    text: 'fetch these images once more, with the options with which you got them',
    or: command,
  };
  const last = areSingle && !isArchiveGood ? again : command;
  const counts = [
    ...(damaged.length > 0 ? [count(damaged.length, 'is damaged', 'are damaged')] : []),
    ...(missing.length > 0 ? [count(missing.length, 'is missing', 'are missing')] : []),
  ].join(', ');
  return new CcxriError(
    damaged.length > 0 ? 'damaged-archive' : 'missing',
    `of ${count(checked, 'file')} in ${folder} ${counts}`,
    {
      file: file.name,
      path: folder,
      expected: `${count(checked, 'file')} as ${file.name} has them`,
      found: [...describe('damaged', damaged), ...describe('missing', missing)].join('; '),
      kept: 'the images, unchanged',
      next: isRepaired
        ? [last]
        : [{ kind: 'advice', text: `move ${toPrintable(folder, 4096)} away` }, last],
    },
  );
}

function describe(how: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [];
  const first = paths.slice(0, 3).map((path) => toPrintable(path, 120));
  const rest = paths.length > first.length ? ` and ${paths.length - first.length} more` : '';
  return [`${how}: ${first.join(', ')}${rest}`];
}
