import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatasetLayout, layoutOf } from '../dataset/layout.ts';
import { keepManifest } from '../dataset/kept-manifest.ts';
import { assertOfThisManifest } from '../dataset/other-manifest.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { toDiskError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { pathKind } from '../fs/paths.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { fetchFile } from './fetch-file.ts';
import type { FetchOptions, FetchOutcome } from './fetch-types.ts';
import { type FetchTask, decideStep, withUsefulPart } from './plan.ts';
import { type FetchRun, prepareDirectories, withDownloads } from './with-downloads.ts';

/** Label files that are here, checked. */
export interface LabelFilesHere {
  /** Of the directory that they are in. */
  readonly layout: DatasetLayout;
  /** How each has come. */
  readonly outcomes: readonly FetchOutcome[];
}

/**
 * Gets label files, as every fetch does.
 * @throws CcxriError of the first that could not be had; `other-manifest`; `aborted`
 */
async function obtainLabelFiles(
  files: readonly ManifestFile[],
  run: FetchRun,
): Promise<LabelFilesHere> {
  const { session, options } = run;
  const tasks = await tasksOf(files, session, options);
  const isHere = tasks.every(({ step }) => step.action === 'done');
  if (!isHere) await prepareDirectories(session.layout, new Set(['labels']));
  await keepManifest(session);
  const opened = isHere ? run : await run.withSources();
  const outcomes = await session.forEachFile(tasks, (task) => fetchFile(task, opened));
  const failed = outcomes.find(({ error }) => error !== undefined)?.error;
  if (failed !== undefined) throw failed;
  return { layout: session.layout, outcomes };
}

async function tasksOf(
  files: readonly ManifestFile[],
  session: Session,
  { sources = [] }: FetchOptions,
): Promise<readonly FetchTask[]> {
  const typed = sources.length > 0 ? sources : [session.manifest.homepage];
  const found = await session.survey(files);
  const surveys = await Promise.all(
    found.map((survey) => withUsefulPart(survey, { sources: typed, layout: session.layout })),
  );
  await assertOfThisManifest(surveys, session);
  const choices = { extract: false, deleteArchives: false };
  return surveys.map((survey) => ({ survey, step: decideStep(survey, choices) }));
}

/**
 * Where nothing may be written in the dataset directory: label files that are not all there are had into a
 * temporary one for as long as `work` takes.
 * @throws as `obtainLabelFiles`; as `work`
 */
export async function withLabelFiles<T>(
  files: readonly ManifestFile[],
  run: FetchRun,
  work: (labels: LabelFilesHere) => Promise<T>,
): Promise<T> {
  const { session, options } = run;
  if (options.dryRun !== true) return work(await obtainLabelFiles(files, run));
  const here = await session.survey(files);
  if (here.every(({ final }) => final === 'checked' || final === 'unchecked')) {
    return work({ layout: session.layout, outcomes: [] });
  }
  const dest = await temporaryDirectory();
  try {
    await obtainIn(dest, files, run);
    return await work({ layout: layoutOf(dest), outcomes: [] });
  } finally {
    await rm(dest, { recursive: true, force: true });
  }
}

async function temporaryDirectory(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'ccxri-labels-'));
  } catch (error) {
    throw toDiskError(error, 'make a directory in', { path: tmpdir() });
  }
}

/** Those that are in the dataset directory are copied, not downloaded. */
async function obtainIn(
  dest: string,
  files: readonly ManifestFile[],
  { session, options }: FetchRun,
): Promise<void> {
  const { manifest, layout, signal } = session;
  const typed = options.sources ?? [];
  const own = (await pathKind(layout.labels)) === 'directory' ? [layout.labels] : [];
  const sources = [...own, ...(typed.length > 0 ? typed : [manifest.homepage])];
  const selection = { files: files.map(({ name }) => name) };
  // Nothing of it stays: it is no file of the run.
  const onEvent = (event: RunEvent) => {
    if (event.event !== 'file-done') session.onEvent(event);
  };
  const alone: FetchOptions = {
    ...options,
    onOutcome: undefined,
    manifest,
    dest,
    sources,
    selection,
    signal,
    onEvent,
    dryRun: false,
  };
  await withSession(alone, { lock: true }, (temporary) =>
    withDownloads({ session: temporary, options: alone, tasks: [] }, (run) =>
      obtainLabelFiles(files, run),
    ),
  );
}
