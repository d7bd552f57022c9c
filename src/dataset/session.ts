import pLimit from 'p-limit';
import { runSignal, throwIfAborted } from '../abort.ts';
import { type Clock, systemClock } from '../clock.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { PartStore } from '../download/part-store.ts';
import { CcxriError, type ErrorCode, isCcxriError, toErrorRecord } from '../errors.ts';
import { type EventListener, type FileDoneEvent, ignoreEvents, withSubsets } from '../events.ts';
import type { FileStatus } from '../file-status.ts';
import type { JobAttempt } from '../fs/lock-file.ts';
import { acquireLock } from '../fs/lock.ts';
import { pathKind, removeEmpty } from '../fs/paths.ts';
import type { HashedFile } from '../hash/hash-file.ts';
import { HashPool } from '../hash/hash-pool.ts';
import { hashWithProgress } from '../hash/hash-with-progress.ts';
import {
  type Manifest,
  type ManifestFile,
  type Selection,
  isEmptySelection,
  selectFiles,
} from '../manifest/manifest.ts';
import { type Shard, filesOfShard, shardName } from '../manifest/shard.ts';
import { UnpackPool } from '../zip/unpack-pool.ts';
import { Acceptance, mtimeOf } from './acceptance.ts';
import type { MembersNoted } from './images.ts';
import { isSameManifest, manifestText, readKept, resolveManifest } from './kept-manifest.ts';
import { type DatasetLayout, layoutOf } from './layout.ts';
import { Ledger } from './ledger.ts';
import { type ShardOptions, listRivals, shardLockOf } from './locks.ts';
import { type FileSurvey, surveyFile } from './survey.ts';

/** Files looked at at once: Node's own pool has four threads. */
const SURVEYS_AT_ONCE = 8;
/** The disk is full, or gone, for every other file as well; or it is the process that can't go on. */
const ENDS_THE_RUN: readonly ErrorCode[] = [
  'disk-full',
  'disk-space',
  'no-inodes',
  'not-writable',
  'disk-io',
  'process-limit',
];

/** What every command on a dataset directory takes. */
export interface RunOptions {
  /**
   * What there is, and how to know it is right. Default: the manifest that the directory keeps, else the
   * bundled one.
   */
  readonly manifest?: Manifest | undefined;
  /** The dataset directory. */
  readonly dest: string;
  /** What of the manifest is meant; each command says what nothing means to it. */
  readonly selection?: Selection | undefined;
  /** Stops the run; what is there is kept, and the call rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Receives what happens while it happens. Default: nobody. */
  readonly onEvent?: EventListener | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * How one file ended. A file that is wrong is a result, with its error; only wrong usage, a stop
 * from outside and bugs are thrown.
 */
export interface FileOutcome {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** What is here of it when the command has ended. */
  readonly status: FileStatus;
  /** What is wrong with it. Absent where nothing is. */
  readonly error?: CcxriError | undefined;
}

export interface SessionOptions extends RunOptions, ShardOptions {
  /** Wait for another ccxri in the same directory instead of refusing with `locked`. */
  readonly wait?: boolean | undefined;
  /** What `manifest` was read from, which the directory keeps as it is. Default: `manifest` as JSON. */
  readonly manifestText?: string | undefined;
}

export interface HashedInPlace extends HashedFile {
  readonly mtimeMs: number;
}

type DoneOutcome = Omit<FileOutcome, 'subsets'> &
  Pick<FileDoneEvent, 'did'> &
  Partial<Pick<FileDoneEvent, 'images'>> &
  Partial<Pick<MembersNoted, 'damagedMembers'>>;

/**
 * One run on a dataset directory: what is selected, the ledger, the threads, and the one signal that
 * ends it all. Made by `withSession`, which also closes it.
 */
export class Session {
  readonly manifest: Manifest;
  /** What it was read from. */
  readonly manifestText: string;
  readonly dest: string;
  readonly selection: Selection;
  /** Whether anything was selected by name. */
  readonly isSelected: boolean;
  /** What is selected, each once; without a selection every file of the manifest. Of a shard: its part. */
  readonly files: readonly ManifestFile[];
  /** Absent: the run works on all that is selected. */
  readonly shard: Shard | undefined;
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly parts: PartStore;
  readonly acceptance: Acceptance;
  readonly hashPool = new HashPool();
  readonly unpackPool = new UnpackPool();
  readonly clock: Clock;
  readonly onEvent: EventListener;
  /** Fires when the user stops the run, and when the run ends itself. */
  readonly signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #userSignal: AbortSignal | undefined;
  readonly #startMs: number;
  readonly #job: JobAttempt | undefined;
  #otherKept: Promise<Manifest | undefined> | undefined;
  /** Bound by the disk and the processors, not by the network. */
  readonly #hashes = pLimit(this.hashPool.lanes);

