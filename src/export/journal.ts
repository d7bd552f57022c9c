import { type FileHandle, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { toDiskError } from '../errors.ts';
import { syncDirectory, syncFile } from '../fs/atomic.ts';
import { closeHandle, isAbsent, statOrNull } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';

const shard = z.strictObject({
  kind: z.literal('shard'),
  split: z.string().nullable(),
  /** Images that were taken for it. */
  taken: z.int().nonnegative(),
  files: z.array(
    z.strictObject({ path: z.string(), bytes: z.int().nonnegative(), sha256: z.string() }),
  ),
  /** Images that are files of their own. */
  images: z.array(
    z.strictObject({
      path: z.string(),
      bytes: z.int().nonnegative(),
      sha256: z.string().nullable(),
    }),
  ),
  leftOut: z.array(z.strictObject({ image: z.string(), why: z.string() })),
});
/** Noted before a file gets its final name. */
const renaming = z.strictObject({ kind: z.literal('renaming'), from: z.string(), to: z.string() });
const entry = z.discriminatedUnion('kind', [shard, renaming]);

/** A shard that is whole, and on the disk. */
export type ShardRecord = Readonly<z.output<typeof shard>>;
type Entry = Readonly<z.output<typeof entry>>;

/** Longer than any: a line for a shard. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * What is written of an export so far, as a file beside it: the first line says what the export is made of,
 * each other one is a shard that is whole, or a file that gets another name.
 */
export class ExportJournal {
  readonly shards: ShardRecord[] = [];
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /**
   * @param of what the export is made of; what was written of another one does not count
   * @param growing the directory that its files are in
   * @throws CcxriError of the disk
   */
  static async open(path: string, of: string, growing: string): Promise<ExportJournal> {
    const before = await readEntries(path, of);
    const kept = (await areHere(before, growing)) ? before : [];
    // Beside the old one, which still counts where this fails, as on a disk that is full.
    const fresh = `${path}.new`;
    const handle = await onDisk(path, () => whenFilesAreFree(() => open(fresh, 'w')));
    const journal = new ExportJournal(path, handle);
    try {
      const lines = [of, ...kept].map((each) => `${JSON.stringify(each)}\n`);
      await journal.#append(lines.join(''));
      await onDisk(path, async () => {
        await rename(fresh, path);
        await syncDirectory(dirname(path));
      });
    } catch (error) {
      await handle.close().catch(() => undefined);
      await unlink(fresh).catch(() => undefined);
      throw error;
    }
    journal.shards.push(...kept.filter((each) => each.kind === 'shard'));
    return journal;
  }

  /** Of one part of the split, in their order. */
  shardsOf(split: string | undefined): readonly ShardRecord[] {
    return this.shards.filter((each) => each.split === (split ?? null));
  }

  addShard(record: Omit<ShardRecord, 'kind'>): Promise<void> {
    return this.#add({ kind: 'shard', ...record });
  }

  noteRenaming(from: string, to: string): Promise<void> {
    return this.#add({ kind: 'renaming', from, to });
  }

  close(): Promise<void> {
    return closeHandle(this.#handle, this.#path);
  }

  async #add(each: Entry): Promise<void> {
    await this.#append(`${JSON.stringify(each)}\n`);
    if (each.kind === 'shard') this.shards.push(each);
  }

  async #append(text: string): Promise<void> {
    await onDisk(this.#path, async () => {
      await this.#handle.appendFile(text);
      await syncFile(this.#handle);
    });
  }
}

/** Up to the first line that is cut. */
async function readEntries(path: string, of: string): Promise<readonly Entry[]> {
  let text;
  try {
    if ((await stat(path)).size > MAX_BYTES) return [];
    text = await whenFilesAreFree(() => readFile(path, 'utf8'));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw toDiskError(error, 'read', { path });
  }
  const [first, ...lines] = text.split('\n');
  if (first !== JSON.stringify(of)) return [];
  const entries: Entry[] = [];
  for (const line of lines) {
    const parsed = entry.safeParse(parseOrNull(line));
    if (!parsed.success) break;
    entries.push(parsed.data);
  }
  return entries;
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

async function areHere(entries: readonly Entry[], growing: string): Promise<boolean> {
  const renamed = new Map(
    entries.flatMap((each) => (each.kind === 'renaming' ? [[each.from, each.to] as const] : [])),
  );
  const isHere = async ({ path, bytes }: { readonly path: string; readonly bytes: number }) => {
    const names = [path, ...[renamed.get(path) ?? []].flat()];
    for (const name of names) {
      if ((await statOrNull(join(growing, name)))?.size === bytes) return true;
    }
    return false;
  };
  for (const each of entries) {
    if (each.kind !== 'shard') continue;
    for (const file of [...each.files, ...each.images]) if (!(await isHere(file))) return false;
  }
  return true;
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}
