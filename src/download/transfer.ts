import { pause } from '../abort.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import { aboutBytesOf } from '../manifest/size.ts';
import type { Location } from '../sources/source.ts';
import { fetchInParallel } from './connections.ts';
import { type Transfer, emitRetry, usableBytes } from './context.ts';
import { copyLocalFile } from './local-file.ts';
import { type SegmentRequest, fetchSegment } from './receive.ts';
import { everyMsOf, newSegment } from './segments.ts';
import { gapsOf } from './spans.ts';
import {
  type Asking,
  type ConnectionEnd,
  type TransferAction,
  type TransferEvent,
  type TransferState,
  decideNext,
  requestModeOf,
  startState,
} from './transfer-decisions.ts';

/** A probe asks for little, so that it ends soon, and for enough to count as progress. */
const PROBE_BYTES = 256 * 1024;

/** Where a source has a file, and how to ask it again. */
export interface SourceLocation {
  readonly location: Location;
  readonly locateAgain: () => Promise<Location | undefined>;
}

/**
 * Downloads all that is missing of a part from one location, over as many connections as are useful.
 * @throws CcxriError what the last attempt failed with, when another one is not worth it
 */
export async function runTransfer(transfer: Transfer, source: SourceLocation): Promise<void> {
  const { location } = source;
  if (location.kind === 'path') await copyLocalFile(transfer, location.path);
  else await new UrlTransfer(transfer, source, location.url).run();
}

/** Requests, and does what `decideNext` says. */
class UrlTransfer {
  readonly #transfer: Transfer;
  readonly #source: SourceLocation;
  #url: string;
  #state: TransferState;
  /** Less than a segment: files before this one were refused more. */
  readonly #firstAsking: Asking;
  /** Another file had waited for this host in vain before this transfer began. */
  readonly #isLate: boolean;
  /** What the last request failed with. */
  #failure: CcxriError | undefined;

  constructor(transfer: Transfer, source: SourceLocation, url: string) {
    const { unresponsiveHosts, hostMemory } = transfer.context;
    this.#transfer = transfer;
    this.#source = source;
    this.#url = url;
    this.#firstAsking = hostMemory.askingOf(url);
    this.#state = startState(this.#heldBytes, this.#firstAsking);
    this.#isLate = unresponsiveHosts.has(url);
  }

  async run(): Promise<void> {
    while (!this.#transfer.part.isComplete) {
      const end = await this.#request();
      this.#remember(end);
      let action = this.#decide(end);
      if (action.kind === 'relocate') action = this.#decide(await this.#relocate(action.error));
      if (action.kind === 'done') return;
      await this.#perform(action);
    }
  }

  /** What of the part the next request can build on. */
  get #heldBytes(): number {
    const { part } = this.#transfer;
    return usableBytes(part, this.#url);
  }

  async #request(): Promise<ConnectionEnd> {
    const { part, context } = this.#transfer;
    const request = this.#nextRequest();
    const { mode, asked } = request;
    try {
      if (mode === 'parallel') return await fetchInParallel(this.#transfer, this.#url);
      const fetch = () => fetchSegment(this.#transfer, request);
      const turn = { owner: part, everyMs: everyMsOf(request.segment) };
      return await context.limiter.run(this.#url, fetch, context.signal, turn);
    } catch (error) {
      // Only coded errors are ever retried; the rest is a bug.
      if (!isCcxriError(error)) throw error;
      return { kind: 'failed', asked, error };
    }
  }

  /** What one connection requests next: the first gap of the part, or the file from its first byte. */
  #nextRequest(): SegmentRequest {
    const { file, part, context, isStrict = false } = this.#transfer;
    const heldBytes = this.#heldBytes;
    const totalBytes = heldBytes > 0 ? part.origin.totalBytes : null;
    const missingBytes = (totalBytes ?? aboutBytesOf(file)) - heldBytes;
    const connections = isStrict ? 1 : context.connections;
    const mode = requestModeOf(this.#state, connections, missingBytes);
    const fromByte = heldBytes > 0 ? part.bytes : 0;
    // Up to the next bytes on disk, if there are any behind the gap.
    const gap = heldBytes > 0 ? gapsOf(part.spans, totalBytes ?? Infinity)[0] : undefined;
    const gapEnd = gap?.[1] === totalBytes ? Infinity : (gap?.[1] ?? Infinity);
    const toByte = mode === 'probe' ? Math.min(gapEnd, fromByte + PROBE_BYTES) : gapEnd;
    const isAll = fromByte === 0 && toByte === Infinity;
    return {
      url: this.#url,
      mode,
      asked: isAll ? 'whole' : toAsking(this.#state, toByte),
      segment: newSegment(fromByte, toByte, context.clock.nowMs()),
      signal: context.signal,
    };
  }

  /** For the files that come after this one. */
  #remember(end: ConnectionEnd): void {
    const { hostMemory } = this.#transfer.context;
    if (end.kind === 'failed') {
      this.#failure = end.error;
      return;
    }
    if (end.kind !== 'complete' && end.kind !== 'ended') return;
    if (this.#failure !== undefined) hostMemory.onOver(this.#url, this.#failure);
    this.#failure = undefined;
    const { asking } = this.#state;
    if (asking !== this.#firstAsking) hostMemory.onServed(this.#url, asking);
  }

  async #relocate(error: CcxriError): Promise<TransferEvent> {
    const location = await this.#source.locateAgain();
    const hasUrl = location?.kind === 'url';
    if (hasUrl) this.#url = location.url;
    return { kind: 'relocated', hasUrl, error };
  }

  #decide(event: TransferEvent): TransferAction {
    const { file, context } = this.#transfer;
    const { clock, policy, unresponsiveHosts, hostMemory } = context;
    // Transfers that were already under way wait as long as ever.
    const isDown = this.#isLate && unresponsiveHosts.has(this.#url);
    const isKnown = 'error' in event && hostMemory.isPersistent(this.#url, event.error);
    const { state, action } = decideNext(this.#state, event, {
      file: file.name,
      heldBytes: this.#heldBytes,
      policy,
      isKnown: isDown || isKnown,
      now: clock.date(),
      random: clock.random(),
    });
    this.#state = state;
    return action;
  }

  async #perform(action: TransferAction): Promise<void> {
    const { clock, limiter, unresponsiveHosts, hostMemory, signal } = this.#transfer.context;
    if (action.kind === 'retry') {
      const { error, delayMs } = action;
      if (error.facts.status === 429) limiter.pauseFor(this.#url, delayMs, 429);
      const attempt = Math.max(1, this.#state.attempts);
      emitRetry(this.#transfer, error, { attempt, delayMs, keptBytes: this.#heldBytes });
      if (delayMs === 0) return;
      // Who waits may be killed: what has arrived must not wait as well.
      await this.#transfer.part.checkpoint();
      await pause(clock, delayMs, signal);
    } else if (action.kind === 'give-up') {
      if (action.isExhausted) {
        unresponsiveHosts.onTimeout(this.#url);
        hostMemory.onGivenUp(this.#url, action.error);
      }
      throw action.error;
    }
  }
}

function toAsking({ asking }: TransferState, toByte: number): Asking {
  return asking === 'segment' && toByte === Infinity ? 'rest' : asking;
}
