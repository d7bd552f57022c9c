import { pause } from '../abort.ts';
import { isCcxriError } from '../errors.ts';
import { aboutBytesOf } from '../manifest/manifest.ts';
import type { Location } from '../sources/source.ts';
import { fetchInParallel } from './connections.ts';
import { type Transfer, emitRetry } from './context.ts';
import { copyLocalFile } from './local-file.ts';
import { fetchSegment } from './receive.ts';
import { canResume, nextRequest } from './request.ts';
import { newSegment } from './segments.ts';
import {
  type TransferAction,
  type TransferEvent,
  type TransferState,
  decideNext,
  requestModeOf,
  startState,
} from './transfer-decisions.ts';

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
  if (source.location.kind === 'path') await copyLocalFile(transfer, source.location.path);
  else await new UrlTransfer(transfer, source, source.location.url).run();
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
      const action = this.#decide(await this.#request());
      if (action.kind === 'done') return;
      await this.#perform(action);
    }
  }

  async #request(): Promise<TransferEvent> {
    const transfer = this.#transfer;
    const { part, context } = transfer;
    const { mayResume } = this.#state;
    const mode = requestModeOf(this.#state, context.connections, this.#missingBytes);
    try {
      if (mode === 'parallel') return await fetchInParallel(transfer, this.#url);
      const fetchNext = async () => {
        const request = nextRequest(transfer, this.#url, { mode, mayResume });
        const { fromByte, toByte = Infinity } = request;
        const segment = newSegment(fromByte, toByte, context.clock.nowMs());
        return await fetchSegment(transfer, request, segment);
      };
      return await context.limiter.run(this.#url, fetchNext, context.signal, part);
    } catch (error) {
      // Only coded errors are ever retried; the rest is a bug.
      if (!isCcxriError(error)) throw error;
      return { kind: 'failed', error };
    }
  }

  get #missingBytes(): number {
    const { file, part } = this.#transfer;
    if (!this.#state.mayResume || !canResume(part, this.#url)) return aboutBytesOf(file);
    return (part.origin.totalBytes ?? aboutBytesOf(file)) - part.heldBytes;
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
    switch (action.kind) {
      case 'done':
      case 'request':
        return;
      case 'relocate': {
        const location = await this.#source.locateAgain();
        const hasUrl = location?.kind === 'url';
        if (hasUrl) this.#url = location.url;
        await this.#perform(this.#decide({ kind: 'relocated', hasUrl, error: action.error }));
        return;
      }
      case 'retry': {
        const { error, delayMs } = action;
        if (error.facts.status === 429) limiter.pauseFor(this.#url, delayMs, 429);
        const attempt = Math.max(1, this.#state.attempts);
        const keptBytes = this.#state.mayResume && part.isUsable ? part.heldBytes : 0;
        emitRetry(this.#transfer, error, { attempt, delayMs, keptBytes });
        if (delayMs > 0) await pause(clock, delayMs, signal);
        return;
      }
      case 'give-up':
        if (action.isExhausted) unresponsiveHosts.onTimeout(this.#url);
        throw action.error;
    }
  }
}
