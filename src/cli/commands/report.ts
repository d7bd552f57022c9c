import { writeReport } from '../../report/report-dataset.ts';
import type { ReportResult } from '../../report/types.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import type { View } from '../view.ts';

export async function runReport(context: CommandContext): Promise<CommandOutcome> {
  const { output, force } = context.settings;
  const result = await writeReport({ ...(await runOptionsOf(context)), output, force });
  const { images, patients, splits, remarks } = result;
  return {
    result,
    counts: { images, patients, splits: splits.length, remarks: remarks.length },
    errors: [],
    render: (view) => renderReport(result, view),
    isStatusOnly: true,
  };
}

function renderReport(result: ReportResult, view: View): string {
  const { path, bytes, images, patients, splits, notSplits, remarks } = result;
  const about = [
    `${count(images, 'image')} of ${count(patients, 'patient')}`,
    ...(splits.length === 0 ? [] : [count(splits.length, 'split')]),
    ...(remarks.length === 0 ? [] : [count(remarks.length, 'remark')]),
  ];
  const left = notSplits.map((name) => `splits/${toPrintable(name)} is no split: left out\n`);
  const head = `${toPrintable(path, 4096)} (${formatBytes(bytes)}): ${about.join(', ')}`;
  return `${view.style.bold('report')}  ${head}\n${left.join('')}`;
}
