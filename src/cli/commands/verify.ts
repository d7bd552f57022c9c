import { CcxriError } from '../../errors.ts';
import { statusText } from '../../file-status.ts';
import { MOVE_UNEXPECTED, describeUnexpected } from '../../labels/describe-remark.ts';
import { isImagePath } from '../../labels/join.ts';
import { count, formatBytes, formatDuration, toPrintable } from '../../text.ts';
import type { VerifyDepth, VerifyOutcome, VerifyResult } from '../../verify/types.ts';
import { verifyDataset } from '../../verify/verify-dataset.ts';
import {
  type CommandContext,
  type CommandOutcome,
  brokenErrors,
  errorsOf,
  runOptionsOf,
  shardOptionsOf,
  strictErrors,
} from '../command.ts';
import {
  countOutcomes,
  ofShard,
  joinParts,
  renderBroken,
  renderCounts,
  renderSome,
} from '../render-outcomes.ts';
import type { View } from '../view.ts';

/** What a status means, where bytes are read. */
const NOTES = {
  verified: 'the MD5 is the published one',
  'content-checked': 'the MD5 is disputed',
  'crc-checked': 'archive not here, images right',
  named: 'archive not here, images as adopted by name',
  resized: 'archive not here, images as they were written',
} as const;

/** Where nothing is read, nobody should take the word of the ledger for a check. */
const QUICK = {
  dids: { '': 'by the ledger' },
  notes: {
    removed: 'of the images their sizes alone',
    resized: 'of the images their sizes alone',
    present: 'not checked as it is now',
  },
} as const;

/** What was looked at, so that nobody takes a quick look for a check. */
const DEPTHS: Readonly<Record<VerifyDepth, string>> = {
  quick: 'quick: sizes and times against the ledger; no byte was read',
  full: 'full: the MD5 of every archive and label file; images with --deep',
  deep: 'deep: the MD5 of every archive and label file, and the CRC-32 of every image',
};

export async function runVerify(context: CommandContext): Promise<CommandOutcome> {
  const { quick, deep, concurrency } = context.settings;
  const depth: VerifyDepth = quick ? 'quick' : deep ? 'deep' : 'full';
  const result = await verifyDataset({
    ...(await runOptionsOf(context)),
    ...shardOptionsOf(context),
    concurrency,
    depth,
  });
  const { outcomes, notHere } = result;
  const checks = outcomes.map(({ file, status }) => ({ file, check: status }));
  return {
    result,
    counts: { files: outcomes.length, ...countOutcomes(outcomes), notHere },
    errors: [
      ...errorsOf(outcomes),
      ...strictErrors(context, checks),
      ...brokenErrors(context, outcomes),
      ...(context.settings.strict ? unexpectedErrors(outcomes) : []),
    ],
    render: (view) => renderVerified(result, view),
    isStatusOnly: true,
  };
}

function renderVerified(result: VerifyResult, view: View): string {
  const { outcomes, depth } = result;
  const each = outcomes.map(({ file, status, md5 }) => [file, statusText(status), md5 ?? '']);
  return joinParts([
    renderHead(result, view),
    view.verbose ? view.table(['file', '', 'MD5'], each) : '',
    renderCounts(outcomes, depth === 'quick' ? QUICK : { notes: NOTES }, view),
    renderBadMembers(outcomes),
    renderBroken(outcomes, view),
    renderUnexpected(outcomes, view),
    notesOf(result, view)
      .map((note) => view.prose(`${note}\n`, '  '))
      .join(''),
  ]);
}

function notesOf(result: VerifyResult, { suggest: { command } }: View): readonly string[] {
  const { outcomes, notHere, imagesUnread, depth } = result;
  const members = outcomes.reduce((sum, outcome) => sum + outcome.membersChecked, 0);
  const deep = command('verify', { options: { deep: true } });
  return [
    ...(members > 0 ? [`${count(members, 'member')} checked by CRC-32`] : []),
    ...(notHere > 0
      ? [`${count(notHere, 'file')} of the manifest not here, and not asked for`]
      : []),
    ...(imagesUnread > 0
      ? [`images of ${count(imagesUnread, 'archive')} not looked at: ${deep} does`]
      : []),
    ...(depth === 'quick' ? [`${command('verify')} reads and checks the bytes`] : []),
  ];
}

function renderHead(result: VerifyResult, { style }: View): string {
  const { dest, depth, outcomes, bytesRead, elapsedMs } = result;
  const bad = outcomes.filter(({ error }) => error !== undefined).length;
  const files = count(outcomes.length, 'file') + ofShard(result);
  const unknown = outcomes.filter(({ status }) => status === 'present').length;
  const [word, n] =
    bad > 0
      ? [style.red('not good'), bad]
      : unknown > 0
        ? ['not checked', unknown]
        : [style.green(depth === 'quick' ? 'as it was' : 'good'), outcomes.length];
  const where = `${n === outcomes.length ? files : `${n} of ${files}`} in ${toPrintable(dest, 4096)}`;
  const read = `${formatBytes(bytesRead)} read in ${formatDuration(elapsedMs)}`;
  const areImagesRead =
    depth === 'full' &&
    outcomes.some(({ status }) => ['crc-checked', 'named', 'resized'].includes(status));
  const images = areImagesRead ? ', and the CRC-32 of images whose archive is not here' : '';
  return `${word}: ${where}; ${read}\n${DEPTHS[depth].replace(';', `${images};`)}\n`;
}

/** What lies beside the images is an error only where it would be taken for one of them. */
function unexpectedErrors(outcomes: readonly VerifyOutcome[]): readonly CcxriError[] {
  const images = outcomes.flatMap(({ unexpectedFiles }) => unexpectedFiles.filter(isImagePath));
  if (images.length === 0) return [];
  const reasons = images.slice(0, 20).map((path) => toPrintable(path));
  const next = [{ kind: 'advice', text: MOVE_UNEXPECTED }] as const;
  return [new CcxriError('remarks', describeUnexpected('image', images.length), { reasons, next })];
}

function renderUnexpected(outcomes: readonly VerifyOutcome[], view: View): string {
  const files = outcomes.flatMap(({ unexpectedFiles }) => unexpectedFiles);
  if (files.length === 0) return '';
  return renderSome(`${describeUnexpected('file', files.length)}, and no damage`, files, view);
}

function renderBadMembers(outcomes: readonly VerifyOutcome[]): string {
  const paths = outcomes.flatMap(({ badMembers }) => badMembers);
  if (paths.length === 0) return '';
  const lines = paths.map((path) => `- ${toPrintable(path)}\n`);
  return `images that are missing or damaged:\n${lines.join('')}`;
}
