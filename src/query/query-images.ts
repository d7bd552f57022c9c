import { throwIfAborted } from '../abort.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { type MemberIndex, readMemberIndex } from '../dataset/member-index.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { type FileSurvey, surveyFile } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { fetchDataset } from '../fetch/fetch-dataset.ts';
import { isOfSource } from '../fetch/each-source.ts';
import { forEachListed, listArchive, listNames } from '../fetch/image-archives.ts';
import { type FetchRun, withDownloads } from '../fetch/with-downloads.ts';
import { type ImageChoice, choosesImages } from '../labels/image-choice.ts';
import { type MadeChoice, labelFilesFor, makeChoice, readChoice } from '../labels/make-choice.ts';
import {
  type Manifest,
  type ManifestFile,
  isEmptySelection,
  selectFiles,
  stemOf,
} from '../manifest/manifest.ts';
import type { ArchiveListing } from '../zip/listing.ts';
import { countChoice, toList } from './count-choice.ts';
import type { QueryOptions, QueryResult } from './types.ts';

/**
 * Chooses images and counts them, without fetching any. Label files that the choice needs and that are
 * not here are fetched first; directories of archives that no label file speaks of are read, and kept.
 * @throws CcxriError `nothing-selected`; `unknown-label`, `unknown-subset`, `unknown-file`; `usage`: a
 *   list is wrong; `nothing-chosen`; `labels-invalid`; what a fetch of a label file ends with; of the
 *   sources and the disk; `aborted`
 */
export async function queryImages(options: QueryOptions): Promise<QueryResult> {
  const { manifest } = await resolveManifest(options);
  const choice = await readChoice(options.choice, manifest);
  if (!choosesImages(choice) && isEmptySelection(options.selection ?? {})) throw nothingSelected();
  const run = { ...options, manifest };
  await fetchLabels(choice, run);
  return withSession(run, {}, (session) =>
    withDownloads({ session, options: run, tasks: [] }, async (downloads) => {
      const made = await makeChoice(choice, {
        manifest,
        layout: session.layout,
        files: session.files,
        listImages: (archives) => listNames(archives, downloads),
        signal: session.signal,
      });
      const result = await toResult(made, downloads);
      return options.list === true ? { ...result, list: toList(made, manifest) } : result;
    }),
  );
}

function nothingSelected(): CcxriError {
  return new CcxriError('nothing-selected', 'say which images to look for', {
    next: [
      {
        kind: 'option',
        option: 'label',
        value: 'Hernia',
        or: { kind: 'option', option: 'subset', value: 'chestdx' },
      },
    ],
  });
}

/** @throws CcxriError what went wrong with the first that can't be had */
async function fetchLabels(
  choice: ImageChoice,
  options: QueryOptions & { readonly manifest: Manifest },
): Promise<void> {
  const { manifest, selection = {} } = options;
  const selected = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const missing: string[] = [];
  await withSession(options, {}, async (session) => {
    for (const file of labelFilesFor(choice, selected, manifest)) {
      const survey = await surveyFile(file, session);
      if (survey.final === 'absent') missing.push(file.name);
      else if (survey.final !== 'checked') await warnIfWrong(survey, session);
    }
  });
  if (missing.length === 0) return;
  const { outcomes } = await fetchDataset({
    ...options,
    selection: { files: missing },
    extract: false,
    join: false,
  });
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) throw failed.error;
}

/** Its rows are counted all the same: somebody may have put them there on purpose. */
async function warnIfWrong(
  { file, path, finalBytes }: FileSurvey,
  session: Session,
): Promise<void> {
  const { md5 } = await session.hash(file.name, path, finalBytes);
  if (md5 === file.md5) return;
  const message = `${path} is not what was published (MD5 ${md5}, expected ${file.md5}): what is counted is what it says`;
  session.onEvent({ event: 'warning', code: 'join-remark', file: file.name, message });
}

/** An index that was kept may have been received wrongly: it is read again before it is held against an archive. */
async function toResult(made: MadeChoice, run: FetchRun): Promise<QueryResult> {
  const { session } = run;
  const { manifest, dest, layout } = session;
  const chosen = new Set([...made.images, ...made.controls].map(({ archive }) => archive));
  const archives = manifest.files.filter(({ name }) => chosen.has(stemOf(name)));
  const indexes = new Map<string, MemberIndex>();
  for (const file of archives) {
    const index = await readMemberIndex(layout, file);
    if (index !== undefined) indexes.set(stemOf(file.name), index);
  }
  const listings = new Map([...indexes].map(([stem, { listing }]) => [stem, listing]));
  const counts = countChoice(made, manifest, listings);
  const stems = new Set(counts.notInArchive.map((place) => place.slice(0, place.indexOf('/'))));
  const doubtful = archives.filter(({ name }) => {
    const stem = stemOf(name);
    return stems.has(stem) && indexes.get(stem)?.isConfirmed !== true;
  });
  if (doubtful.length === 0) return { dest, ...counts };
  const again = doubtful.map((file) => ({ file }));
  await forEachListed(
    again,
    async ({ file }) => {
      const listing = await listAgain(file, run);
      if (listing !== undefined) listings.set(stemOf(file.name), listing);
    },
    run,
  );
  return { dest, ...countChoice(made, manifest, listings) };
}

/** @returns undefined: no source serves its directory */
async function listAgain(file: ManifestFile, run: FetchRun): Promise<ArchiveListing | undefined> {
  const { session } = run;
  try {
    return (await listArchive(await surveyFile(file, session), run, true)).listing;
  } catch (error) {
    throwIfAborted(session.signal);
    if (!isOfSource(error)) throw error;
    return undefined;
  }
}
