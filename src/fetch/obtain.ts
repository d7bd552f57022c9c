import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finalPathOf, type DatasetLayout } from '../disk/layout.ts';
import type { Ledger } from '../disk/ledger.ts';
import { hashFile } from '../disk/md5.ts';
import type { PartFile } from '../disk/part-file.ts';
import { CcxriError, isCcxriError, toDiskError } from '../errors.ts';
import type { ManifestFile } from '../manifest/schema.ts';
import { ProgressTeller, type DownloadContext } from '../steps/download-context.ts';
import { downloadFile } from '../steps/download-file.ts';
import type { Candidate, Check, Judge } from '../steps/judge.ts';
import type { FileSurvey } from '../steps/survey.ts';

/** What a run needs to make a file stand under its final name. */
export interface ObtainContext extends DownloadContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly judge: Judge;
}

/** A file that lies under its final name, whole and checked. */
export interface Obtained {
  readonly how: 'present' | 'adopted' | 'downloaded';
  readonly bytes: number;
  readonly md5: string;
  readonly check: Check;
  /** null: nothing was downloaded. */
  readonly source: string | null;
}

/** Makes a file stand: it does already, it lies there and passes, or it is downloaded. */
export async function obtain(survey: FileSurvey, context: ObtainContext): Promise<Obtained> {
  const { receipt } = survey;
  if (survey.final === 'checked' && receipt !== undefined) {
    const { bytes, md5, status } = receipt;
    return { how: 'present', bytes, md5, check: status, source: null };
  }
  if (survey.final !== 'absent') {
    const adopted = await adopt(survey, context);
    if (adopted !== undefined) return adopted;
  }
  return download(survey.file, context);
}

/** Hashes what lies there; undefined: it was ours, is not right any more, and was moved away. */
async function adopt(survey: FileSurvey, context: ObtainContext): Promise<Obtained | undefined> {
  const { file, path } = survey;
  const candidate = await hash(survey, context);
  try {
    const check = await context.judge.judge(file, candidate, (passed) =>
      writeReceipt(file, candidate, passed, { context }),
    );
    const { bytes, md5 } = candidate;
    return { how: 'adopted', bytes, md5, check, source: null };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    // Only what this ledger knows to have put there may be moved away.
    if (survey.receipt === undefined) throw occupied(survey, error);
    await moveAside(path, join(context.badDirectory, file.name));
    context.onEvent({
      event: 'warning',
      code: 'disk',
      file: file.name,
      message: `${file.name} was right on ${survey.receipt.checkedAt.slice(0, 10)} and is not now: moved to ${context.badDirectory}, downloading it again`,
    });
    return undefined;
  }
}

async function hash({ file, path, finalBytes }: FileSurvey, context: ObtainContext) {
  const { onEvent, clock, signal } = context;
  const phase = { file: file.name, phase: 'hash', totalBytes: finalBytes } as const;
  const progress = new ProgressTeller(clock, onEvent);
  onEvent({ event: 'phase-start', ...phase, doneBytes: 0 });
  const { md5, bytes } = await hashFile(path, {
    signal,
    onBytes: (doneBytes) => progress.tell({ ...phase, doneBytes }),
  });
  onEvent({ event: 'phase-done', file: file.name, phase: 'hash', bytes, md5 });
  return { path, bytes, md5 };
}

function occupied({ file, path }: FileSurvey, error: CcxriError): CcxriError {
  return new CcxriError(
    'occupied',
    `${path} is not the published ${file.name}, and ccxri did not put it there: ${error.message}`,
    {
      ...error.facts,
      file: file.name,
      path,
      kept: 'the file as it is',
      hint: `move it away, then run the same command again`,
      cause: error,
    },
  );
}

async function moveAside(path: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await rename(path, to);
  } catch (error) {
    throw toDiskError(error, 'move the damaged file away', { path });
  }
}

async function download(file: ManifestFile, context: ObtainContext): Promise<Obtained> {
  let check: Check = 'verified';
  const accept = async (candidate: Candidate, part: PartFile, source: string) => {
    check = await context.judge.judge(file, candidate, async (passed) => {
      const finalPath = finalPathOf(context.layout, file);
      await makeDirectory(dirname(finalPath));
      await part.moveTo(finalPath, dirname(finalPath));
      await writeReceipt(file, { ...candidate, path: finalPath }, passed, { context, source });
    });
  };
  const { source, candidate } = await downloadFile(file, context, accept);
  const { bytes, md5 } = candidate;
  return { how: 'downloaded', bytes, md5, check, source };
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw toDiskError(error, 'make the directory', { path });
  }
}

async function writeReceipt(
  file: ManifestFile,
  { path, bytes, md5 }: Candidate,
  status: Check,
  { context, source }: { readonly context: ObtainContext; readonly source?: string },
): Promise<void> {
  const { mtimeMs } = await stat(path);
  await context.ledger.writeReceipt({
    name: file.name,
    bytes,
    md5,
    mtimeMs,
    status,
    checkedAt: context.clock.date().toISOString(),
    ...(source === undefined ? {} : { source }),
  });
}
