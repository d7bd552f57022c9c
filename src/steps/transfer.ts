import { isCcxriError, toErrorRecord, CcxriError } from '../errors.ts';
import type { PartFile } from '../disk/part-file.ts';
import { decideRetry } from '../net/retry.ts';
import type { Location } from '../sources/source.ts';
import { formatDuration } from '../text.ts';
import { receivePath, receiveUrl, type Reception } from './receive.ts';

/** Fewer new bytes than this are no progress: a server must not keep us for ever with crumbs. */
const PROGRESS_BYTES = 64 * 1024;

/**
 * Brings a part to its end from one location, over as many connections as it takes. Broken ones
 * are taken up again where they broke off.
 * @throws CcxriError what the last attempt met, when another one is not worth it
 */
export async function transfer(reception: Reception, location: Location): Promise<void> {
  const { part, context } = reception;
  if (location.kind === 'path') {
    await receivePath(reception, location.path);
    return;
  }
  let attempts = 0;
  let withoutProgress = 0;
  while (!isComplete(part)) {
    const hadBytes = part.bytes;
    try {
      await context.connections(() => receiveUrl(reception, location.url));
      return;
    } catch (error) {
      attempts += 1;
      withoutProgress = part.bytes - hadBytes >= PROGRESS_BYTES ? 1 : withoutProgress + 1;
      await waitOrThrow(reception, error, { attempts, withoutProgress });
    }
  }
}

function isComplete(part: PartFile): boolean {
  return part.origin.totalBytes !== null && part.bytes === part.origin.totalBytes;
}

async function waitOrThrow(
  { file, part, context }: Reception,
  error: unknown,
  state: { readonly attempts: number; readonly withoutProgress: number },
): Promise<void> {
  const decision = decideRetry(error, state, context.policy, context.clock.random());
  // Only coded errors are ever retried; the rest is a bug.
  if (decision.kind === 'give-up' || !isCcxriError(error)) {
    throw isCcxriError(error) ? withAttempts(error, state.attempts) : error;
  }
  context.onEvent({
    event: 'retry',
    file: file.name,
    attempt: state.attempts,
    delayMs: Math.round(decision.delayMs),
    error: toErrorRecord(error),
    keptBytes: part.bytes,
  });
  await context.clock.sleep(decision.delayMs, context.signal).catch(() => undefined);
}

function withAttempts(error: CcxriError, attempts: number): CcxriError {
  const { retryAfterS } = error.facts;
  const wait =
    retryAfterS === undefined ? '' : `; it asks to wait ${formatDuration(retryAfterS * 1000)}`;
  const tries = attempts > 1 ? ` (${attempts} attempts)` : '';
  return new CcxriError(error.code, `${error.message}${wait}${tries}`, {
    ...error.facts,
    attempts,
    hint: error.hint ?? 'run the same command again later: it goes on where it stopped',
    cause: error,
  });
}
