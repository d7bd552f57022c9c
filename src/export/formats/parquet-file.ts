import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';

/** `bit`: 0, 1 or null; `image`: the bytes of an image with its name. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: 'text' | 'bit' | 'image';
}

export interface ParquetImage {
  readonly bytes: Uint8Array;
  readonly path: string;
}

/** A value for each column. */
export type ParquetRow = readonly (string | number | ParquetImage | null)[];

type Sink = (bytes: Uint8Array) => Promise<void>;

/** Keeps what is written until `flush`, which the writer of Parquet calls behind each row group. */
class GroupWriter extends ByteWriter {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    super(1 << 16);
    this.#sink = sink;
  }

  async flush(): Promise<void> {
    await this.#sink(this.getBytes());
    this.index = 0;
  }
}

/** A Parquet file that is written row group by row group: no more than one of them is in memory. */
export class ParquetFile {
  readonly #columns: readonly ParquetColumn[];
  readonly #out: GroupWriter;
  readonly #writer: ParquetWriter;

  /** @param sink takes the file's bytes in order; it must be done with them when its promise is fulfilled */
  constructor(columns: readonly ParquetColumn[], sink: Sink) {
    this.#columns = columns;
    this.#out = new GroupWriter(sink);
    this.#writer = new ParquetWriter({
      writer: this.#out,
      schema: schemaOf(columns),
      kvMetadata: [{ key: 'huggingface', value: JSON.stringify(featuresOf(columns)) }],
      createdBy: 'ccxri',
    });
  }

  async addGroup(rows: readonly ParquetRow[]): Promise<void> {
    const columnData = this.#columns.map(({ name, type }, at): ColumnSource => {
      const data = rows.map((row) => row[at] ?? null);
      // JPEG does not get smaller, and its least and greatest bytes tell nobody anything.
      if (type !== 'image') return { name, data };
      return { name, data, codec: 'UNCOMPRESSED', encoding: 'PLAIN', statistics: false };
    });
    await this.#writer.write({ columnData, rowGroupSize: Math.max(1, rows.length) });
  }

  async finish(): Promise<void> {
    await this.#writer.finish();
    await this.#out.flush();
  }
}

function schemaOf(columns: readonly ParquetColumn[]): SchemaElement[] {
  const optional = { repetition_type: 'OPTIONAL' } as const;
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional } as const;
  const elements = columns.flatMap(({ name, type }): SchemaElement[] => {
    if (type === 'text') return [{ name, ...text }];
    if (type === 'bit') return [{ name, type: 'INT32', converted_type: 'INT_8', ...optional }];
    return [
      { name, num_children: 2, ...optional },
      { name: 'bytes', type: 'BYTE_ARRAY', ...optional },
      { name: 'path', ...text },
    ];
  });
  return [{ name: 'schema', num_children: columns.length }, ...elements];
}

/** What Hugging Face's `datasets` reads the columns as: without it an image would be a struct of bytes. */
function featuresOf(columns: readonly ParquetColumn[]): object {
  const features = columns.map(({ name, type }): readonly [string, object] => {
    if (type === 'image') return [name, { _type: 'Image' }];
    return [name, { dtype: type === 'bit' ? 'int8' : 'string', _type: 'Value' }];
  });
  return { info: { features: Object.fromEntries(features) } };
}
