import { resolve } from 'node:path';
import { DEFAULT_FILES_AT_ONCE, forEachAtOnce } from '../concurrency.ts';
import { keepManifest } from '../dataset/kept-manifest.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { sweepLeftovers } from '../dataset/sweep.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import { cleanStage } from '../extract/stage.ts';
import { pathKind, removeEmpty } from '../fs/paths.ts';
import { type ManifestFile, stemOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { adoptFiles } from './adopt-files.ts';
import { adoptImages } from './adopt-images.ts';
import { openBundles } from './bundles.ts';
import { findFiles } from './find-files.ts';
import { findImages } from './find-images.ts';
import { type Bundle, ImageFinds } from './image-finds.ts';
import { gatherKnowledge } from './knowledge.ts';
import { LeftBehind } from './left.ts';
import { LookAround } from './look-around.ts';
import { archiveKey } from './match-image.ts';
import type { AdoptRun } from './run.ts';
import type { HashedSeen } from './take-file.ts';
import { TakePool } from './take-pool.ts';
import type { AdoptOptions, AdoptResult, AdoptedFile, AdoptedImages } from './types.ts';
import { type SeenFile, identityOf, liesIn } from './walk.ts';

/**
 * Looks through directories and zips for what belongs to the dataset, whatever it is called, and takes it:
 * archives and label files by their MD5; images by name and, where the archive's members are known, by length and
 * CRC-32. What is found is not changed, but by `move`.
 * @throws CcxriError `usage`: a path is not there, or in the dataset directory; `unknown-subset`, `unknown-file`;
 *   `locked`; of the disk; `aborted`
 */
export async function adoptDataset(options: AdoptOptions): Promise<AdoptResult> {
  const { dest, link = 'auto', dryRun = false } = options;
  const paths = options.paths.map((path) => resolve(path));
  for (const path of paths) await assertPath(path, dest);
  const isNew = (await pathKind(dest)) === 'nothing';
  return withSession(options, { lock: !dryRun }, async (session) => {
    const takePool = new TakePool();
    try {
      const run = { session, link, dryRun, left: new LeftBehind(), takePool };
      const found = await adoptAll(paths, run);
      return { dest, dryRun, link, ...found, elapsedMs: session.elapsedMs() };
    } finally {
      await takePool.close();
    }
  }).finally(async () => {
    // Where nothing was found, nothing is left of the look.
    if (isNew && !dryRun) await removeEmpty([resolve(dest, '.ccxri'), resolve(dest)]);
  });
}

async function assertPath(path: string, dest: string): Promise<void> {
  const shown = toPrintable(path, 4096);
  if ((await pathKind(path)) === 'nothing') {
    throw new CcxriError('usage', `there is no ${shown}`, {
      path,
      next: [{ kind: 'advice', text: 'name directories, zips or files to look through' }],
    });
  }
  if (!(await liesIn(path, dest))) return;
  const message = `${shown} is in the dataset directory: what is there needs no adoption`;
  throw new CcxriError('usage', message, {
    path,
    next: [
      { kind: 'run', command: 'verify', purpose: 'to check what is there', options: { dest } },
    ],
  });
}

type Found = Omit<AdoptResult, 'dest' | 'dryRun' | 'link' | 'elapsedMs'>;

async function adoptAll(paths: readonly string[], run: AdoptRun): Promise<Found> {
  const { session, left, dryRun } = run;
  if (!dryRun) {
    await cleanStage(session.layout);
    await sweepLeftovers(session.layout);
  }
  const dataset = await identityOf(session.dest);
  const look = new LookAround({ paths, dataset }, session, left);
  const wanted = await filesWanted(session);
  const { plausible, zips } = await findFiles(look, { session, wanted }, left);
  const { outcomes: files, others, ...hashed } = await adoptFiles(plausible, run);
  const found = await takeAllImages({ look, zips, others, files }, run);
  const errors = [...found.errors, ...leaveWrongLabels(others, run)];
  // Also of what was here: the run that has put it there may have been killed before this.
  const isAny =
    wanted.size < session.files.length ||
    files.some(({ did }) => did === 'adopted' || did === 'here') ||
    found.images.some(({ crcChecked, named, here }) => crcChecked + named + here > 0);
  if (isAny && !dryRun) await keepManifest(session);
  const { filesSeen } = look;
  return { filesSeen, ...hashed, files, images: found.images, errors, left: left.groups() };
}

/** Those that a fetch would download. */
async function filesWanted(session: Session): Promise<ReadonlySet<ManifestFile>> {
  const surveys = await session.survey();
  const open = surveys.filter(({ final, images }) => {
    const isRemoved = final === 'absent' && images === 'complete';
    return final !== 'checked' && !isRemoved;
  });
  return new Set(open.map(({ file }) => file));
}

interface Places {
  readonly look: LookAround;
  readonly zips: readonly SeenFile[];
  /** Of the size of a published file, and with another MD5. */
  readonly others: readonly HashedSeen[];
  readonly files: readonly AdoptedFile[];
}

async function takeAllImages(places: Places, run: AdoptRun) {
  const { session } = run;
  // It has ended by a full disk, say, which is the outcome of a file already.
  if (isCcxriError(session.signal.reason)) return { images: [], errors: [] };
  const archives = session.files.filter(({ kind }) => kind === 'archive');
  const bundles: Bundle[] = [];
  const errors: CcxriError[] = [];
  try {
    const finds = await findAllImages(archives, places, run, { bundles, errors });
    const found = new Set(finds.archives);
    const ofArchives = archives.filter(({ name }) => found.has(stemOf(name)));
    const images: AdoptedImages[] = [];
    // The images of one are read while those of another are recorded and put in their place.
    await forEachAtOnce(ofArchives.entries(), DEFAULT_FILES_AT_ONCE, async ([at, file]) => {
      images[at] = await adoptImages(file, finds.remove(stemOf(file.name)), run);
    });
    return { images, errors };
  } finally {
    for (const { reader } of bundles) await reader.close();
  }
}

/** Apart from what follows, so that what is known of 162,000 images is not held any longer than this. */
async function findAllImages(
  archives: readonly ManifestFile[],
  { look, zips, others, files }: Places,
  run: AdoptRun,
  found: { readonly bundles: Bundle[]; readonly errors: CcxriError[] },
): Promise<ImageFinds> {
  const { session, left } = run;
  const finds = new ImageFinds(new Set(archives.map(({ name }) => stemOf(name))), left);
  run.takePool.prepare(look.imagesSeen);
  const known = await gatherKnowledge(session, plannedLabels(files));
  const wrong = new Set<SeenFile>(others);
  const context = { known, finds, isWrong: (seen: SeenFile) => wrong.has(seen) };
  const toOpen = [...zips, ...others.filter((each) => !isLabels(each))];
  await openBundles(toOpen, context, run, found);
  await findImages(look, context, left);
  return finds;
}

/** Where label files are that a dry run has found. */
function plannedLabels(files: readonly AdoptedFile[]): ReadonlyMap<string, string> {
  return new Map(files.map(({ file, from }) => [file, from]));
}

/** By what its size lets it be. */
function isLabels({ files }: HashedSeen): boolean {
  return files.every(({ kind }) => kind === 'labels');
}

/** Text of the size of a label file: an error where it has the name of one. */
function leaveWrongLabels(others: readonly HashedSeen[], run: AdoptRun): readonly CcxriError[] {
  const { left, session } = run;
  return others.flatMap((each) => {
    if (!isLabels(each)) return [];
    const file = session.files.find(({ name }) => archiveKey(name) === archiveKey(each.name));
    if (file === undefined) {
      left.add('not-published', each.path, 'no published file has its MD5');
      return [];
    }
    left.add(
      'wrong-content',
      each.path,
      `it is not the published ${file.name}: its MD5 is ${each.md5}`,
    );
    return [
      new CcxriError(
        'md5-mismatch',
        `${toPrintable(each.path)} is not the published ${file.name}`,
        {
          file: file.name,
          path: each.path,
          expected: `MD5 ${file.md5}`,
          found: `MD5 ${each.md5}`,
          kept: 'the file, where it is',
        },
      ),
    ];
  });
}
