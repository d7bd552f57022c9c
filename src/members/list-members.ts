import { throwIfAborted } from '../abort.ts';
import { DIRECTORIES_AT_ONCE } from '../concurrency.ts';
import { warnOfNesting } from '../dataset/find-dataset.ts';
import { type MemberIndex, readMemberIndex } from '../dataset/member-index.ts';
import { withSession } from '../dataset/session.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import { withLabelFiles } from '../fetch/choice-labels.ts';
import { forEachListed, listArchive } from '../fetch/image-archives.ts';
import { type FetchRun, withDownloads } from '../fetch/with-downloads.ts';
import { toProxySettings } from '../http/proxy.ts';
import { unknownArchives } from '../labels/candidates.ts';
import { describeRemark } from '../labels/describe-remark.ts';
import { type LabelTables, groupOf, isImagePath, toImageKey } from '../labels/join.ts';
import { archiveFacts, readLabels } from '../labels/scan.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { type Disagreement, compareWithLabels, remarksOn } from './compare-labels.ts';
import type { ListedMember } from '../zip/listing.ts';
import type {
  ArchiveMembers,
  MemberOfArchive,
  MembersFrom,
  MembersOptions,
  MembersResult,
} from './types.ts';

/**
 * Lists what is in archives, also in those that are not here: by the member indexes that are kept, which
 * takes no request, else by their directories, read over ranges; then the index is kept. Where a
 * directory and the label file do not agree, that is told.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `source-unusable`, `usage`, `not-writable`,
 *   `locked`; `aborted`
 */
export async function listMembers(options: MembersOptions): Promise<MembersResult> {
  const { dest, dryRun = false } = options;
  toProxySettings(options.env ?? {});
  await warnOfNesting(options);
  return withSession(options, { lock: !dryRun }, (session) =>
    withDownloads({ session, options, tasks: [] }, async (run) => {
      const files = session.files.filter(({ kind }) => kind === 'archive');
      const atOnce = options.concurrency ?? DIRECTORIES_AT_ONCE;
      const archives = files.map((file) => ({ file }));
      const list = (archive: Pick<Listed, 'file'>) => listOne(archive.file, run);
      const found = await forEachListed(archives, list, { session, atOnce });
      const tables = await readTables(files, run);
      const compared = await session.forEachFile(
        found,
        (each) => compareAgain(each, { tables, isListed: options.list === true, run }),
        atOnce,
      );
      const disagreements = compared.flatMap(({ disagreement }) => disagreement ?? []);
      const unknown =
        tables === undefined ? [] : unknownArchives(tables, archiveFacts(session.manifest));
      const remarks = [...unknown, ...remarksOn(disagreements)];
      for (const remark of remarks) {
        const message = describeRemark(remark);
        session.onEvent({ event: 'warning', code: 'join-remark', file: remark.file, message });
      }
      return {
        ...{ dest, dryRun, remarks, elapsedMs: session.elapsedMs() },
        archives: compared.map(({ archive }) => archive),
        bytesDownloaded: run.meter.bytesReceived,
      };
    }),
  );
}

interface Listed {
  readonly file: ManifestFile;
  readonly from: MembersFrom | null;
  readonly listing?: MemberIndex['listing'] | undefined;
  readonly error?: CcxriError | undefined;
  /** By an index that may have been received wrongly. */
  readonly isDoubtful?: boolean | undefined;
}

/** What goes wrong is told, not thrown. @throws CcxriError `aborted`; bugs */
async function listOne(file: ManifestFile, run: FetchRun): Promise<Listed> {
  const { session } = run;
  try {
    return await listPlaced(await surveyFile(file, session), run);
  } catch (thrown) {
    const error = session.failureOf(thrown);
    if (error === undefined) throw thrown;
    return { file, from: null, error };
  }
}

