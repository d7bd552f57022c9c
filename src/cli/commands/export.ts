import { CcxriError } from '../../errors.ts';
import { exportDataset } from '../../export/export-dataset.ts';
import { toExportFormat } from '../../export/formats.ts';
import { EXPORT_FORMATS, type ExportResult, type LeftOutImage } from '../../export/types.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';

export async function runExport(context: CommandContext): Promise<CommandOutcome> {
  const { to, force, withImages, shardSize: shardBytes } = context.settings;
  const { argument } = context;
  if (argument === undefined) throw missing('say what to export', EXPORT_FORMATS.join(', '));
  const format = toExportFormat(argument);
  if (to === undefined) throw missing('say where the export goes', 'a new directory, by --to DIR');
  const options = { format, to, force, withImages, shardBytes };
  const result = await exportDataset({ ...(await runOptionsOf(context)), ...options });
  const { images, leftOut, files } = result;
  return {
    result,
    counts: { images, leftOut: leftOut.length, files },
    errors: leftOutErrors(leftOut),
    render: () => renderExport(result),
    isStatusOnly: true,
  };
}

function missing(message: string, expected: string): CcxriError {
  const next = { kind: 'run', command: 'help', argument: 'export' } as const;
  return new CcxriError('usage', message, { expected, next: [next] });
}

/** Images that could not be read: the export is whole without them. */
function leftOutErrors(leftOut: readonly LeftOutImage[]): readonly CcxriError[] {
  if (leftOut.length === 0) return [];
  const message = `${count(leftOut.length, 'image')} could not be exported`;
  const shown = leftOut.slice(0, 20).map(({ image, why }) => `${toPrintable(image)}: ${why}`);
  const more = leftOut.length - shown.length;
  const verify = { kind: 'run', command: 'verify', options: { deep: true } } as const;
  return [
    new CcxriError('damaged-archive', message, {
      reasons: more > 0 ? [...shown, `and ${count(more, 'other')}`] : shown,
      kept: 'the export, without them',
      next: [{ ...verify, purpose: 'to find what is damaged here' }],
    }),
  ];
}

function renderExport({ path, format, images, archives, files, bytes }: ExportResult): string {
  const of = `${count(images, 'image')} of ${count(archives, 'archive')}`;
  return `export  ${toPrintable(path, 4096)}: ${of} as ${format}, ${count(files, 'file')}, ${formatBytes(bytes)}\n`;
}
