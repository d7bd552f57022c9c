import { pause } from '../abort.ts';
import { type CcxriError, isCcxriError } from '../errors.ts';
import { aboutBytesOf } from '../manifest/manifest.ts';
import { isSameAddress } from '../sources/address.ts';
import type { Location } from '../sources/source.ts';
import { fetchInParallel } from './connections.ts';
import { type Transfer, emitRetry } from './context.ts';
import { copyLocalFile } from './local-file.ts';
import { type SegmentRequest, fetchSegment } from './receive.ts';
import { newSegment } from './segments.ts';
import { gapsOf } from './spans.ts';
import {
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

/** Only with a strong validator, and from the address that gave it. */
export function canResume({ origin, heldBytes }: Transfer['part'], url: string): boolean {
  return heldBytes > 0 && origin.validator !== null && isSameAddress(origin.url, url);
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
  /** Another file had waited for this host in vain before this transfer began. */
  readonly #isLate: boolean;

  constructor(transfer: Transfer, source: SourceLocation, url: string) {
    this.#transfer = transfer;
    this.#source = source;
    this.#url = url;
    this.#state = startState(transfer.part.heldBytes);
    this.#isLate = transfer.context.unresponsiveHosts.has(url);
  }

  async run(): Promise<void> {
    while (!this.#transfer.part.isComplete) {
      let action = this.#decide(await this.#request());
      if (action.kind === 'relocate') action = this.#decide(await this.#relocate(action.error));
      if (action.kind === 'done') return;
      await this.#perform(action);
    }
  }

  async #request(): Promise<ConnectionEnd> {
    const { part, context } = this.#transfer;
    const request = this.#nextRequest();
    try {
      if (request.mode === 'parallel') return await fetchInParallel(this.#transfer, this.#url);
      const fetch = async () => await fetchSegment(this.#transfer, request);
      return await context.limiter.run(this.#url, fetch, context.signal, part);
    } catch (error) {
      // Only coded errors are ever retried; the rest is a bug.
      if (!isCcxriError(error)) throw error;
      return { kind: 'failed', error };
    }
  }

  /** What one connection requests next: the first gap of the part, or the file from its first byte. */
  #nextRequest(): SegmentRequest {
    const { file, part, context } = this.#transfer;
    const isFresh = !this.#state.mayResume || !canResume(part, this.#url);
    const totalBytes = isFresh ? null : part.origin.totalBytes;
    const missingBytes = (totalBytes ?? aboutBytesOf(file)) - (isFresh ? 0 : part.heldBytes);
    const mode = requestModeOf(this.#state, context.connections, missingBytes);
    const fromByte = isFresh ? 0 : part.bytes;
    // Up to the next bytes on disk, if there are any behind the gap.
    const gap = isFresh ? undefined : gapsOf(part.spans, totalBytes ?? Infinity)[0];
    const gapEnd = gap?.[1] === totalBytes ? Infinity : (gap?.[1] ?? Infinity);
    const toByte = mode === 'probe' ? Math.min(gapEnd, fromByte + PROBE_BYTES) : gapEnd;
    const segment = newSegment(fromByte, toByte, context.clock.nowMs());
    return { url: this.#url, mode, segment, isFresh, signal: context.signal };
  }

  async #relocate(error: CcxriError): Promise<TransferEvent> {
    const location = await this.#source.locateAgain();
    const hasUrl = location?.kind === 'url';
    if (hasUrl) this.#url = location.url;
    return { kind: 'relocated', hasUrl, error };
  }

  #decide(event: TransferEvent): TransferAction {
    const { file, part, context } = this.#transfer;
    const { state, action } = decideNext(this.#state, event, {
      file: file.name,
      heldBytes: part.heldBytes,
      policy: context.policy,
      // Transfers that were already under way wait as long as ever.
      isUnresponsive: this.#isLate && context.unresponsiveHosts.has(this.#url),
      random: context.clock.random(),
    });
    this.#state = state;
    return action;
  }

  async #perform(action: TransferAction): Promise<void> {
    const { part, context } = this.#transfer;
    const { clock, limiter, unresponsiveHosts, signal } = context;
    if (action.kind === 'retry') {
      const { error, delayMs } = action;
      if (error.facts.status === 429) limiter.pauseFor(this.#url, delayMs, 429);
      const attempt = Math.max(1, this.#state.attempts);
      const keptBytes = this.#state.mayResume && part.isUsable ? part.heldBytes : 0;
      emitRetry(this.#transfer, error, { attempt, delayMs, keptBytes });
      if (delayMs > 0) await pause(clock, delayMs, signal);
    } else if (action.kind === 'give-up') {
      if (action.isExhausted) unresponsiveHosts.onTimeout(this.#url);
      throw action.error;
    }
  }
}
