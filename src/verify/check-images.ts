import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { finalPathOf } from '../dataset/layout.ts';
import type { MemberContent, MembersRecord } from '../dataset/ledger.ts';
import { stateOf } from '../dataset/survey.ts';
import { type CcxriError, toDiskError } from '../errors.ts';
import { compareContent, compareLength } from '../fs/content.ts';
import { isLink } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { stemOf } from '../manifest/select.ts';
import { count, toPrintable } from '../text.ts';
import { CheckProgress } from './check-archive.ts';
import { imagesError, imagesUnknownError, otherManifestError } from './errors.ts';
import { fits } from './locate.ts';
import type { Findings, FolderReport, Located, VerifyContext, VerifyStatus } from './types.ts';

/** Files read at once, an archive: node's own pool has four threads. */
const FILES_AT_ONCE = 8;
const MAX_BAD_MEMBERS = 20;

/**
 * Checks the images of an archive that is not here any more, against the ledger.
 * @throws CcxriError what is wrong with them; `missing`: the ledger does not know them; `aborted`
 */
export async function checkImagesAlone(
  file: ManifestFile,
  folder: string,
  findings: Findings,
  context: VerifyContext,
): Promise<VerifyStatus> {
  const known = await context.ledger.readMembers(file.name);
  if (known === undefined) throw imagesUnknownError(file, folder);
  if (!fits(file, known)) throw otherManifestError(file);
  const progress = new CheckProgress(file.name, context);
  const options = { file, folder, known, expected: known.members, isArchiveGood: false };
  const damage = await context.deepChecks(() =>
    checkFolder(options, findings, { ...context, progress }),
  );
  progress.end(findings.membersChecked);
  if (damage !== undefined) throw damage;
  return context.depth === 'quick' ? 'unchanged' : 'images-verified';
}

interface CheckFolderOptions {
  readonly file: ManifestFile;
  /** images/<archive> */
  readonly folder: string;
  /** The ledger's list, as it was before this check. */
  readonly known: MembersRecord | undefined;
  /** What should lie there. */
  readonly expected: readonly MemberContent[];
  /** It can be extracted once more. */
  readonly isArchiveGood: boolean;
}

/**
 * Compares every extracted file with what it should be, and takes note of it in the ledger; what lies
 * there besides is told as a warning.
 * @returns what is wrong; undefined: nothing
 */
export async function checkFolder(
  options: CheckFolderOptions,
  findings: Findings,
  context: VerifyContext & { readonly progress: CheckProgress },
): Promise<CcxriError | undefined> {
  const { file, folder, known, expected } = options;
  const { progress, meter } = context;
  progress.begin(expected.reduce((sum, { bytes }) => sum + bytes, 0));
  const report = await compareFolder(folder, expected, context, (bytes) => {
    progress.add(bytes);
    meter.bytesRead += bytes;
  });
  if (context.depth !== 'quick') findings.membersChecked = expected.length;
  const below = `images/${stemOf(file.name)}`;
  findings.badMembers = [...report.damaged, ...report.missing]
    .sort()
    .slice(0, MAX_BAD_MEMBERS)
    .map((path) => `${below}/${path}`);
  const { unexpectedFiles } = report;
  if (unexpectedFiles.length > 0) emitUnexpectedFiles(file, unexpectedFiles, context);
  const isBad = report.damaged.length + report.missing.length > 0;
  // Sizes alone make nothing good.
  if (!isBad && context.depth === 'quick') return undefined;
  const isNoted = await noteImages(known, isBad ? 'bad' : 'good', context);
  if (!isBad) return undefined;
  const isRepaired = isNoted && unexpectedFiles.length === 0 && !(await isLink(folder));
  return imagesError({ ...options, selection: context.selection, isRepaired }, report);
}

function emitUnexpectedFiles(
  file: ManifestFile,
  unexpectedFiles: readonly string[],
  { onEvent }: VerifyContext,
): void {
  const examples = unexpectedFiles.slice(0, 3).map((path) => toPrintable(path, 120));
  onEvent({
    event: 'warning',
    code: 'disk',
    file: file.name,
    message: `${count(unexpectedFiles.length, 'file')} in images/${stemOf(file.name)} not of the archive: ${examples.join(', ')}${unexpectedFiles.length > 3 ? ', …' : ''}`,
  });
}

async function compareFolder(
  folder: string,
  expected: readonly MemberContent[],
  { depth, signal }: VerifyContext,
  onBytes: (bytes: number) => void,
): Promise<FolderReport> {
  const damaged: string[] = [];
  const missing: string[] = [];
  await forEachAtOnce(expected, FILES_AT_ONCE, async (record) => {
    throwIfAborted(signal);
    const path = join(folder, record.path);
    const found =
      depth === 'quick'
        ? await compareLength(path, record)
        : await compareContent(path, record, onBytes);
    if (found === 'absent') missing.push(record.path);
    else if (found === 'different') damaged.push(record.path);
  });
  return {
    checked: expected.length,
    damaged: damaged.sort(),
    missing: missing.sort(),
    unexpectedFiles: await unexpectedFilesIn(folder, expected),
  };
}

async function unexpectedFilesIn(
  folder: string,
  expected: readonly MemberContent[],
): Promise<readonly string[]> {
  const known = new Set<string>();
  for (const { path } of expected) {
    known.add(path);
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      known.add(path.slice(0, at));
    }
  }
  try {
    const here = await readdir(folder, { recursive: true });
    return here
      .map((path) => path.split(sep).join('/'))
      .filter((path) => !known.has(path))
      .sort();
  } catch (error) {
    throw toDiskError(error, 'read', { path: folder });
  }
}

/**
 * Takes the ledger's word for a file back, so that no quick look and no fetch goes by it. Nothing is
 * done about a record that is of other bytes than were read: a fetch at work may have put them there.
 * It never fails: a dataset that can't be written is no less bad.
 */
export async function noteBad(
  { file, here }: Pick<Located, 'file' | 'here'>,
  { ledger, layout, clock }: VerifyContext,
): Promise<void> {
  // The ledger speaks of files in their place.
  if (here?.path !== finalPathOf(layout, file)) return;
  try {
    const receipt = await ledger.readReceipt(file.name);
    if (receipt === undefined || stateOf(file, receipt, here.stats) !== 'checked') return;
    await ledger.writeReceipt({ ...receipt, foundBadAt: clock.date().toISOString() });
  } catch {
    // What was found is told all the same.
  }
}

/**
 * The same for extracted images: the ledger's list of them says that they are damaged, or, once all
 * of them have passed again, no longer. It never fails, either.
 * @param known the list as it was before they were looked at
 * @returns whether the ledger says so now, so that a fetch goes by it
 */
export async function noteImages(
  known: MembersRecord | undefined,
  how: 'good' | 'bad',
  { ledger, clock }: Pick<VerifyContext, 'ledger' | 'clock'>,
): Promise<boolean> {
  try {
    if (known === undefined) return false;
    const { foundBadAt, ...record } = known;
    if ((how === 'bad') === (foundBadAt !== undefined)) return true;
    const now = await ledger.readMembers(known.archive);
    // A fetch at work may have extracted them anew.
    if (now?.extractedAt !== known.extractedAt || now.md5 !== known.md5) return false;
    const mark = how === 'bad' ? { foundBadAt: clock.date().toISOString() } : {};
    await ledger.writeMembers({ ...record, ...mark });
    return true;
  } catch {
    return false;
  }
}
