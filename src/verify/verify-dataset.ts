import pLimit from 'p-limit';
import { type Session, withSession } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import type { PlannedWork } from '../events.ts';
import { NOTHING_TO_FETCH } from '../plan-event.ts';
import { aboutBytesOf, aboutBytesUnpacked } from '../manifest/size.ts';
import { restoreStepOf } from './errors.ts';
import { locate } from './locate.ts';
import type { Located, VerifyDepth, VerifyOptions, VerifyResult, VerifyRun } from './types.ts';
import { verifyFile } from './verify-file.ts';

/** Unpacking is bound by the processor, and holds some 32 MiB an archive. */
const DEEP_CHECKS_AT_ONCE = 2;
/** Files looked for at once: Node's own pool has four threads. */
const LOCATED_AT_ONCE = 8;

/**
 * Checks what is here against the manifest: archives and label files in a dataset directory, or in a
 * plain directory of them. It writes one thing alone: where a file that had passed, or an extracted
 * image, is bad now, the record in the ledger says so, and a fetch replaces it; where images have passed
 * again, that mark is removed. It takes the lock for such a record only, and where another run holds it,
 * or the directory can't be written, the record stays. A file that is not good is an outcome; the others
 * go on.
 * @throws CcxriError `missing`: there is no such directory, or nothing of the dataset in it;
 *   `unknown-subset`, `unknown-file`; `aborted`
 */
export async function verifyDataset(options: VerifyOptions): Promise<VerifyResult> {
  const { dest, depth = 'full', concurrency } = options;
  return withSession(options, { mustExist: true }, async (session) => {
    const { files, isSelected, ledger, layout, hashPool } = session;
    const askedLedger = depth === 'deep' ? ledger : undefined;
    const located = await pLimit(LOCATED_AT_ONCE).map(files, (file) =>
      locate(file, layout, askedLedger),
    );
    const wanted = isSelected ? located : located.filter(isHere);
    if (wanted.length === 0 && session.shard === undefined) throw nothingHere(session);
    emitPlan(wanted, depth, session);
    const run: VerifyRun = {
      session,
      depth,
      restoreStep: restoreStepOf(wanted, session.selection),
      deepChecks: pLimit(DEEP_CHECKS_AT_ONCE),
      noteLimit: pLimit(1),
      meter: { bytesRead: 0 },
    };
    const verifyOne = (each: Located) => verifyFile(each, run);
    const outcomes = await session.forEachFile(wanted, verifyOne, concurrency ?? hashPool.lanes);
    return {
      dest,
      depth,
      ...(session.shard && { shard: session.shard }),
      outcomes,
      notHere: files.length - wanted.length,
      imagesUnread: depth === 'deep' ? 0 : wanted.filter(hasImagesBeside).length,
      bytesRead: run.meter.bytesRead,
      elapsedMs: session.elapsedMs(),
    };
  });
}

function isHere({ here, images, imagesGone }: Located): boolean {
  return here !== undefined || images !== undefined || imagesGone;
}

/** Their archive is here, so that it alone is looked at where the check is not deep. */
function hasImagesBeside({ here, images }: Located): boolean {
  return here !== undefined && images !== undefined;
}

/** Nothing is downloaded or extracted: the event's form is the same for all commands. */
function emitPlan(wanted: readonly Located[], depth: VerifyDepth, { onEvent }: Session): void {
  onEvent({
    event: 'plan',
    files: wanted.length,
    ...NOTHING_TO_FETCH,
    bytesFreeOnDisk: null,
    work: wanted.flatMap((each) => workOf(each, depth)),
  });
}

function workOf({ file, here, images }: Located, depth: VerifyDepth): readonly PlannedWork[] {
  // No byte is read.
  if (depth === 'quick') return [];
  const bytes = here?.stats.size ?? aboutBytesOf(file);
  const imageBytes = images === undefined ? 0 : aboutBytesUnpacked(bytes);
  const of = { file: file.name, subsets: file.subsets };
  const check = (toRead: number) => ({ ...of, phase: 'check', bytes: toRead }) as const;
  if (here === undefined) return imageBytes === 0 ? [] : [check(imageBytes)];
  const hash = { ...of, phase: 'hash', bytes } as const;
  const isDeep = depth === 'deep' && file.kind === 'archive';
  return isDeep ? [hash, check(aboutBytesUnpacked(bytes) + imageBytes)] : [hash];
}

function nothingHere({ manifest, dest }: Session): CcxriError {
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