  /** @throws CcxriError `unknown-subset`, `unknown-file` */
  constructor(options: SessionOptions & { readonly manifest: Manifest }) {
    this.manifest = options.manifest;
    this.manifestText = options.manifestText ?? manifestText(this.manifest);
    this.dest = options.dest;
    this.selection = options.selection ?? {};
    this.isSelected = !isEmptySelection(this.selection);
    const files = this.isSelected
      ? selectFiles(this.manifest, this.selection)
      : this.manifest.files;
    this.shard = options.shard;
    this.files = this.shard === undefined ? files : filesOfShard(files, this.shard);
    this.clock = options.clock ?? systemClock;
    this.onEvent = withSubsets(options.onEvent ?? ignoreEvents, this.manifest.files);
    this.signal = runSignal(options.signal, this.#stop);
    const layout = layoutOf(this.dest);
    this.layout =
      this.shard === undefined
        ? layout
        : { ...layout, lock: shardLockOf(layout, this.shard, files) };
    this.#job = options.job;
    this.ledger = new Ledger(this.layout.ledger);
    const onNotice = (message: string) => this.onEvent({ event: 'warning', code: 'disk', message });
    this.parts = new PartStore(this.layout.partial, onNotice, {
      follow: (handle) => this.hashPool.follow(handle),
      clock: this.clock,
    });
    this.acceptance = new Acceptance(this);
    this.#userSignal = options.signal;
    this.#startMs = this.clock.nowMs();
  }

  /** The manifest that the directory keeps, if it is another one than that of the run. */
  readonly otherKept = (): Promise<Manifest | undefined> => {
    this.#otherKept ??= readKept(this.layout).then((kept) =>
      kept.kind === 'kept' && !isSameManifest(kept.manifest, this.manifest)
        ? kept.manifest
        : undefined,
    );
    return this.#otherKept;
  };

  elapsedMs(): number {
    return Math.round(this.clock.nowMs() - this.#startMs);
  }

  /** What is known of files, by default of all that are selected. @throws CcxriError of the disk */
  survey(files: readonly ManifestFile[] = this.files): Promise<FileSurvey[]> {
    return pLimit(SURVEYS_AT_ONCE).map(files, (file) => {
      throwIfAborted(this.signal);
      return surveyFile(file, this);
    });
  }

  /** Hashes a file that is here, once a thread is free. @throws as `hashFile` */
  hash(name: string, path: string, totalBytes: number): Promise<HashedInPlace> {
    return this.#hashes(async () => {
      throwIfAborted(this.signal);
      // Of before the hash: whatever is written later is seen to be another file.
      const mtimeMs = await mtimeOf(path);
      return { ...(await hashWithProgress(name, path, totalBytes, this)), mtimeMs };
    });
  }

