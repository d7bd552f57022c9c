import { INDEX_HEADER, renderRow } from '../../labels/write.ts';
import { imagePath } from '../image-name.ts';
import { toRecord } from '../record.ts';
import type { Exporter, ExportRow, ExportedSplit, FormatOptions } from '../types.ts';
import { imageFiles } from './image-files.ts';
import { writeText } from './text-file.ts';

interface Form {
  readonly headOf: (hasSplit: boolean) => string;
  /** @param path of the image, as a column */
  readonly render: (row: ExportRow, path: string) => string;
}

const FORMS: Readonly<Record<'csv' | 'jsonl', Form>> = {
  csv: {
    headOf: (hasSplit) => `${INDEX_HEADER}${hasSplit ? ',split' : ''}\n`,
    render: ({ row, split }, path) => {
      const line = renderRow({ ...row, path });
      return split === undefined ? line : `${line.slice(0, -1)},${split}\n`;
    },
  },
  jsonl: {
    headOf: () => '',
    render: (row, path) => `${JSON.stringify({ path, ...toRecord(row) })}\n`,
  },
};

const FOLDER = 'images';

const LABELS_ALONE: Exporter = {
  readsAhead: false,
  writeShard: async (images) => {
    while ((await images.next()) !== undefined);
  },
};

/**
 * One table of all rows, with the columns of index.csv: the splits one after the other. With images, these lie
 * beside it as they do beside index.csv.
 */
export function tableExporter(
  kind: 'csv' | 'jsonl',
  { withImages }: Pick<FormatOptions, 'withImages'>,
): Exporter {
  return {
    ...(withImages ? imageFiles(() => FOLDER) : LABELS_ALONE),
    finish: (splits, target) => writeText(target, `labels.${kind}`, linesOf(FORMS[kind], splits)),
  };
}

async function* linesOf(
  { headOf, render }: Form,
  splits: readonly ExportedSplit[],
): AsyncGenerator<string> {
  yield headOf(splits.some(({ split }) => split !== undefined));
  for (const split of splits) {
    for await (const row of split.rows()) yield render(row, `${FOLDER}/${imagePath(row)}`);
  }
}
