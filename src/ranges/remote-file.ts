import type { DownloadContext } from '../download/context.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { HttpAnswer } from '../http/deadline.ts';
import { checkRange, toContentRange, toLength, toStrongValidator } from '../http/range.ts';
import { codingsOf } from '../http/encoding.ts';
import { toStatusError } from '../http/status.ts';
import { isPlausibleSize, lengthsText } from '../manifest/size.ts';
import { toPrintableUrl } from '../text.ts';
import type { ByteRange } from '../zip/reader.ts';
import { FirstAlone } from './first-alone.ts';
import { type Remote, RangeRequests } from './range-requests.ts';
import type { OnPiece, RangedFile } from './ranged-file.ts';

/** The end record of a zip with the longest comment lies in so many last bytes. */
const TAIL_BYTES = 22 + 0xffff;
/** What servers are seen to answer to a Range that they do not know; the whole file they serve. Busy ones give 50x too. */
const NO_RANGES: readonly number[] = [400, 403, 405, 416, 501];
const REFUSES_RANGE: readonly number[] = [...NO_RANGES, 500, 503];
/** So often a server may send the whole file instead of a part. */
const MOST_IGNORED = 3;
/** Behind one address there may be several servers, or nodes: so many requests look for the first. */
const NODES = 4;
/** A part may begin so many bytes early; one that begins earlier costs more than another request. */
const MOST_SKIPPED = 256 * 1024;

/** What the first answer has said of the file, which later ones must agree with. */
export interface FileIdentity {
  readonly totalBytes: number;
  readonly validator: string | null;
}

/** A file on the web, by requests with a Range; each is retried as a download is. */
export class RemoteFile implements RangedFile {
  readonly isLocal = false;
  readonly #remote: Remote;
  readonly #context: DownloadContext;
  readonly #requests: RangeRequests;
  #identity: FileIdentity;
  /** Answers with the whole file instead of a part. */
  #ignored = 0;
  /** With what an earlier run has learned, the first answer shows whether the others can be of use. */
  readonly #first: FirstAlone;
  /** Once the validator has changed: whether several servers answer, each with its own. */
  #nodes: Promise<boolean> | undefined;
  /** The last bytes of the file, which a zip's directory is in, or ends in. */
  #tail = Buffer.alloc(0);

  private constructor(remote: Remote, context: DownloadContext, known: FileIdentity | undefined) {
    this.#remote = remote;
    this.#context = context;
    this.#identity = known ?? { totalBytes: 0, validator: null };
    this.#first = new FirstAlone(known === undefined);
    this.#requests = new RangeRequests(remote, context);
  }

  /**
   * Asks for the last bytes, which shows whether parts are served, and how long the file is.
   * @param known what an earlier run has learned: nothing is asked, and the first answer is compared with it
   * @throws CcxriError `ranges-refused`; as `fetch`
   */
  static async open(
    remote: Remote,
    context: DownloadContext,
    known?: FileIdentity,
  ): Promise<RemoteFile> {
    const opened = new RemoteFile(remote, context, known);
    if (known === undefined) await opened.#learn();
    return opened;
  }

  get sizeBytes(): number {
    return this.#identity.totalBytes;
  }

  get validator(): string | null {
    return this.#identity.validator;
  }

  get url(): string {
    return this.#requests.url;
  }

  get place(): string {
    return toPrintableUrl(this.url);
  }

  async read(into: Buffer, position: number): Promise<void> {
    const end = position + into.length;
    if (end > this.sizeBytes)
      throw this.#error('damaged-archive', 'ends before what its end record says');
    const tailStart = this.sizeBytes - this.#tail.length;
    const fetchEnd = Math.max(position, Math.min(end, tailStart));
    if (end > tailStart)
      this.#tail.copy(into, fetchEnd - position, fetchEnd - tailStart, end - tailStart);
    let at = 0;
    await this.fetch({ start: position, length: fetchEnd - position }, (piece) => {
      at += piece.copy(into, at);
    });
  }

