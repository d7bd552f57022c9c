import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { toDiskError } from '../errors.ts';
import { syncFile } from '../fs/atomic.ts';
import { closeHandle, isAbsent, statOrNull } from '../fs/paths.ts';
import type { ExportedFile } from './types.ts';

const shard = z.strictObject({
  kind: z.literal('shard'),
  split: z.string().nullable(),
  /** Images that were taken for it. */
  taken: z.int().nonnegative(),
  files: z.array(
    z.strictObject({ path: z.string(), bytes: z.int().nonnegative(), sha256: z.string() }),
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
    const handle = await onDisk(path, () => whenFilesAreFree(() => open(path, 'w')));
    const journal = new ExportJournal(path, handle);
    await journal.#append(`${JSON.stringify(of)}\n`);
    for (const each of kept) await journal.#add(each);
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
  for (const each of entries) {
    if (each.kind !== 'shard') continue;
    for (const file of each.files) if (!(await isHere(file, renamed, growing))) return false;
  }
  return true;
}

async function isHere(
  { path, bytes }: ExportedFile,
  renamed: ReadonlyMap<string, string>,
  growing: string,
): Promise<boolean> {
  const names = [path, ...[renamed.get(path) ?? []].flat()];
  const all = await Promise.all(names.map((name) => statOrNull(join(growing, name))));
  return all.some((stats) => stats?.size === bytes);
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDiskError(error, 'write', { path });
  }
}
