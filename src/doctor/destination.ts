import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { layoutOf } from '../dataset/layout.ts';
import { readHolders } from '../dataset/locks.ts';
import { withSession } from '../dataset/session.ts';
import { planFetch } from '../fetch/plan.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { type Manifest, type Selection, isEmptySelection, stemOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import {
  type Place,
  assertWritable,
  findLeftovers,
  findPlace,
  foldersElsewhere,
  readFileSystem,
  tryDisk,
} from './disk.ts';
import { type Examination, type Subject, ok } from './examination.ts';
import {
  judgeCase,
  judgeDiskClock,
  judgeFileSystem,
  judgeFlush,
  judgeInodes,
  judgeLock,
  judgeLongPath,
  judgeSpace,
} from './judge-disk.ts';

const SUBJECT: Subject = { part: 'destination' };

export interface DestinationWork {
  readonly examination: Examination;
  readonly manifest: Manifest;
  readonly dest: string;
  readonly selection: Selection;
  readonly clock: Clock;
  /** Nothing is written. */
  readonly dryRun: boolean;
}

/** Looks at the disk that the dataset goes to; nothing is left there. */
export async function examineDestination(work: DestinationWork): Promise<void> {
  const { examination, dest } = work;
  const place = await examination.attempt(SUBJECT, 'directory', () => findPlace(dest));
  if (place === undefined) return;
  await examineDirectory(place, work);
  await examineRoom(place, work);
  const layout = layoutOf(dest);
  const lock = await examination.attempt(SUBJECT, 'lock', async () => {
    return judgeLock(await readHolders(layout), await findLeftovers(layout));
  });
  if (lock !== undefined) examination.add(SUBJECT, 'lock', lock);
}

async function examineDirectory(place: Place, work: DestinationWork): Promise<void> {
  const { examination, manifest, clock, dryRun } = work;
  const longest = longestPathOf(manifest);
  const trial = await examination.attempt(SUBJECT, 'directory', async (signal) => {
    await assertWritable(place);
    return dryRun ? null : tryDisk(place, longest, { clock, signal });
  });
  if (trial === undefined) return;
  const { dest, nearest } = place;
  const isThere = dest === nearest;
  const where = toPrintable(nearest, 1000);
  examination.add(
    SUBJECT,
    'directory',
    ok(isThere ? `${where} may be written` : `not there yet; ${where} may be written`),
  );
  if (trial === null) return;
  examination.add(SUBJECT, 'rename', ok('a file can take the place of another'));
  examination.add(SUBJECT, 'flush', judgeFlush(trial));
  examination.add(SUBJECT, 'case', judgeCase(trial));
  examination.add(SUBJECT, 'disk-clock', judgeDiskClock(trial));
  const result = judgeLongPath(trial, join(dest, longest).length);
  examination.add(SUBJECT, 'path-length', result);
}

/** Longer than any image's name that is known: `patient10924379_000.jpg`. */
const IMAGE_NAME = 'n'.repeat(40);

/** Below the dataset directory: of an image that is being extracted, in a folder of the archive's. */
function longestPathOf({ files }: Manifest): string {
  const archives = files.filter(({ kind }) => kind === 'archive');
  const stems = archives.map(({ name }) => stemOf(name));
  const longest = stems.reduce((long, stem) => (stem.length > long.length ? stem : long), '');
  return join('.ccxri', 'stage', `${longest}.0123456789ab`, 'images', longest, IMAGE_NAME);
}

async function examineRoom(place: Place, work: DestinationWork): Promise<void> {
  const { examination, manifest, dest, selection } = work;
  const isSelected = !isEmptySelection(selection);
  const planned = await examination.attempt(SUBJECT, 'space', (signal) =>
    withSession({ manifest, dest, selection, signal }, {}, async (session) => {
      const choices = { extract: true, deleteArchives: false, concurrency: 1 };
      const surveys = await session.survey();
      return planFetch(surveys, choices, await freeBytesAt(dest));
    }),
  );
  if (planned === undefined) return;
  examination.add(SUBJECT, 'space', judgeSpace(planned.plan, isSelected));
  const disk = await examination.attempt(SUBJECT, 'file-system', async () => {
    const elsewhere = await foldersElsewhere(layoutOf(dest));
    return { elsewhere, found: await readFileSystem(place.nearest) };
  });
  if (disk?.found == null) return;
  examination.add(SUBJECT, 'file-system', judgeFileSystem(disk.found, disk.elsewhere));
  const toExtract = planned.tasks.filter(
    ({ survey, step }) => survey.file.kind === 'archive' && step.action !== 'done',
  );
  const bytesToExtract = toExtract.reduce((sum, { step }) => sum + step.bytes, 0);
  const isCounted = manifest.counts !== undefined;
  const inodes = judgeInodes(disk.found, { bytesToExtract, isCounted }, isSelected);
  if (inodes !== undefined) examination.add(SUBJECT, 'inodes', inodes);
}
