import { writeReport } from '../../report/report-dataset.ts';
import type { ReportResult } from '../../report/types.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import type { View } from '../view.ts';

export async function runReport(context: CommandContext): Promise<CommandOutcome> {
  const { output, force, thumbnails } = context.settings;
  const result = await writeReport({ ...(await runOptionsOf(context)), output, force, thumbnails });
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
  const { sheetImages, hasThumbnails, unreadable } = result;
  const bare = sheetImages > 0 && !hasThumbnails ? [WITHOUT_SHARP] : [];
  const failed = count(unreadable.length, 'image of its sample', 'images of its sample');
  const unread = unreadable.length > 0 ? [`${failed} could not be read: see its end\n`] : [];
  const left = notSplits.map((name) => `splits/${toPrintable(name)} is no split: left out\n`);
  const head = `${toPrintable(path, 4096)} (${formatBytes(bytes)}): ${about.join(', ')}`;
  return `${view.style.bold('report')}  ${head}\n${[...left, ...unread, ...bare].join('')}`;
}

const WITHOUT_SHARP =
  'its contact sheet shows images from where they lie: with the package sharp installed, it holds thumbnails\n';
