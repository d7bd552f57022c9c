import { LABELS, LABEL_COLUMNS, NO_FINDING_BIT } from '../../labels/label-names.ts';
import { quoteCell } from '../../labels/write.ts';
import { imagePath } from '../image-name.ts';
import type { ExportRow, ExportedSplit, Exporter } from '../types.ts';
import { imageFiles } from './image-files.ts';
import { writeText } from './text-file.ts';

const FOLDER = 'images';

/** What `NIH_Dataset` reads; and what stands in it where this dataset says nothing. */
const NIH_COLUMNS = [
  'Image Index',
  'Finding Labels',
  'Patient ID',
  'Patient Age',
  'Patient Gender',
  'View Position',
] as const;
const UNKNOWN_VIEW = 'UNKNOWN';

/** Behind them, for the data frame: the findings as `labels` has them. */
const OTHER_COLUMNS = ['patientid', ...LABEL_COLUMNS, 'COVID-19', 'class', 'subset', 'archive'];

/**
 * The images in images/, and a CSV for each split in the form of NIH ChestX-ray14, whose findings these are:
 * torchxrayvision's `NIH_Dataset` reads it.
 */
export function torchxrayvisionExporter(): Exporter {
  return {
    ...imageFiles(() => FOLDER),
    finish: async (splits, target) => {
      for (const split of splits) {
        await writeText(target, `${split.split ?? 'labels'}.csv`, linesOf(split));
      }
    },
  };
}

async function* linesOf(split: ExportedSplit): AsyncGenerator<string> {
  yield `${[...NIH_COLUMNS, ...OTHER_COLUMNS].join(',')}\n`;
  for await (const row of split.rows()) yield `${cellsOf(row).map(quoteCell).join(',')}\n`;
}

function cellsOf(exported: ExportRow): readonly string[] {
  const { patientId, labels, covid, archive, subset, class: group } = exported.row;
  const nih = [imagePath(exported), namesOf(labels), patientId, '', '', UNKNOWN_VIEW];
  const flags = LABEL_COLUMNS.map((_, at) => (labels === null ? '' : String((labels >> at) & 1)));
  const covidCell = covid === null ? '' : String(Number(covid));
  return [...nih, patientId, ...flags, covidCell, group ?? '', subset, archive];
}

/** `Effusion|Mass`. Empty where nothing is known, which is not the absence of every finding. */
function namesOf(labels: number | null): string {
  if (labels === null) return '';
  if ((labels & (NO_FINDING_BIT - 1)) === 0) return 'No Finding';
  return LABELS.filter((_, at) => ((labels >> at) & 1) === 1).join('|');
}
