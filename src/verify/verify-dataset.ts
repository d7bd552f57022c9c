import pLimit from 'p-limit';
import { runSignal, throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { forEachAtOnce } from '../concurrency.ts';
import { Acceptance } from '../dataset/acceptance.ts';
import { layoutOf } from '../dataset/layout.ts';
import { Ledger } from '../dataset/ledger.ts';
import { assertDirectory } from '../dataset/run-options.ts';
import { CcxriError } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import { HashPool } from '../hash/hash-pool.ts';
import { isEmptySelection, selectFiles } from '../manifest/select.ts';
import { UnpackPool } from '../zip/unpack-pool.ts';
import { restoreStepOf } from './errors.ts';
import { locate } from './locate.ts';
import type {
  Located,
  VerifyContext,
  VerifyOptions,
  VerifyOutcome,
  VerifyResult,
} from './types.ts';
import { verifyFile } from './verify-file.ts';

/** Unpacking is bound by the processor, and holds some 32 MiB an archive. */
const DEEP_CHECKS_AT_ONCE = 2;

/**
 * Checks what is here against the manifest: archives and label files in a dataset directory, or in a
 * plain directory of them. It takes no lock, and writes one thing alone: where a file that had passed,
 * or an extracted image, is bad now, the record in the ledger says so (if it can be written), and a
 * fetch puts it right; where images have passed again, it says that no longer. A
 * file that is not good is an outcome; the others go on.
 * @throws CcxriError `missing`: there is no such directory, or nothing of the dataset in it;
 *   `unknown-subset`, `unknown-file`; `aborted`
 */
export async function verifyDataset(options: VerifyOptions): Promise<VerifyResult> {
  const { manifest, dest, selection = {}, signal, onEvent = ignoreEvents } = options;
  throwIfAborted(signal);
  const startMs = systemClock.nowMs();
  const isAsked = !isEmptySelection(selection);
  const files = isAsked ? selectFiles(manifest, selection) : manifest.files;
  await assertDirectory(dest);
  const layout = layoutOf(dest);
  const ledger = options.depth === 'deep' ? new Ledger(layout.ledger) : undefined;
  const located = await pLimit(8).map(files, (file) => locate(file, layout, ledger));
  const wanted = isAsked ? located : located.filter(isHere);
  if (wanted.length === 0) throw nothingHere(options);
  emitPlan(wanted.length, onEvent);
  const { outcomes, bytesRead, depth } = await verifyAll(wanted, options);
  return {
    dest,
    depth,
    outcomes,
    notHere: files.length - wanted.length,
    imagesUnread: depth === 'deep' ? 0 : wanted.filter(hasImagesBeside).length,
    bytesRead,
    elapsedMs: systemClock.nowMs() - startMs,
  };
}

function isHere({ here, images, imagesGone }: Located): boolean {
  return here !== undefined || images !== undefined || imagesGone;
}

/** Their archive is here, so that it alone is looked at where the check is not deep. */
function hasImagesBeside({ here, images }: Located): boolean {
  return here !== undefined && images !== undefined;
}

function toContext(
  wanted: readonly Located[],
  options: VerifyOptions,
  stop: AbortController,
): VerifyContext {
  const { manifest, onEvent = ignoreEvents } = options;
  const layout = layoutOf(options.dest);
  const ledger = new Ledger(layout.ledger);
  const unpackPool = new UnpackPool();
  const signal = runSignal(options.signal, stop);
  return {
    layout,
    ledger,
    acceptance: new Acceptance({ manifest, ledger, onEvent, unpackPool, signal }),
    depth: options.depth ?? 'full',
    selection: options.selection ?? {},
    restoreStep: restoreStepOf(wanted, options.selection ?? {}),
    deepChecks: pLimit(DEEP_CHECKS_AT_ONCE),
    hashPool: new HashPool(),
    unpackPool,
    clock: systemClock,
    onEvent,
    signal,
    meter: { bytesRead: 0 },
  };
}

/** What is thrown ends the run, but not before everything under way has come to its end. */
async function verifyAll(wanted: readonly Located[], options: VerifyOptions) {
  const stop = new AbortController();
  const context = toContext(wanted, options, stop);
  const { hashPool, unpackPool, depth, meter } = context;
  const outcomes = new Map<Located, VerifyOutcome>();
  try {
    await forEachAtOnce(wanted, options.concurrency ?? hashPool.lanes, async (located) => {
      try {
        outcomes.set(located, await verifyFile(located, context));
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
  } finally {
    await Promise.all([hashPool.close(), unpackPool.close()]);
  }
  const inOrder = wanted.flatMap((located) => outcomes.get(located) ?? []);
  return { depth, outcomes: inOrder, bytesRead: meter.bytesRead };
}

function emitPlan(files: number, onEvent: NonNullable<VerifyOptions['onEvent']>): void {
  onEvent({
    event: 'plan',
    files,
    toDownload: 0,
    toExtract: 0,
    alreadyDone: 0,
    bytesToDownload: 0,
    bytesNeededOnDisk: 0,
    bytesFreeOnDisk: null,
  });
}

function nothingHere({ manifest, dest }: VerifyOptions): CcxriError {
  return new CcxriError('missing', `there is nothing of ${manifest.dataset} in ${dest}`, {
    path: dest,
    expected: `archives/${manifest.files[0]?.name ?? ''} and the like, or such files directly in it`,
    next: [
      {
        kind: 'option',
        option: 'dest',
        or: { kind: 'run', command: 'list', purpose: 'to see the names of the files' },
      },
    ],
  });
}
