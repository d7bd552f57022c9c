import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { toDiskError } from '../errors.ts';
import { pathKind } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { placeOf } from '../labels/join.ts';
import { AheadQueue } from './image-queue.ts';
import { endingOf } from './image-name.ts';
import type { ExportJournal, ShardRecord } from './journal.ts';
import { OutputFiles } from './output-file.ts';
import type { PlannedSplit } from './plan.ts';
import { type ImageSource, readImages } from './read-images.ts';
import type {
  ExportRow,
  ExportedFile,
  ExportedImage,
  ExportedPart,
  ExportedSplit,
  Exporter,
  LeftOutImage,
  ShardTarget,
} from './types.ts';

export interface ShardWork extends ImageSource {
  readonly exporter: Exporter;
  /** What the export grows in. */
  readonly directory: string;
  readonly journal: ExportJournal;
}

export interface WrittenExport {
  readonly parts: readonly ExportedPart[];
  readonly files: readonly ExportedFile[];
  /** Images that are files of their own. */
  readonly images: readonly ExportedImage[];
  /** Images that could not be read. */
  readonly leftOut: readonly LeftOutImage[];
}

/**
 * Writes the shards of each split that are not there yet, and then what is made of all of them.
 * @throws CcxriError of the disk; `aborted`
 */
export async function writeShards(
  splits: readonly PlannedSplit[],
  work: ShardWork,
): Promise<WrittenExport> {
  const { journal } = work;
  work.progress?.plan(
    splits,
    splits.map(({ split }) => takenOf(journal.shardsOf(split))),
  );
  for (const planned of splits) await writeSplit(planned, work);
  const leftOut = journal.shards.flatMap((shard) => shard.leftOut);
  const isLeftOut = new Set(leftOut.map(({ image }) => image));
  const exported = splits.map((planned): ExportedSplit => {
    const { split } = planned;
    return {
      split,
      shards: journal.shardsOf(split).length,
      rows: () => rowsOf(planned, isLeftOut, work.ending),
    };
  });
  const files = await finishExport(exported, work);
  const parts = exported.map(({ split, shards }) => {
    const records = journal.shardsOf(split);
    const lost = records.reduce((sum, shard) => sum + shard.leftOut.length, 0);
    return { split: split ?? null, images: takenOf(records) - lost, shards };
  });
  const images = journal.shards.flatMap((shard) => shard.images);
  return { parts, files, images, leftOut };
}

function takenOf(shards: readonly ShardRecord[]): number {
  return shards.reduce((sum, { taken }) => sum + taken, 0);
}

async function writeSplit(planned: PlannedSplit, work: ShardWork): Promise<void> {
  const { split } = planned;
  const { journal, exporter, directory } = work;
  const before = journal.shardsOf(split);
  let leftOut: LeftOutImage[] = [];
  const images = readImages(planned, work, takenOf(before));
  const queue = new AheadQueue(images, exporter, ({ row }, why) => {
    leftOut.push({ image: placeOf(row), why });
  });
  try {
    for (let number = before.length; !(await queue.isEmpty()); number += 1) {
      const takenBefore = queue.taken;
      leftOut = [];
      const written: ExportedImage[] = [];
      const noteImage = (image: ExportedImage) => void written.push(image);
      const files = await withFiles(work, (create) =>
        exporter.writeShard(queue, { split, number, directory, create, noteImage }),
      );
      const taken = queue.taken - takenBefore;
      if (taken === 0) throw new Error('a shard took no image');
      // Several are written at once: their order is chance.
      leftOut.sort((a, b) => (a.image < b.image ? -1 : 1));
      written.sort((a, b) => (a.path < b.path ? -1 : 1));
      const record = { split: split ?? null, taken, files: [...files] };
      await journal.addShard({ ...record, images: written, leftOut });
    }
  } finally {
    await queue.close();
  }
}

/** @returns the files that `write` has made, without those that it did not close */
async function withFiles(
  { directory, signal }: ShardWork,
  write: (create: ShardTarget['create']) => Promise<void>,
): Promise<readonly ExportedFile[]> {
  throwIfAborted(signal);
  const output = new OutputFiles(directory);
  try {
    await write(output.create);
  } finally {
    await output.discardOpen();
  }
  return output.written;
}

/** @returns every file of the export, by its final name */
async function finishExport(
  exported: readonly ExportedSplit[],
  work: ShardWork,
): Promise<readonly ExportedFile[]> {
  const { directory, journal, exporter } = work;
  const names = new Map<string, string>();
  const move = async (from: string, to: string) => {
    names.set(from, to);
    await journal.noteRenaming(from, to);
    await renameWithin(directory, from, to);
  };
  const made = await withFiles(work, async (create) =>
    exporter.finish?.(exported, { directory, create, rename: move }),
  );
  const ofShards = journal.shards.flatMap(({ files }) => files);
  const renamed = ofShards.map((file) => ({ ...file, path: names.get(file.path) ?? file.path }));
  return [...renamed, ...made];
}

/** Also where an earlier run, which was stopped then, has renamed it. */
async function renameWithin(directory: string, from: string, to: string): Promise<void> {
  const [source, path] = [join(directory, from), join(directory, to)];
  if ((await pathKind(source)) === 'nothing' && (await pathKind(path)) === 'file') return;
  try {
    await rename(source, path);
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the interface is for rows that are read from somewhere
async function* rowsOf(
  { split, archives }: PlannedSplit,
  isLeftOut: ReadonlySet<string>,
  ending: string | undefined,
): AsyncGenerator<ExportRow, void, void> {
  for (const { rows } of archives) {
    for (const row of rows) {
      if (isLeftOut.size > 0 && isLeftOut.has(placeOf(row))) continue;
      yield { row, split, ending: ending ?? endingOf(row.image) };
    }
  }
}
