import { isCcxriError } from '../errors.ts';
import { fromErrorData } from '../threads/error-data.ts';
import type { Member } from '../zip/directory.ts';
import { type OpenArchive, fitsInMemory } from '../zip/inflate.ts';
import type { LoadPool } from '../zip/load-pool.ts';
import type { LoadFaults } from '../zip/load-task.ts';

/** In the order in which they will be asked for. */
export interface ReadAhead {
  readonly pool: LoadPool;
  /** Below images/<archive>/. */
  readonly paths: readonly string[];
}

/** Some ten images of the dataset, of which one room of the pool is enough: a message between threads costs little beside them. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Less is unpacked sooner than a thread is started. */
const MIN_BYTES = 8 * 1024 * 1024;

interface Batch {
  readonly members: readonly Member[];
  readonly bytes: number;
  loading?: Promise<LoadFaults | undefined>;
  /** Lent until the last image of it is given back. */
  room?: SharedArrayBuffer;
  /** Images that were not given back yet. */
  left: number;
}

interface Place {
  readonly batch: number;
  /** Of the member in its batch. */
  readonly number: number;
  readonly from: number;
  readonly size: number;
}

/** Images of an archive, unpacked in threads some batches ahead of whoever asks for them, each once. */
export class ImageBatches {
  readonly #archive: OpenArchive;
  readonly #pool: LoadPool;
  readonly #signal: AbortSignal | undefined;
  readonly #batches: (Batch | undefined)[] = [];
  readonly #places = new Map<string, Place>();
  /** The batch of each image that was taken and not given back. */
  readonly #taken = new Map<string, number>();

  constructor(
    archive: OpenArchive,
    members: ReadonlyMap<string, Member>,
    { pool, paths, signal }: ReadAhead & { readonly signal: AbortSignal | undefined },
  ) {
    this.#archive = archive;
    this.#pool = pool;
    this.#signal = signal;
    const wanted = [...new Set(paths)].flatMap((path) => {
      const member = members.get(path);
      return member !== undefined && fitsInMemory(member) ? [member] : [];
    });
    const bytes = wanted.reduce((sum, { size }) => sum + size, 0);
    if (bytes < MIN_BYTES) return;
    for (const batch of batchesOf(wanted)) this.#add(batch);
  }

  /**
   * @returns undefined: it has to be read alone
   * @throws CcxriError `damaged-archive`, `unsafe-archive`; of the disk; `aborted`
   */
  async take(path: string): Promise<Uint8Array | undefined> {
    const place = this.#places.get(path);
    if (place === undefined) return undefined;
    this.#places.delete(path);
    this.#taken.set(path, place.batch);
    for (let ahead = 0; ahead <= this.#pool.tasksAhead; ahead += 1)
      this.#begin(place.batch + ahead);
    const batch = this.#batches[place.batch];
    const faults = await batch?.loading;
    if (faults === undefined || batch?.room === undefined) return undefined;
    const fault = faults.get(place.number);
    if (fault !== undefined) throw fromErrorData(fault);
    return new Uint8Array(batch.room, place.from, place.size);
  }

  /** The bytes of an image that was taken are not looked at any more. */
  giveBack(path: string): void {
    const number = this.#taken.get(path);
    const batch = number === undefined ? undefined : this.#batches[number];
    if (number === undefined || batch === undefined) return;
    this.#taken.delete(path);
    batch.left -= 1;
    if (batch.left > 0) return;
    this.#batches[number] = undefined;
    if (batch.room !== undefined) this.#pool.takeBack(batch.room);
  }

  /** Resolves when no thread reads the archive any more. */
  async settled(): Promise<void> {
    this.#places.clear();
    await Promise.allSettled(this.#batches.flatMap((batch) => batch?.loading ?? []));
  }

  #add(members: readonly Member[]): void {
    const batch = this.#batches.length;
    let from = 0;
    for (const [number, { name, size }] of members.entries()) {
      this.#places.set(name, { batch, number, from, size });
      from += size;
    }
    this.#batches.push({ members, bytes: from, left: members.length });
  }

  #begin(number: number): void {
    const batch = this.#batches[number];
    if (batch === undefined || batch.loading !== undefined) return;
    const { members, bytes } = batch;
    const room = this.#pool.lendRoom(bytes);
    batch.room = room;
    const task = { archive: this.#archive, members, room };
    batch.loading = this.#pool.load(task, this.#signal).catch((error: unknown) => {
      // The archive ends before one of them: the others may be read alone.
      if (isCcxriError(error, 'damaged-archive')) return undefined;
      throw error;
    });
    // Whoever takes one of its images is told.
    batch.loading.catch(() => undefined);
  }
}

/** Neighbours together; within a batch in the order in which they lie in the archive. */
function batchesOf(members: readonly Member[]): readonly (readonly Member[])[] {
  const batches: Member[][] = [];
  let bytes = Infinity;
  for (const member of members) {
    if (bytes + member.size > BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(member);
    bytes += member.size;
  }
  return batches.map((batch) => batch.sort((a, b) => a.dataStart - b.dataStart));
}
