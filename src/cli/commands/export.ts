import { CcxriError } from '../../errors.ts';
import { exportDataset } from '../../export/export-dataset.ts';
import { toExportFormat } from '../../export/formats.ts';
import {
  EXPORT_FORMATS,
  IMAGE_FORMATS,
  type ExportResult,
  type LeftOutImage,
} from '../../export/types.ts';
import { count, formatBytes, formatCount, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  typedChoiceOf,
} from '../command.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runExport(context: CommandContext): Promise<CommandOutcome> {
  const { to, force, dryRun, withImages, shardSize: shardBytes } = context.settings;
  const { argument } = context;
  if (argument === undefined) throw missing('say what to export', EXPORT_FORMATS.join(', '));
  const format = toExportFormat(argument);
  if (to === undefined) throw missing('say where the export goes', 'a new directory, by --to DIR');
  const { split, resize, quality, format: typedFormat } = context.settings;
  const imageFormat = IMAGE_FORMATS.find((each) => each === typedFormat);
  if (typedFormat !== undefined && imageFormat === undefined) {
    throw missing(`images can't be converted to ${typedFormat}`, IMAGE_FORMATS.join(', '));
  }
  const ofImages = { withImages, resize, quality, imageFormat };
  const choice = typedChoiceOf(context);
  const options = { format, to, force, dryRun, split, choice, shardBytes, ...ofImages };
  const result = await exportDataset({ ...(await runOptionsOf(context)), ...options });
  const { images, leftOut, files } = result;
  return {
    result,
    counts: { images, leftOut: leftOut.length, files },
    errors: leftOutErrors(leftOut, dryRun),
    render: (view) => renderExport(result, dryRun, view),
    isStatusOnly: !dryRun,
  };
}

function missing(message: string, expected: string): CcxriError {
  const next = { kind: 'run', command: 'help', argument: 'export' } as const;
  return new CcxriError('usage', message, { expected, next: [next] });
}

/** Images that could not be read: the export is whole without them. */
function leftOutErrors(
  leftOut: readonly LeftOutImage[],
  isPlanned: boolean,
): readonly CcxriError[] {
  if (leftOut.length === 0) return [];
  const message = isPlanned
    ? count(leftOut.length, 'image is broken', 'images are broken')
    : `${count(leftOut.length, 'image')} could not be exported`;
  const shown = leftOut.slice(0, 20).map(({ image, why }) => `${toPrintable(image)}: ${why}`);
  const more = leftOut.length - shown.length;
  const verify = { kind: 'run', command: 'verify', options: { deep: true } } as const;
  return [
    new CcxriError('damaged-archive', message, {
      reasons: more > 0 ? [...shown, `and ${count(more, 'other')}`] : shown,
      kept: isPlanned ? 'nothing was written' : 'the export, without them',
      next: [{ ...verify, purpose: 'to find what is damaged here' }],
    }),
  ];
}

function renderExport(result: ExportResult, isPlanned: boolean, view: View): string {
  const { path, format, images, archives, files, bytes, bytesOfImages, parts } = result;
  const of = `${count(images, 'image')} of ${count(archives, 'archive')}`;
  const what = files === 0 ? '' : `, ${count(files, 'file')}, ${formatBytes(bytes)}`;
  const room = isPlanned ? roomOf(bytesOfImages) : '';
  const head = `${toPrintable(path, 4096)}: ${of} as ${format}${what}${room}\n`;
  return joinParts([
    `${view.style.bold(isPlanned ? 'would export' : 'export')}  ${head}`,
    parts.every(({ split }) => split === null)
      ? ''
      : view.table(
          ['part', { right: 'images' }],
          parts.map(({ split, images: own }) => [split ?? '', formatCount(own)]),
        ),
    renderNotes(result),
  ]);
}

/** Of images that are converted it is not known. */
function roomOf(bytes: number | null): string {
  if (bytes === null) return ', as large as they get';
  return bytes === 0 ? '' : `, ${formatBytes(bytes)} of images`;
}

function renderNotes({ withoutPart, notFound, shardsKept }: ExportResult): string {
  const names = notFound.slice(0, 5).map((name) => toPrintable(name, 80));
  const more = notFound.length > names.length ? ', …' : '';
  return [
    shardsKept > 0 ? `${count(shardsKept, 'shard')} of an earlier run kept\n` : '',
    withoutPart > 0
      ? `${count(withoutPart, 'image is', 'images are')} in no part of the split: \`ccxri split\` writes it of what is here\n`
      : '',
    notFound.length > 0
      ? `${count(notFound.length, 'name')} of the lists not found here: ${names.join(', ')}${more}\n`
      : '',
  ].join('');
}
