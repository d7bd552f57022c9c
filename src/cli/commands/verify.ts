import { count, formatBytes, formatDuration, toPrintable } from '../../text.ts';
import type { VerifyDepth, VerifyOutcome, VerifyResult, VerifyStatus } from '../../verify/types.ts';
import { verifyDataset } from '../../verify/verify-dataset.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import {
  type StatusLabels,
  countStatuses,
  joinParts,
  renderFailed,
  renderStatusCounts,
} from '../render-outcomes.ts';
import { renderTable, styleOf, wrapProse } from '../render-table.ts';
import { concurrencyOf, errorsOf, runOptionsOf, strictErrors } from './shared.ts';

const STATUSES: StatusLabels<VerifyStatus> = {
  verified: 'verified: the MD5 is the published one',
  'content-checked': 'content-checked: the MD5 is disputed',
  'images-verified': 'images-verified: archive gone, CRC-32s right',
  unchanged: 'unchanged: size and time (images alone: sizes only), nothing read',
  unknown: 'unknown: not checked yet',
  changed: 'changed since it passed: nothing read',
  missing: 'missing',
  bad: 'bad',
};

/** What was looked at, so that nobody takes a quick look for a check. */
const DEPTHS: Readonly<Record<VerifyDepth, string>> = {
  quick: 'quick: sizes and times against the ledger; no byte was read',
  full: 'full: the MD5 of every archive and label file; images with --deep',
  deep: 'deep: the MD5 of every archive and label file, and the CRC-32 of every image',
};

export async function runVerify(context: CommandContext): Promise<CommandOutcome> {
  const { settings, suggest } = context;
  const { quick, deep } = settings;
  const depth: VerifyDepth = quick ? 'quick' : deep ? 'deep' : 'full';
  const run = await runOptionsOf(context);
  const result = await verifyDataset({ ...run, ...concurrencyOf(settings), depth });
  const { outcomes, notHere } = result;
  const disputed = outcomes.filter(({ status }) => status === 'content-checked');
  return {
    result,
    counts: { files: outcomes.length, ...countStatuses(STATUSES, outcomes), notHere },
    errors: [
      ...errorsOf(outcomes),
      ...strictErrors(
        settings,
        disputed.map(({ file }) => file),
      ),
    ],
    render: (view) => suggest(renderVerified(result, view)),
    isTalk: true,
  };
}

function renderVerified(result: VerifyResult, view: View): string {
  const { outcomes, notHere, imagesUnread, depth } = result;
  const members = outcomes.reduce((sum, outcome) => sum + outcome.membersChecked, 0);
  const notes = [
    ...(members > 0 ? [`${count(members, 'member')} of archives checked by CRC-32`] : []),
    ...(notHere > 0
      ? [`${count(notHere, 'file')} of the manifest not here, and not asked for`]
      : []),
    ...(imagesUnread > 0
      ? [`images of ${count(imagesUnread, 'archive')} not looked at: \`ccxri verify --deep\` does`]
      : []),
    ...(depth === 'quick' ? ['`ccxri verify` reads and checks the bytes'] : []),
  ];
  return joinParts([
    renderHead(result, view),
    view.verbose ? renderEach(outcomes, view) : '',
    renderStatusCounts(STATUSES, outcomes, view),
    renderFailed(outcomes, view),
    renderBadMembers(outcomes),
    notes.map((note) => `${wrapProse(note, view.width, '  ')}\n`).join(''),
  ]);
}

function renderHead(result: VerifyResult, view: View): string {
  const { dest, depth, outcomes, bytesRead, elapsedMs } = result;
  const { red, green } = styleOf(view);
  const bad = outcomes.filter(({ error }) => error !== undefined).length;
  const files = count(outcomes.length, 'file');
  const unknown = outcomes.filter(({ status }) => status === 'unknown').length;
  const [word, n] =
    bad > 0
      ? [red('not good'), bad]
      : unknown > 0
        ? ['not known', unknown]
        : [green(depth === 'quick' ? 'unchanged' : 'good'), outcomes.length];
  const where = `${n === outcomes.length ? files : `${n} of ${files}`} in ${toPrintable(dest, 4096)}`;
  const read = `${formatBytes(bytesRead)} read in ${formatDuration(elapsedMs)}`;
  return `${word}: ${where}; ${read}\n${DEPTHS[depth]}\n`;
}

function renderEach(outcomes: readonly VerifyOutcome[], view: View): string {
  return renderTable(
    [{ title: 'file' }, { title: '' }, { title: 'MD5' }],
    outcomes.map(({ file, status, md5 }) => [file, status, md5 ?? '']),
    view.width,
  );
}

function renderBadMembers(outcomes: readonly VerifyOutcome[]): string {
  const paths = outcomes.flatMap(({ badMembers }) => badMembers);
  if (paths.length === 0) return '';
  const lines = paths.map((path) => `- ${toPrintable(path)}\n`);
  return `images that are missing or damaged:\n${lines.join('')}`;
}
