import { CcxriError, type NextStep } from '../errors.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize } from '../manifest/size.ts';
import { count } from '../text.ts';
import { areImagesSettled } from './images.ts';
import { releaseOf } from './kept-manifest.ts';
import { type Receipt, fitsManifest } from './ledger.ts';
import type { Session } from './session.ts';
import { type FileSurvey, keptFileOf } from './survey.ts';

/** A file that was read, and is not the one of the run's manifest. */
interface WrongFile {
  readonly file: ManifestFile;
  readonly md5: string | null;
  readonly receipt: Receipt | undefined;
}

/**
 * Says of which other manifest the bytes are: they passed for it, or the directory keeps it. Size and mtime
 * do not matter: a copied directory has other times.
 * @returns undefined: they are of no manifest that is known here
 */
export async function ofOtherManifest(
  { file, md5, receipt }: WrongFile,
  session: Pick<Session, 'otherKept'>,
): Promise<CcxriError | undefined> {
  const hasPassed = receipt?.md5 === md5 && !fitsManifest(file, receipt);
  const isOther = hasPassed || (await keptFileOf(file, session))?.md5 === md5;
  return isOther ? otherManifestError(file, session) : undefined;
}

/** A file, or the images of one that is gone, that is right by another manifest than the run's. */
export async function otherManifestError(
  { name }: ManifestFile,
  session: Pick<Session, 'otherKept'>,
): Promise<CcxriError> {
  const kept = await session.otherKept();
  // No name, path or MD5s: where a whole dataset is another's, one message reports all of it.
  const message =
    kept === undefined
      ? 'right by another manifest than the one that is used'
      : `right by another manifest: that of ${releaseOf(kept)}, which the directory keeps`;
  return new CcxriError('other-manifest', message, {
    file: name,
    otherManifest: true,
    kept: 'everything, unchanged',
    next: [stepOf(kept, 'it')],
  });
}

function stepOf(kept: Manifest | undefined, them: string): NextStep {
  if (kept === undefined) {
    return { kind: 'option', option: 'manifest', purpose: `with which you got ${them}` };
  }
  return {
    kind: 'advice',
    text: 'leave out the manifest that you named: the directory keeps its own',
  };
}

/** Files named in a message. */
const MAX_NAMED = 5;

/**
 * Is what is here of a file (or, where the archive was deleted, its images) good data of another
 * manifest, which this one's file would take the place of?
 */
function isOfAnother({ file, final, receipt, images, finalBytes }: FileSurvey): boolean {
  if (final === 'absent') {
    return areImagesSettled(images) && receipt !== undefined && !fitsManifest(file, receipt);
  }
  if (final !== 'other-manifest') return false;
  // Where the published MD5 can't be trusted, the content may speak for the same bytes.
  return file.md5Disputed === undefined || !isPlausibleSize(file, finalBytes);
}

/**
 * Before anything is done: another `--manifest`, or a forgotten one, must not take away what passed for
 * the first.
 * @throws CcxriError `other-manifest`
 */
export async function assertOfThisManifest(
  surveys: readonly FileSurvey[],
  session: Pick<Session, 'dest' | 'manifest' | 'otherKept'>,
): Promise<void> {
  const others = surveys.filter(isOfAnother).map(({ file }) => file.name);
  if (others.length > 0) throw refusal(others, session, await session.otherKept());
}

/** @param files manifest names, at least one */
function refusal(
  files: readonly string[],
  { dest, manifest }: Pick<Session, 'dest' | 'manifest'>,
  kept: Manifest | undefined,
): CcxriError {
  const release = releaseOf(manifest);
  const named = files.slice(0, MAX_NAMED).join(', ');
  const more = files.length > MAX_NAMED ? `, and ${files.length - MAX_NAMED} more` : '';
  const [passed, them] =
    files.length === 1 ? ['this file', 'it'] : [`these ${count(files.length, 'file')}`, 'them'];
  const whose = kept === undefined ? '' : `: that of ${releaseOf(kept)}`;
  return new CcxriError(
    'other-manifest',
    `${passed} passed for another manifest than that of ${release}: ${named}${more}${whose}`,
    {
      ...(files.length === 1 ? { file: files[0] } : {}),
      path: dest,
      kept: 'everything: nothing was started',
      next: [
        {
          ...stepOf(kept, them),
          or: {
            kind: 'option',
            option: 'dest',
            purpose: `to get ${release} as well`,
          },
        },
      ],
    },
  );
}
