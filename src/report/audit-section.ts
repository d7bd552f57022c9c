import { describeRemark } from '../labels/describe-remark.ts';
import { count } from '../text.ts';
import { markup } from './html.ts';
import type { ReportData, Section } from './section.ts';
import { type Cell, renderTable } from './table.ts';

/** What does not add up between images, labels and index.csv. */
export function renderAudit({ audit }: ReportData): Section {
  const { remarks, rowsOfAbsentArchives } = audit;
  const rows = remarks.map((remark): Cell[] => [
    describeRemark(remark),
    remark.count,
    remark.strict ? 'in doubt' : 'worth knowing',
  ]);
  const columns = ['what', 'how often', 'how bad'];
  const absent =
    rowsOfAbsentArchives === 0
      ? ''
      : markup`<p class="note">
          ${count(rowsOfAbsentArchives, 'label row is', 'label rows are')} of archives that are not
          here: no remark.
        </p>`;
  const body = markup`${
    remarks.length === 0
      ? markup`<p>Everything adds up: images, label files, and index.csv where it is here.</p>`
      : renderTable({ caption: 'What does not add up', columns, rows })
  }
    <p class="note">
      Images were not opened for this. <code>ccxri audit</code> opens those that no extraction has
      judged, and says what to do.
    </p>
    ${absent}`;
  return { id: 'audit', title: 'Audit', body };
}
