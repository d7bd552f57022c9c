import { CcxriError } from '../errors.ts';
import { type ImageChoice, choosesImages } from '../labels/image-choice.ts';
import { readChoice } from '../labels/make-choice.ts';
import { listDataset } from '../list.ts';
import {
  type Manifest,
  type ManifestFile,
  type Selection,
  isEmptySelection,
  selectFiles,
  withLabelFiles,
} from '../manifest/manifest.ts';
import { count, formatSize } from '../text.ts';
import { type CommandContext, type RunOfCommand, typedChoiceOf } from './command.ts';
import type { NextCommand } from '../next-step.ts';
import { renderTable } from './view.ts';

/** What a download is of. */
export interface Selected {
  /** With the label files that its archives need. */
  readonly selection: Selection;
  /** Which images of it. Absent: all. */
  readonly images?: ImageChoice | undefined;
}

/** What was typed; undefined: nothing. */
export async function selectedOf(
  context: CommandContext,
  { manifest, selection }: Pick<RunOfCommand, 'manifest' | 'selection'>,
): Promise<Selected | undefined> {
  const { noLabels } = context.settings;
  const choice = await readChoice(typedChoiceOf(context), manifest);
  // Of chosen images the run itself gets the label files that it needs.
  if (choosesImages(choice)) return { selection, images: choice };
  if (isEmptySelection(selection)) return undefined;
  return { selection: withLabelFiles(manifest, selection, noLabels ? 'none' : 'needed') };
}

/** As `selectedOf`. @throws CcxriError `nothing-selected` */
export async function requireSelected(
  context: CommandContext,
  run: Pick<RunOfCommand, 'manifest' | 'selection'>,
  command: NextCommand,
): Promise<Selected> {
  const selected = await selectedOf(context, run);
  if (selected === undefined) throw nothingSelected(run.manifest, command);
  return selected;
}

/** The files that are meant; of chosen images all that they may be in. */
export function filesOf(manifest: Manifest, { selection }: Selected): readonly ManifestFile[] {
  return isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
}

/** 45 GB are never fetched by accident. */
export function nothingSelected(manifest: Manifest, command: NextCommand): CcxriError {
  const { subsets } = listDataset(manifest);
  // The table has no titles, so each number has its unit beside it.
  const rows = subsets.map(({ subset, archives, bytes, about }) => [
    subset,
    count(archives, 'archive'),
    formatSize({ bytes, about }),
  ]);
  const table = renderTable(['', { right: '' }, { right: '' }], rows, Infinity);
  return new CcxriError('nothing-selected', `say what to ${command}; there is:`, {
    reasons: table.trimEnd().split('\n'),
    next: [
      {
        kind: 'run',
        command,
        subsets: ['NAME'],
        purpose: '(`--subset all` is everything)',
        or: { kind: 'run', command, files: ['NAME'] },
      },
    ],
  });
}