/** @param again the directory, although an index is kept */
async function listPlaced(survey: FileSurvey, run: FetchRun, again = false): Promise<Listed> {
  const { file } = survey;
  const isChecked = survey.final === 'checked';
  const kept = isChecked || again ? undefined : await readMemberIndex(run.session.layout, file);
  if (kept !== undefined) {
    const isDoubtful = kept.isConfirmed !== true;
    return { file, from: 'index', listing: kept.listing, isDoubtful };
  }
  const { listing, isLocal } = await listArchive(survey, run, again);
  return { file, from: isChecked ? 'archive' : isLocal ? 'directory' : 'server', listing };
}

/** Of the label files that say something of these archives; undefined: they could not be had, which is told. */
async function readTables(
  archives: readonly ManifestFile[],
  run: FetchRun,
): Promise<LabelTables | undefined> {
  const { session } = run;
  const { manifest, signal } = session;
  const subsets = new Set(archives.flatMap((each) => each.subsets));
  const files = manifest.files.filter(
    (file) => file.kind === 'labels' && file.subsets.some((each) => subsets.has(each)),
  );
  try {
    return await withLabelFiles(files, run, async ({ layout }) => {
      return (await readLabels(layout, manifest, { signal })).tables;
    });
  } catch (error) {
    throwIfAborted(signal);
    if (!isCcxriError(error)) throw error;
    const message = `directories are not compared with the labels: ${error.message}`;
    session.onEvent({ event: 'warning', code: 'join-remark', file: error.facts.file, message });
    return undefined;
  }
}

interface Comparing {
  readonly tables: LabelTables | undefined;
  readonly isListed: boolean;
  readonly run: FetchRun;
}

/** Where an index that may have been received wrongly does not agree with the labels, the directory is read again. */
async function compareAgain(
  found: Listed,
  { tables, isListed, run }: Comparing,
): Promise<Compared> {
  const compared = compare(found, tables, isListed);
  const { imagesWithoutRow = [], rowsWithoutImage = [] } = compared.disagreement ?? {};
  const agrees = imagesWithoutRow.length + rowsWithoutImage.length === 0;
  if (agrees || found.isDoubtful !== true) return compared;
  try {
    const survey = await surveyFile(found.file, run.session);
    return compare(await listPlaced(survey, run, true), tables, isListed);
  } catch (error) {
    throwIfAborted(run.session.signal);
    if (!isCcxriError(error)) throw error;
    return compared;
  }
}

interface Compared {
  readonly archive: ArchiveMembers;
  readonly disagreement: Disagreement | undefined;
}

function compare(
  { file, from, listing, error }: Listed,
  tables: LabelTables | undefined,
  isListed: boolean,
): Compared {
  const of = { file: file.name, subsets: file.subsets, from };
  if (listing === undefined) {
    const nothing = { members: null, images: null, imageBytes: null, archiveBytes: null };
    const rows = { imagesWithoutRow: null, rowsWithoutImage: null, oddities: [] };
    return { archive: { ...of, ...nothing, ...rows, error }, disagreement: undefined };
  }
  const images = listing.members.filter(({ path }) => isImagePath(path));
  const keys = new Set(images.map(({ path }) => toImageKey(path.slice(path.lastIndexOf('/') + 1))));
  const { subsets } = file;
  const disagreement =
    tables && compareWithLabels({ stem: stemOf(file.name), subsets, images: keys }, tables);
  return {
    archive: {
      ...of,
      members: listing.members.length,
      images: images.length,
      imageBytes: images.reduce((sum, { size }) => sum + size, 0),
      archiveBytes: listing.sizeBytes,
      imagesWithoutRow: disagreement?.imagesWithoutRow.length ?? null,
      // The file on COVID-19 names no archives.
      rowsWithoutImage:
        groupOf(subsets) === null ? (disagreement?.rowsWithoutImage.length ?? null) : null,
      oddities: listing.warnings,
      ...(isListed ? { list: listing.members.map(toMember) } : {}),
    },
    disagreement,
  };
}

function toMember({ path, size, compressedSize, crc32 }: ListedMember): MemberOfArchive {
  return { path, bytes: size, packedBytes: compressedSize, crc32 };
}
