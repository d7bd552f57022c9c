import { CcxriError, isCcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { type Selection, isEmptySelection, stemOf } from '../manifest/select.ts';
import { selectionFlags } from '../manifest/selection-flags.ts';
import { count, quoteForShell, toPrintable } from '../text.ts';
import type { FolderReport, Located, VerifyContext } from './types.ts';

/** The command that gets a file. */
function fetchCommand(file: ManifestFile): string {
  return `\`ccxri fetch${selectionFlags({ files: [stemOf(file.name)] })}\``;
}

/**
 * A file that was asked for and is not here. The way on is the same for all of them: a fetch of what
 * was asked for gets what is missing of it.
 */
export function absentError(
  file: ManifestFile,
  expectedPath: string,
  selection: Selection,
): CcxriError {
  return new CcxriError('missing', `${file.name} is not here`, {
    file: file.name,
    expected: expectedPath,
    hint: `get what is missing with \`ccxri fetch${selectionFlags(selection)}\``,
  });
}

/** The ledger knows of a file that it is not as it was when it passed. */
export function changedError(file: ManifestFile): CcxriError {
  return new CcxriError('md5-mismatch', `${file.name} is not as it was when it passed`, {
    file: file.name,
    expected: 'the time of change with which it passed, for this release, and no bad check since',
    hint: `\`ccxri verify\` reads its bytes and tells whether they are good; ${fetchCommand(file)} puts it right`,
  });
}

interface Place {
  readonly file: ManifestFile;
  readonly path: string;
  /** The MD5 is the published one all the same. */
  readonly isPublishedSo: boolean;
}

/** What was found against a file that lies there, with place and way on; a bug or stop as it came. */
export function withWayOn(error: unknown, place: Place): unknown {
  if (!isCcxriError(error) || error.code === 'aborted') return error;
  if (error.facts.otherManifest === true) return error;
  const hint = hintFor(error, place) ?? error.hint;
  return new CcxriError(error.code, error.message, {
    file: place.file.name,
    path: place.path,
    ...error.facts,
    kept: 'the file as it is',
    ...(hint === undefined ? {} : { hint }),
    cause: error.cause,
  });
}

/** undefined: what the error says is better. */
function hintFor(
  { code, hint }: CcxriError,
  { file, path, isPublishedSo }: Place,
): string | undefined {
  if (code === 'not-writable') return `let its owner give you the right to read ${path}`;
  if (code === 'damaged-archive' && isPublishedSo) {
    return 'its MD5 is the published one, so it was published like this: tell its publisher';
  }
  if (code === 'unsafe-archive' && isPublishedSo) {
    return 'do not use it: its MD5 is the published one, so another source has the same; report it to its publisher';
  }
  if (code !== 'damaged-archive' && hint !== undefined) return undefined;
  return `move ${quoteForShell(path)} away, then get it again with ${fetchCommand(file)}`;
}

/** Images whose archive is gone, where nothing tells how they should be. */
export function imagesUnknownError(file: ManifestFile, folder: string): CcxriError {
  return new CcxriError(
    'missing',
    `${file.name} is not here, and there is no list to check its images by`,
    {
      file: file.name,
      path: folder,
      expected: 'the archive, or the list that its extraction leaves in .ccxri/ledger',
      hint: `get the archive with ${fetchCommand(file)}, then run the same command again`,
    },
  );
}

/** A file, or the images of one that is gone, that passed with another MD5 than the published one. */
export function otherManifestError({ name }: ManifestFile): CcxriError {
  // No name, path or MD5s: where a whole dataset is another's, all of it is told at once.
  const message = 'it passed for another manifest: did you mean --manifest FILE?';
  return new CcxriError('md5-mismatch', message, {
    file: name,
    otherManifest: true,
    kept: 'all as it is',
    hint: 'run the same command again with the --manifest FILE with which you got it',
  });
}

/** One command for all archives whose images are gone; where none are, it is not used. */
export function bringBackCommand(wanted: readonly Located[], selection: Selection): string {
  if (!isEmptySelection(selection)) return `\`ccxri fetch${selectionFlags(selection)}\``;
  const archives = wanted.filter(({ file }) => file.kind === 'archive');
  const gone = archives.filter(({ imagesGone }) => imagesGone);
  const command = gone.every(({ here }) => here !== undefined) ? 'extract' : 'fetch';
  // Without a name it is for every archive that is here.
  if (command === 'extract' && gone.length === archives.length) return '`ccxri extract`';
  const files = gone.map(({ file }) => stemOf(file.name));
  return `\`ccxri ${command}${selectionFlags({ files })}\``;
}

/** The ledger knows of an archive's images, and there is no folder of them any more. */
export function imagesGoneError(
  file: ManifestFile,
  { layout, bringBack }: Pick<VerifyContext, 'layout' | 'bringBack'>,
): CcxriError {
  // No path: where the images of all archives are gone, that is told at once.
  return new CcxriError('missing', `${file.name} was extracted, and its images are gone`, {
    file: file.name,
    expected: `the folder of its name in ${layout.images}`,
    hint: `bring back all images that are gone with ${bringBack}`,
  });
}

interface Folder {
  readonly file: ManifestFile;
  readonly folder: string;
  readonly isArchiveGood: boolean;
  readonly selection: Selection;
  /** The command goes by the ledger, which has them as bad, and may put others in their place. */
  readonly isMended: boolean;
}

/** Some are damaged or missing. */
export function imagesError(
  { file, folder, isArchiveGood, selection, isMended }: Folder,
  { checked, damaged, missing }: FolderReport,
): CcxriError {
  const extract = `\`ccxri extract --file ${quoteForShell(stemOf(file.name))}\``;
  const alone = isArchiveGood ? extract : fetchCommand(file);
  const isAsked = !isEmptySelection(selection);
  const command = isAsked ? `\`ccxri fetch${selectionFlags(selection)}\`` : alone;
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
      expected: `${count(checked, 'file')} as they came out of ${file.name}`,
      found: [...describe('damaged', damaged), ...describe('missing', missing)].join('; '),
      kept: 'the images as they are',
      hint: isMended
        ? `put them right with ${command}`
        : `move ${quoteForShell(folder)} away, then run ${command}`,
    },
  );
}

function describe(how: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [];
  const first = paths.slice(0, 3).map((path) => toPrintable(path, 120));
  const rest = paths.length > first.length ? ` and ${paths.length - first.length} more` : '';
  return [`${how}: ${first.join(', ')}${rest}`];
}
