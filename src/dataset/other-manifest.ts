import { CcxriError } from '../errors.ts';
import { isPlausibleSize } from '../manifest/published-size.ts';
import type { Manifest } from '../manifest/schema.ts';
import { count, toPrintable } from '../text.ts';
import { fitsManifest, type FileSurvey } from './survey.ts';

/** More would not be read. */
const MAX_NAMED = 5;

/**
 * Is what is here of a file (or, where the archive was deleted, its images) good data of another
 * manifest, which this one's file would take the place of?
 */
function isOfAnother({ file, final, receipt, images, finalBytes }: FileSurvey): boolean {
  if (final === 'absent') {
    return images === 'complete' && receipt !== undefined && !fitsManifest(file, receipt);
  }
  if (final !== 'other-manifest') return false;
  // Where the published MD5 can't be trusted, the content may speak for the same bytes.
  return file.md5Disputed === undefined || !isPlausibleSize(file, finalBytes);
}

/**
 * Before anything is done: forgetting `--manifest` must not take away what passed for that one.
 * @throws CcxriError `usage`
 */
export function assertOfThisManifest(
  surveys: readonly FileSurvey[],
  { dest, manifest }: { readonly dest: string; readonly manifest: Manifest },
): void {
  const others = surveys.filter(isOfAnother).map(({ file }) => file.name);
  if (others.length > 0) throw refusal(others, { dest, manifest });
}

/** @param files manifest names, at least one */
function refusal(
  files: readonly string[],
  { dest, manifest }: { readonly dest: string; readonly manifest: Manifest },
): CcxriError {
  const release = toPrintable(`${manifest.dataset} ${manifest.version}`);
  const named = files.slice(0, MAX_NAMED).join(', ');
  const more = files.length > MAX_NAMED ? `, and ${files.length - MAX_NAMED} more` : '';
  const [passed, them] =
    files.length === 1 ? ['this file', 'it'] : [`these ${count(files.length, 'file')}`, 'them'];
  return new CcxriError(
    'usage',
    `${passed} passed for another manifest than that of ${release}: ${named}${more}; did you mean --manifest FILE?`,
    {
      ...(files.length === 1 ? { file: files[0] } : {}),
      path: dest,
      kept: 'everything: nothing was begun',
      hint: `add the --manifest FILE with which you got ${them}; to get ${release} as well, give another --dest (or move ${them} away, with the extracted images)`,
    },
  );
}
