import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { compareContent, compareLength } from '../fs/content.ts';
import { stemOf } from '../dataset/layout.ts';
import type { MemberRecord, MembersRecord } from '../dataset/ledger-schema.ts';
import type { Ledger } from '../dataset/ledger.ts';
import { toDiskError, type CcxriError } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { isLink } from '../extract/existing-images.ts';
import { count, toPrintable } from '../text.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { CheckProgress } from './check-progress.ts';
import { noteImages } from './note-bad.ts';
import type { Findings, VerifyContext } from './verify-context.ts';
import type { VerifyStatus } from './types.ts';
import { imagesError, imagesUnknownError, otherManifestError } from './errors.ts';

/** Files read at once, an archive: node's own pool has four threads. */
const FILES_AT_ONCE = 8;
const MAX_BAD_MEMBERS = 20;

/** The ledger's list of an archive's files, if it is of the published archive. */
export async function fittingRecord(
  file: ManifestFile,
  ledger: Ledger,
): Promise<MembersRecord | undefined> {
  const record = await ledger.readMembers(file.name);
  return fits(file, record) ? record : undefined;
}

/** Whether it is of the published archive. */
export function fits(file: ManifestFile, record: MembersRecord | undefined): boolean {
  // Of a disputed MD5 nothing is known; what was extracted had passed.
  return record?.md5 === file.md5 || file.md5Disputed !== undefined;
}

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
  readonly expected: readonly MemberRecord[];
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
  const { strangers } = report;
  if (strangers.length > 0) tellStrangers(file, strangers, context);
  const isBad = report.damaged.length + report.missing.length > 0;
  // Sizes alone make nothing good.
  if (!isBad && context.depth === 'quick') return undefined;
  const isNoted = await noteImages(known, isBad ? 'bad' : 'good', context);
  if (!isBad) return undefined;
  const isMended = isNoted && strangers.length === 0 && !(await isLink(folder));
  return imagesError({ ...options, selection: context.selection, isMended }, report);
}

function tellStrangers(
  file: ManifestFile,
  strangers: readonly string[],
  { onEvent }: VerifyContext,
): void {
  const examples = strangers.slice(0, 3).map((path) => toPrintable(path, 120));
  onEvent({
    event: 'warning',
    code: 'disk',
    file: file.name,
    message: `${count(strangers.length, 'file')} in images/${stemOf(file.name)} not of the archive: ${examples.join(', ')}${strangers.length > 3 ? ', …' : ''}`,
  });
}

/** How the extracted files of an archive are; paths below its folder. */
export interface FolderReport {
  readonly checked: number;
  readonly damaged: readonly string[];
  readonly missing: readonly string[];
  /** What lies there and is not of the archive: no damage. */
  readonly strangers: readonly string[];
}

async function compareFolder(
  folder: string,
  expected: readonly MemberRecord[],
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
    strangers: await strangersIn(folder, expected),
  };
}

async function strangersIn(
  folder: string,
  expected: readonly MemberRecord[],
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
