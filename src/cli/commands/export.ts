import { CcxriError } from '../../errors.ts';
import { exportDataset } from '../../export/export-dataset.ts';
import { WRITABLE_FORMATS, toExportFormat } from '../../export/formats.ts';
import type { ExportResult } from '../../export/types.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';

export async function runExport(context: CommandContext): Promise<CommandOutcome> {
  const { to, force } = context.settings;
  const { argument } = context;
  if (argument === undefined) throw missing('say what to export', WRITABLE_FORMATS.join(', '));
  const format = toExportFormat(argument);
  if (to === undefined) throw missing('say where the export goes', 'a new directory, by --to DIR');
  const result = await exportDataset({ ...(await runOptionsOf(context)), format, to, force });
  const { images, leftOut, files } = result;
  return {
    result,
    counts: { images, leftOut: leftOut.length, files },
    errors: [],
    render: () => renderExport(result),
    isStatusOnly: true,
  };
}

function missing(message: string, expected: string): CcxriError {
  const next = { kind: 'run', command: 'help', argument: 'export' } as const;
  return new CcxriError('usage', message, { expected, next: [next] });
}

function renderExport({ path, format, images, archives, files, bytes }: ExportResult): string {
  const of = `${count(images, 'image')} of ${count(archives, 'archive')}`;
  return `export  ${toPrintable(path, 4096)}: ${of} as ${format}, ${count(files, 'file')}, ${formatBytes(bytes)}\n`;
}
