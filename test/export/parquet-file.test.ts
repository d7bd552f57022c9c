import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import {
  type ParquetColumn,
  ParquetFile,
  type ParquetRow,
} from '../../src/export/formats/parquet-file.ts';
import { queryParquet } from '../support/duckdb.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const COLUMNS: readonly ParquetColumn[] = [
  { name: 'image', type: 'image' },
  { name: 'patient_id', type: 'text' },
  { name: 'COVID-19', type: 'bit' },
];

async function fileOf(
  columns: readonly ParquetColumn[],
  groups: readonly (readonly ParquetRow[])[],
): Promise<{ readonly path: string; readonly buffer: ArrayBuffer }> {
  const chunks: Uint8Array[] = [];
  const file = new ParquetFile(columns, (bytes) => {
    // The writer uses its memory again.
    chunks.push(Uint8Array.from(bytes));
    return Promise.resolve();
  });
  for (const rows of groups) await file.addGroup(rows);
  await file.finish();
  expect(chunks.length).toBeGreaterThan(groups.length);
  const path = join(await tempDir(), 'a.parquet');
  const bytes = Uint8Array.from(Buffer.concat(chunks));
  await writeFile(path, bytes);
  return { path, buffer: bytes.buffer };
}

const image = (name: string, bytes: number) => ({
  bytes: randomBytes(bytes, name),
  path: name,
});

/** Millions of bytes are compared by their CRC-32. */
function shorten(cell: unknown): unknown {
  if (typeof cell !== 'object' || cell === null) return cell;
  return Object.entries(cell).map(([key, value]: [string, unknown]) => [
    key,
    value instanceof Uint8Array ? [value.length, crc32(value)] : value,
  ]);
}

const GROUPS: readonly (readonly ParquetRow[])[] = [
  [
    [image('a_000.jpg', 300_000), 'a', null],
    [image('a_001.jpg', 2_000_000), 'a', 1],
  ],
  [
    [image('胸_000.jpg', 0), '胸', 0],
    [image('b_000.jpg', 17), 'b', 1],
  ],
];

it('writes images that hyparquet and DuckDB read back, with the types for Hugging Face', async () => {
  const { path, buffer } = await fileOf(COLUMNS, GROUPS);
  const read = await parquetReadObjects({ file: buffer, utf8: false });
  expect(read.map((row) => COLUMNS.map(({ name }) => shorten(row[name])))).toEqual(
    GROUPS.flat().map((row) => row.map(shorten)),
  );
  const { row_groups: groups, key_value_metadata: metadata = [] } = parquetMetadata(buffer);
  expect(groups.map(({ num_rows }) => num_rows)).toEqual([2n, 2n]);
  const [features] = metadata.filter(({ key }) => key === 'huggingface');
  expect(JSON.parse(features?.value ?? '')).toEqual({
    info: {
      features: {
        image: { _type: 'Image' },
        patient_id: { dtype: 'string', _type: 'Value' },
        'COVID-19': { dtype: 'int8', _type: 'Value' },
      },
    },
  });
  const rows = await queryParquet(
    `SELECT image.path AS path, octet_length(image.bytes) AS bytes, typeof(image) AS type, patient_id AS patient, "COVID-19" AS covid FROM '${path}'`,
  );
  const type = 'STRUCT(bytes BLOB, path VARCHAR)';
  expect(rows).toEqual([
    { path: 'a_000.jpg', bytes: '300000', type, patient: 'a', covid: null },
    { path: 'a_001.jpg', bytes: '2000000', type, patient: 'a', covid: 1 },
    { path: '胸_000.jpg', bytes: '0', type, patient: '胸', covid: 0 },
    { path: 'b_000.jpg', bytes: '17', type, patient: 'b', covid: 1 },
  ]);
});

it.each([
  ['no row at all', []],
  ['a group without rows', [[]]],
])('writes a file that is whole with %s', async (_title, groups) => {
  const chunks: Uint8Array[] = [];
  const file = new ParquetFile(COLUMNS, (bytes) => {
    chunks.push(Uint8Array.from(bytes));
    return Promise.resolve();
  });
  for (const rows of groups) await file.addGroup(rows);
  await file.finish();
  const path = join(await tempDir(), 'a.parquet');
  await writeFile(path, Buffer.concat(chunks));
  expect(await queryParquet(`SELECT count(*) AS n FROM '${path}'`)).toEqual([{ n: '0' }]);
});

it('ends with what the sink threw', async () => {
  const full = new Error('disk full');
  const file = new ParquetFile(COLUMNS, () => Promise.reject(full));
  await expect(file.addGroup(GROUPS[0] ?? [])).rejects.toBe(full);
});
