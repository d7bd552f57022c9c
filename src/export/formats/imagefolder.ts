import { imagePath } from '../image-name.ts';
import { toTypedRecord } from '../record.ts';
import type { ExportRow, ExportedSplit, Exporter } from '../types.ts';
import { imageFiles } from './image-files.ts';
import { loaderName } from './shard-name.ts';
import { writeText } from './text-file.ts';

const folderOf = (split: string | undefined) => split ?? 'images';

/**
 * A folder for each split, in the form that Hugging Face's `imagefolder` reads: the images, and a
 * metadata.jsonl with a row for each of them.
 */
export function imagefolderExporter(): Exporter {
  return {
    ...imageFiles(folderOf),
    finish: async (splits, target) => {
      const written = splits.filter(({ shards }) => shards > 0);
      for (const split of written) {
        await writeText(target, `${folderOf(split.split)}/metadata.jsonl`, linesOf(split));
      }
      const card = await target.create('README.md');
      await card.write(renderCard(written));
      await card.close();
    },
  };
}

async function* linesOf(split: ExportedSplit): AsyncGenerator<string> {
  for await (const row of split.rows()) yield `${JSON.stringify(toMetadata(row))}\n`;
}

/** Without the file name of the image, whose column is the image itself once it is loaded. */
function toMetadata(row: ExportRow): object {
  return { file_name: imagePath(row), ...toTypedRecord(row), image: undefined };
}

/** The README.md that says which folder is which split: names other than train, validation and test are not known. */
function renderCard(splits: readonly ExportedSplit[]): string {
  const files = splits.map(({ split }) => {
    const name = split === undefined ? 'train' : loaderName(split);
    return `  - split: ${name}\n    path: ${folderOf(split)}/**\n`;
  });
  return `---
configs:
- config_name: default
  data_files:
${files.join('')}---

# CC-CXRI chest X-rays

Exported by ccxri. Load them with \`datasets.load_dataset("PATH OF THIS DIRECTORY")\`. Labels are 1, 0 or -1 (not
known); the columns are described in datapackage.json and croissant.json.
`;
}
