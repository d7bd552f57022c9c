import { auditDataset } from '../../audit/audit-dataset.ts';
import type { AuditResult } from '../../audit/types.ts';
import { count, formatCount } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { joinParts, renderRemarks } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runAudit(context: CommandContext): Promise<CommandOutcome> {
  const { decode } = context.settings;
  const result = await auditDataset({ ...(await runOptionsOf(context)), decode });
  const { rows, imagesOpened, remarks } = result;
  const strictRemarks = remarks.filter(({ strict }) => strict).length;
  return {
    result,
    counts: { images: rows, imagesOpened, remarks: remarks.length, strictRemarks },
    errors: strictErrors(context, [], result),
    render: (view) => renderAudit(result, view),
    isStatusOnly: false,
  };
}

function renderAudit(result: AuditResult, view: View): string {
  const { rows, rowsWithLabels, archives, imagesOpened, imagesPacked, decoded, remarks } = result;
  const where = `${count(rows, 'image')} in ${count(archives.length, 'archive')}`;
  const opened =
    imagesOpened > 0 ? [`${formatCount(imagesOpened)} ${decoded ? 'decoded' : 'opened'}`] : [];
  const packed =
    imagesPacked > 0 && !decoded
      ? [
          `${formatCount(imagesPacked)} in archives that are not extracted, not opened (--decode does)`,
        ]
      : [];
  const facts = [`labels known for ${formatCount(rowsWithLabels)}`, ...opened, ...packed];
  return joinParts([
    `${view.style.bold('audit')}  ${where}; ${facts.join('; ')}\n`,
    remarks.length === 0 ? 'everything adds up\n' : '',
    renderRemarks(result, view),
  ]);
}