  /** Each answer is compared with the first. */
  assertUnchanged(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async fetch(range: ByteRange, onPiece: OnPiece): Promise<void> {
    if (range.length > 0) await this.#first.run(() => this.#fetchRange(range, onPiece));
  }

  async #fetchRange({ start, length }: ByteRange, onPiece: OnPiece): Promise<void> {
    const end = start + length;
    let at = start;
    const fetchRest = async () => {
      while (at < end) {
        const before = at;
        await this.#requests.send(`bytes=${at}-${end - 1}`, async (answer) => {
          const skip = at - this.#firstByteOf(answer, at, end);
          await this.#receive(answer, { skip, length: end - at }, async (piece) => {
            at += piece.length;
            await onPiece(piece);
          });
        });
        if (at === before) throw this.#error('network', 'sends no bytes of what was asked for');
      }
    };
    const fetchAll = () => this.#requests.retry(fetchRest, () => at - start);
    const { validator } = this.#identity;
    try {
      await fetchAll();
    } catch (error) {
      if (!isCcxriError(error, 'changed') || validator === null) throw error;
      if (!this.#first.isReleased) throw error;
      this.#nodes ??= this.#findNodes(validator).catch((failure: unknown) => {
        this.#nodes = undefined;
        throw failure;
      });
      if (!(await this.#nodes)) throw error;
      await fetchAll();
    }
  }

  /**
   * Looks whether the first validator comes back, as from several servers behind one address, each with its
   * own of the same file. Then validators say nothing: the length, headers and CRC-32s have to do.
   */
  async #findNodes(validator: string): Promise<boolean> {
    for (let n = 0; n < NODES; n += 1) {
      const isBack = await this.#requests.retry(() =>
        this.#requests.send('bytes=0-0', (answer) => {
          const total = toContentRange(answer.header('content-range'))?.total;
          return Promise.resolve(total === this.sizeBytes && validatorOf(answer) === validator);
        }),
      );
      if (!isBack) continue;
      this.#identity = { ...this.#identity, validator: null };
      return true;
    }
    return false;
  }

  async #learn(): Promise<void> {
    if (await this.#requests.retry(() => this.#askForTail())) return;
    // It may know ranges, and not those that are counted from the end.
    if (this.sizeBytes === 0) {
      await this.#requests.retry(async () => {
        const status = await this.#askForStart();
        if (status !== undefined) throw (await this.#servesWhole()) ? this.#refused() : status;
      });
    }
    const tail = Buffer.allocUnsafe(Math.min(TAIL_BYTES, this.sizeBytes));
    await this.read(tail, this.sizeBytes - tail.length);
    this.#tail = tail;
  }

  /** @returns false: the server does not serve a range that is counted from the end */
  async #askForTail(): Promise<boolean> {
    return this.#requests.send(`bytes=-${TAIL_BYTES}`, async (answer) => {
      if (REFUSES_RANGE.includes(answer.status)) return false;
      if (answer.status >= 400) throw toStatusError(answer, this.#context.clock);
      const range = toContentRange(answer.header('content-range'));
      const total = range?.total ?? null;
      if (range === null || total === null || isEncoded(answer)) {
        const totalBytes = toLength(answer.header('content-length'));
        if (answer.status === 200 && !isEncoded(answer) && totalBytes !== null) {
          // A page that says that the server is busy, say.
          if (!isPlausibleSize(this.#remote.file, totalBytes)) throw this.#otherFile(totalBytes);
          this.#identity = { totalBytes, validator: validatorOf(answer) };
        }
        return false;
      }
      const { first, last } = range;
      this.#identity = { totalBytes: total, validator: validatorOf(answer) };
      // Some give the first bytes instead of the last.
      if (last !== total - 1 || last - first >= TAIL_BYTES) return false;
      const tail = Buffer.allocUnsafe(last - first + 1);
      let at = 0;
      await this.#receive(answer, { skip: 0, length: tail.length }, (piece) => {
        at += piece.copy(tail, at);
      });
      if (at < tail.length) throw this.#error('network', 'broke off');
      this.#tail = tail;
      return true;
    });
  }

  /**
   * The length of the file, from a range of its first bytes.
   * @returns the error of a status by which a server may mean that it serves no parts
   * @throws CcxriError `ranges-refused`
   */
  async #askForStart(): Promise<CcxriError | undefined> {
    return this.#requests.send('bytes=0-29', (answer) => {
      const total = toContentRange(answer.header('content-range'))?.total ?? null;
      if (answer.status < 400 && total !== null) {
        this.#identity = { totalBytes: total, validator: validatorOf(answer) };
        return Promise.resolve(undefined);
      }
      if (answer.status < 400) throw this.#refused();
      const error = toStatusError(answer, this.#context.clock);
      if (!REFUSES_RANGE.includes(answer.status)) throw error;
      return Promise.resolve(error);
    });
  }

  #servesWhole(): Promise<boolean> {
    return this.#requests.send(undefined, ({ status }) => Promise.resolve(status === 200));
  }

  /** @returns the first byte of an answer. @throws CcxriError it can't be used */
  #firstByteOf(answer: HttpAnswer, fromByte: number, toByte: number): number {
    const { status } = answer;
    // With what an earlier run has learned: opening it anew shows whether parts are served now.
    const isRefused = !this.#first.isReleased && NO_RANGES.includes(status);
    const isError = status >= 400 && status !== 416 && !isRefused;
    if (isError) throw toStatusError(answer, this.#context.clock);
    const { totalBytes, validator } = this.#identity;
    const now = validatorOf(answer);
    const hasChanged = validator !== null && now !== null && now !== validator;
    const length = toContentRange(answer.header('content-range'))?.total ?? totalBytes;
    if (isRefused || hasChanged || length !== totalBytes)
      throw this.#error('changed', 'has changed');
    if (isEncoded(answer)) throw this.#refused();
    const range = checkRange(
      { fromByte, toByte, isRanged: true, totalBytes },
      {
        status: answer.status,
        contentLength: answer.header('content-length'),
        contentRange: answer.header('content-range'),
        contentType: answer.header('content-type'),
      },
    );
    if (range?.kind !== 'bytes') throw this.#error('network', `can't be used: ${whyOf(range)}`);
    if (range.totalBytes !== null && range.totalBytes !== totalBytes) {
      throw this.#otherFile(range.totalBytes);
    }
    if (fromByte - range.fromByte > MOST_SKIPPED || isWhole(answer, range.fromByte < fromByte)) {
      throw this.#ignoredRange();
    }
    this.#first.release();
    return range.fromByte;
  }

  /** One node of several may not know ranges, or not for a moment; unless the host is known for it. */
  #ignoredRange(): CcxriError {
    const { hostMemory, policy } = this.#context;
    const refused = this.#refused();
    this.#ignored += 1;
    const mayBeOnce = this.#ignored <= Math.min(MOST_IGNORED, policy.retries);
    const isKnown = hostMemory.isPersistent(this.url, refused);
    if (mayBeOnce && !isKnown) return this.#error('network', 'sends all of it');
    hostMemory.onGivenUp(this.url, refused);
    return refused;
  }

  async #receive(
    answer: HttpAnswer,
    { skip, length }: { readonly skip: number; readonly length: number },
    onPiece: OnPiece,
  ): Promise<void> {
    const { onBytes, rateLimit, signal } = this.#context;
    let [toSkip, left, spare] = [skip, length, 0];
    for await (const batch of answer.body()) {
      onBytes(batch.length);
      for (const piece of rateLimit?.split(batch) ?? [batch]) {
        await rateLimit?.take(piece.length, signal);
        const skipped = Math.min(toSkip, piece.length);
        toSkip -= skipped;
        const wanted = piece.subarray(skipped, skipped + left);
        left -= wanted.length;
        spare += piece.length - skipped - wanted.length;
        if (wanted.length > 0) await onPiece(wanted);
      }
      // A longer body is left; one of the right length is read to its end, so that its connection is kept.
      if (spare > 0) return;
    }
  }

  #refused(): CcxriError {
    const { name } = this.#remote.file;
    const message = `${name}: ${this.place} does not serve parts of it`;
    return new CcxriError('ranges-refused', message, {
      file: name,
      url: this.place,
      permanent: true,
      next: [{ kind: 'option', option: 'source', purpose: 'to name a server that does' }],
    });
  }

  #otherFile(foundBytes: number): CcxriError {
    const { file } = this.#remote;
    return new CcxriError('not-the-file', `${file.name}: ${this.place} sends another file`, {
      file: file.name,
      url: this.place,
      expected: this.sizeBytes > 0 ? `${this.sizeBytes} bytes` : lengthsText(file),
      found: `${foundBytes} bytes`,
      next: [{ kind: 'option', option: 'source' }],
    });
  }

  #error(code: 'network' | 'changed' | 'damaged-archive', what: string): CcxriError {
    const { name } = this.#remote.file;
    return new CcxriError(code, `${name}: ${this.place} ${what}`, { file: name, url: this.place });
  }
}

function whyOf(range: ReturnType<typeof checkRange>): string {
  return range !== undefined && 'why' in range ? range.why : 'the file ends before that';
}

/** A body from the first byte on, where another one was asked for. */
function isWhole(answer: HttpAnswer, beginsEarly: boolean): boolean {
  return beginsEarly && answer.status !== 206 && answer.header('content-range') === undefined;
}

/** Its parts can't be decoded without what stands before them. */
function isEncoded(answer: HttpAnswer): boolean {
  return codingsOf(answer.header('content-encoding')).length > 0;
}

function validatorOf(answer: HttpAnswer): string | null {
  return toStrongValidator({
    etag: answer.header('etag'),
    lastModified: answer.header('last-modified'),
    date: answer.header('date'),
  });
}
