import { DuckDBInstance } from '@duckdb/node-api';

/** The rows that DuckDB answers a query with; 64-bit numbers as text. */
export async function queryParquet(
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  try {
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  } finally {
    instance.closeSync();
  }
}
