import { throwIfAborted } from '../abort.ts';
import { finalPathOf } from '../dataset/layout.ts';
import { isCcxriError, toErrorRecord, type CcxriError } from '../errors.ts';
import { checkHere } from './check-here.ts';
import { checkImagesAlone } from './check-images.ts';
import type { Located } from './locate.ts';
import type { Findings, VerifyContext } from './verify-context.ts';
import type { VerifyOutcome, VerifyStatus } from './types.ts';
import { absentError, imagesGoneError } from './errors.ts';

/** Checks one file. What is wrong with it is its outcome; a stop and a bug are thrown. */
export async function verifyFile(located: Located, context: VerifyContext): Promise<VerifyOutcome> {
  const { file, here, images } = located;
  throwIfAborted(context.signal);
  const findings: Findings = { md5: null, membersChecked: 0, badMembers: [] };
  const end = await comeOut(located, findings, context);
  context.onEvent({
    event: 'file-done',
    file: file.name,
    status: end.status,
    ...(end.error === undefined ? {} : { error: toErrorRecord(end.error) }),
  });
  return {
    file: file.name,
    kind: file.kind,
    path: here?.path ?? images ?? null,
    bytes: here?.stats.size ?? null,
    ...findings,
    ...end,
  };
}

interface End {
  readonly status: VerifyStatus;
  readonly error?: CcxriError;
}

async function comeOut(located: Located, findings: Findings, context: VerifyContext): Promise<End> {
  try {
    return { status: await check(located, findings, context) };
  } catch (error) {
    if (!isCcxriError(error) || error.code === 'aborted') throw error;
    return { status: badStatusOf(error, located, { ...findings, depth: context.depth }), error };
  }
}

async function check(
  located: Located,
  findings: Findings,
  context: VerifyContext,
): Promise<VerifyStatus> {
  const { file, here, images, imagesGone } = located;
  if (here !== undefined) return checkHere({ ...located, here }, findings, context);
  if (images !== undefined) return checkImagesAlone(file, images, findings, context);
  if (imagesGone) throw imagesGoneError(file, context);
  throw absentError(file, finalPathOf(context.layout, file), context.selection);
}

function badStatusOf(
  error: CcxriError,
  { here, images }: Located,
  { badMembers, depth }: Findings & Pick<VerifyContext, 'depth'>,
) {
  // No byte was read: it may be good all the same.
  if (depth === 'quick' && here !== undefined && error.code === 'md5-mismatch') return 'changed';
  if (error.code !== 'missing' || badMembers.length > 0) return 'bad';
  // The images are there, and nothing tells how they should be.
  return here === undefined && images !== undefined ? 'unknown' : 'missing';
}
