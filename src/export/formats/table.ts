import { INDEX_HEADER, renderRow } from '../../labels/write.ts';
import { toRecord } from '../record.ts';
import type { Exporter, ExportRow, OutputFile } from '../types.ts';

/** Written at once. */
const CHUNK_CHARS = 256 * 1024;

interface Form {
  readonly headOf: (hasSplit: boolean) => string;
  readonly render: (row: ExportRow) => string;
}

const FORMS: Readonly<Record<'csv' | 'jsonl', Form>> = {
  csv: {
    headOf: (hasSplit) => `${INDEX_HEADER}${hasSplit ? ',split' : ''}\n`,
    render: ({ row, split }) => {
      const line = renderRow(row);
      return split === undefined ? line : `${line.slice(0, -1)},${split}\n`;
    },
  },
  jsonl: {
    headOf: () => '',
    render: (row) => `${JSON.stringify({ path: row.row.path, ...toRecord(row) })}\n`,
  },
};

/** One table of all rows, with the columns of index.csv: the splits one after the other. */
export function tableExporter(kind: 'csv' | 'jsonl'): Exporter {
  const { headOf, render } = FORMS[kind];
  return {
    readsAhead: false,
    writeShard: async (images) => {
      while ((await images.next()) !== undefined);
    },
    finish: async (splits, target) => {
      const file = await target.create(`labels.${kind}`);
      const out = new ChunkedText(file);
      await out.add(headOf(splits.some(({ split }) => split !== undefined)));
      for (const split of splits) for await (const row of split.rows()) await out.add(render(row));
      await out.flush();
      await file.close();
    },
  };
}

/** A write has its price, and a row is short. */
class ChunkedText {
  readonly #file: OutputFile;
  #text = '';

  constructor(file: OutputFile) {
    this.#file = file;
  }

  async add(text: string): Promise<void> {
    this.#text += text;
    if (this.#text.length >= CHUNK_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '') await this.#file.write(text);
  }
}
