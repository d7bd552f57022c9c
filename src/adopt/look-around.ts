import type { Session } from '../dataset/session.ts';
import { isImageName } from '../labels/join.ts';
import type { LeftBehind } from './left.ts';
import { type Identity, type SeenFile, Walk } from './walk.ts';

/** Files that are looked at at the same time: a share answers many as fast as one. */
const FILES_AT_ONCE = 32;
const TELL_EVERY_MS = 1000;

interface LookOptions {
  readonly paths: readonly string[];
  /** Of the dataset directory, which is not looked into. undefined: there is none yet. */
  readonly dataset: Identity | undefined;
}

/** Goes through the paths, as often as it is asked to, and tells how far it is. */
export class LookAround {
  readonly #options: LookOptions;
  readonly #session: Session;
  readonly #left: LeftBehind;
  #rounds = 0;
  #filesSeen = 0;
  #imagesSeen = 0;
  #toldAtMs: number;

  constructor(options: LookOptions, session: Session, left: LeftBehind) {
    this.#options = options;
    this.#session = session;
    this.#left = left;
    this.#toldAtMs = session.clock.nowMs();
  }

  /** In the first round: the others see the same. */
  get filesSeen(): number {
    return this.#filesSeen;
  }

  /** Of these, those with the name of an image; of the dataset or not. */
  get imagesSeen(): number {
    return this.#imagesSeen;
  }

  /** @throws CcxriError `aborted`; bugs */
  async *batches(): AsyncGenerator<readonly SeenFile[], void, void> {
    const { paths, dataset } = this.#options;
    const { signal } = this.#session;
    this.#rounds += 1;
    const isFirst = this.#rounds === 1;
    const walk = new Walk({
      dataset,
      signal,
      onLeft: (why, path, message) => {
        // What can't be looked at is told once.
        if (isFirst) this.#left.add(why, path, message);
      },
    });
    let files = 0;
    let batch: SeenFile[] = [];
    for await (const seen of walk.files(paths)) {
      batch.push(seen);
      files += 1;
      if (isFirst) this.#filesSeen = files;
      if (isFirst && isImageName(seen.name)) this.#imagesSeen += 1;
      if (batch.length < FILES_AT_ONCE) continue;
      this.#tell(files);
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    if (isFirst) this.#session.onEvent({ event: 'looked', files });
  }

  #tell(files: number): void {
    const nowMs = this.#session.clock.nowMs();
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#session.onEvent({ event: 'looked', files });
  }
}
