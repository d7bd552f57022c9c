import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { finalPathOf, imagesPathOf, layoutOf } from '../../src/dataset/layout.ts';
import type { Manifest, ManifestFile } from '../../src/manifest/manifest.ts';
import type { Random } from '../../scripts/release/random.ts';
import type { GroupRun, Told } from './process-group.ts';

/** How long a run that nobody disturbs takes, to which moments are fitted. */
export interface Pace {
  /** From the start to the plan. */
  readonly planMs: number;
  /** From the last file to the index. */
  readonly joinMs: number;
  readonly elapsedMs: number;
}

/** So long after the first event for which `isIt` holds; without `isIt`, after the start. */
export interface Moment {
  readonly isIt?: (told: Told, all: readonly Told[]) => boolean;
  readonly afterMs: number;
}

interface Scene {
  readonly manifest: Manifest;
  readonly dest: string;
  readonly pace: Pace;
}

/**
 * A moment by chance: a third of them by the clock alone, from the start to the end; the others
 * somewhere around the steps that are short, which the clock alone would hardly meet.
 */
export async function pickMoment(random: Random, scene: Scene): Promise<Moment> {
  const { manifest, dest, pace } = scene;
  const layout = layoutOf(dest);
  const chance = random.next();
  const toCome = await absent(manifest.files, (file) => finalPathOf(layout, file));
  const archives = manifest.files.filter(({ kind }) => kind === 'archive');
  const toExtract = await absent(archives, ({ name }) => imagesPathOf(layout, name));
  const file = toCome[random.int(toCome.length)]?.name;
  const archive = toExtract[random.int(toExtract.length)]?.name;
  if (chance < 0.33) return { afterMs: random.between(0, pace.elapsedMs) };
  if (chance < 0.4) return { afterMs: random.between(0, pace.planMs * 1.2) };
  if (chance < 0.62 && file !== undefined) {
    return { isIt: isNearItsEnd(file), afterMs: random.between(0, 300) };
  }
  if (chance < 0.72 && file !== undefined) {
    const isIt = (told: Told) => told.event === 'phase-done' && told.file === file;
    return { isIt, afterMs: random.between(0, 12) };
  }
  if (chance < 0.86 && archive !== undefined) {
    const isIt = (told: Told) =>
      told.event === 'phase-start' && told.phase === 'extract' && told.file === archive;
    return { isIt, afterMs: random.between(0, 250) };
  }
  const isIt = (_: Told, all: readonly Told[]) =>
    all.filter(({ event }) => event === 'file-done').length === manifest.files.length;
  return { isIt, afterMs: random.between(0, pace.joinMs * 1.1) };
}

/** Of a download: what comes then is the last bytes, the check, the final name and the receipt. */
function isNearItsEnd(file: string): (told: Told) => boolean {
  return (told) =>
    (told.event === 'progress' || told.event === 'phase-start') &&
    told.file === file &&
    told.phase === 'download' &&
    (told.totalBytes ?? Infinity) - told.doneBytes < 2_500_000;
}

async function absent(
  files: readonly ManifestFile[],
  pathOf: (file: ManifestFile) => string,
): Promise<readonly ManifestFile[]> {
  const isThere = await Promise.all(
    files.map((file) =>
      lstat(pathOf(file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, at) => isThere[at] === false);
}

/** Resolves when the moment has come, or the run has ended before. */
export async function waitFor({ isIt, afterMs }: Moment, run: GroupRun): Promise<void> {
  const ended = run.ended.then(() => 'ended' as const);
  if (isIt !== undefined) {
    let heard = 0;
    const hasCome = () => {
      for (; heard < run.told.length; heard += 1) {
        const told = run.told[heard];
        if (told !== undefined && isIt(told, run.told.slice(0, heard + 1))) return true;
      }
      return false;
    };
    while (!hasCome()) {
      if ((await Promise.race([ended, sleep(1, 'waited')])) === 'ended') return;
    }
  }
  await Promise.race([ended, sleep(afterMs)]);
}
