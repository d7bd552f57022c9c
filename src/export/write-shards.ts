import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { toDiskError } from '../errors.ts';
import { AheadQueue } from './image-queue.ts';
import { OutputFiles } from './output-file.ts';
import type { PlannedSplit } from './plan.ts';
import type {
  ExportImage,
  ExportRow,
  ExportedFile,
  ExportedPart,
  ExportedSplit,
  Exporter,
  LeftOutImage,
  ShardTarget,
} from './types.ts';

interface ShardWork {
  readonly exporter: Exporter;
  /** What the export grows in. */
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
}

export interface WrittenExport {
  readonly parts: readonly ExportedPart[];
  readonly files: readonly ExportedFile[];
  readonly leftOut: readonly LeftOutImage[];
}

/**
 * Writes the shards of each split, and then what is made of all of them.
 * @throws CcxriError of the disk; `aborted`
 */
export async function writeShards(
  splits: readonly PlannedSplit[],
  work: ShardWork,
): Promise<WrittenExport> {
  const files = new Map<string, ExportedFile>();
  const exported: ExportedSplit[] = [];
  const parts: ExportedPart[] = [];
  const write = async (step: (create: ShardTarget['create']) => Promise<void>) => {
    throwIfAborted(work.signal);
    const output = new OutputFiles(work.directory);
    try {
      await step(output.create);
    } finally {
      await output.discardOpen();
    }
    for (const file of output.written) files.set(file.path, file);
  };
  for (const planned of splits) {
    const { split } = planned;
    const queue = new AheadQueue(imagesOf(planned), work.exporter.readsAhead);
    let number = 0;
    try {
      for (; !(await queue.isEmpty()); number += 1) {
        const { directory } = work;
        await write((create) =>
          work.exporter.writeShard(queue, { split, number, directory, create }),
        );
      }
    } finally {
      await queue.close();
    }
    exported.push({ split, shards: number, rows: () => rowsOf(planned) });
    parts.push({ split: split ?? null, images: queue.taken, shards: number });
  }
  const move = async (from: string, to: string) => {
    await renameWithin(work.directory, from, to);
    const file = files.get(from);
    files.delete(from);
    if (file !== undefined) files.set(to, { ...file, path: to });
  };
  const { directory } = work;
  await write(async (create) =>
    work.exporter.finish?.(exported, { directory, create, rename: move }),
  );
  return { parts, files: [...files.values()], leftOut: [] };
}

async function renameWithin(directory: string, from: string, to: string): Promise<void> {
  const path = join(directory, to);
  try {
    await rename(join(directory, from), path);
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}

async function* imagesOf(planned: PlannedSplit): AsyncGenerator<ExportImage, void, void> {
  for await (const row of rowsOf(planned)) {
    yield { ...row, file: undefined, read: () => Promise.resolve(undefined) };
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- as the interface has it
async function* rowsOf({ split, archives }: PlannedSplit): AsyncGenerator<ExportRow, void, void> {
  for (const { rows } of archives) {
    for (const row of rows) yield { row, split, ending: endingOf(row.image) };
  }
}

function endingOf(image: string): string {
  const ending = image.slice(image.lastIndexOf('.') + 1).toLowerCase();
  return ending === 'jpeg' ? 'jpg' : ending;
}