  /**
   * Works through a list and gives one outcome an item. What `work` throws is a bug or a stop: it ends
   * the run, but not before everything under way has ended, so that nothing goes on behind the caller.
   * @param atOnce where `work` has no limits of its own
   */
  async forEachFile<Item, Outcome>(
    items: readonly Item[],
    work: (item: Item) => Promise<Outcome>,
    atOnce = Infinity,
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    await forEachAtOnce(items.entries(), Math.min(atOnce, items.length), async ([at, item]) => {
      try {
        outcomes[at] = await work(item);
      } catch (error) {
        this.#stop.abort(error);
        throw error;
      }
    });
    throwIfAborted(this.#userSignal);
    return outcomes;
  }

  /**
   * What an error means for one file of the run. A full disk ends the run: the next file would meet
   * the same.
   * @returns undefined: not this file has failed, but the run has ended before it was done
   * @throws CcxriError `aborted`: the user has stopped the run; bugs
   */
  failureOf(error: unknown): CcxriError | undefined {
    throwIfAborted(this.#userSignal);
    if (this.signal.aborted) return undefined;
    if (!isCcxriError(error)) throw error;
    if (ENDS_THE_RUN.includes(error.code)) this.#stop.abort(error);
    return error;
  }

  /**
   * Runs `work` as the only run in the directory, or as the only one on its shard. Directories that were
   * made for the lock alone are removed again where it fails.
   * @throws CcxriError `locked`; of the disk; `aborted`; as `work`
   */
  async withLock<T>(
    { wait = false }: Pick<SessionOptions, 'wait'>,
    work: () => Promise<T>,
  ): Promise<T> {
    const { lock: path, state, root } = this.layout;
    const made: string[] = [];
    for (const each of [state, root]) if ((await pathKind(each)) === 'nothing') made.push(each);
    const onNotice = (message: string) =>
      this.onEvent({ event: 'warning', code: 'stale-lock', message });
    const release = await acquireLock({
      path,
      part: this.shard && `shard ${shardName(this.shard)}`,
      rivals: () => listRivals(this.layout),
      job: this.#job,
      wait,
      clock: this.clock,
      signal: this.#userSignal,
      onNotice,
    });
    try {
      return await work().finally(release);
    } catch (error) {
      await removeEmpty(made);
      throw error;
    }
  }

  /** Emits how the work on a file ended. */
  emitDone(
    { file, status, did, error, damagedMembers = [], images }: DoneOutcome,
    check?: 'content-checked',
  ): void {
    const record = error === undefined ? undefined : toErrorRecord(error);
    const leftOut = damagedMembers.length === 0 ? {} : { damagedMembers };
    const chosen = images === undefined ? {} : { images };
    const done = { event: 'file-done', file, status, did, check, error: record } as const;
    this.onEvent({ ...done, ...leftOut, ...chosen });
  }

  /** Ends what is under way, and the threads. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.hashPool.close(), this.unpackPool.close()]);
  }
}

export interface SessionNeeds {
  /** The run writes: no other run works in the directory at the same time. */
  readonly lock?: boolean;
  /** The dataset directory has to be there already. */
  readonly mustExist?: boolean;
}

/**
 * Runs `work` in a session, and closes that in any case.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `missing`: there is no such directory; `locked`;
 * of the disk; `aborted`; as `work`
 */
export async function withSession<T>(
  options: SessionOptions,
  { lock = false, mustExist = false }: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  throwIfAborted(options.signal);
  const { manifest, text } = await resolveManifest(options);
  const session = new Session({ ...options, manifest, manifestText: text });
  if (mustExist) await assertDirectory(options.dest);
  const run = async () => {
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };
  return lock ? session.withLock(options, run) : run();
}

/** @throws CcxriError `missing`: there is no such dataset directory; of the disk */
export async function assertDirectory(dest: string): Promise<void> {
  const kind = await pathKind(dest);
  if (kind === 'directory') return;
  const what =
    kind === 'nothing'
      ? `there is no dataset directory ${dest}`
      : `${dest} is a file, not a directory`;
  throw new CcxriError('missing', what, {
    path: dest,
    next: [
      {
        kind: 'option',
        option: 'dest',
        or: {
          kind: 'run',
          command: 'fetch',
          subsets: ['NAME'],
          options: { dest },
          purpose: 'to make it',
        },
      },
    ],
  });
}
