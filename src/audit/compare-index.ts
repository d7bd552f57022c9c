import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import { throwIfAborted } from '../abort.ts';
import { toDiskError } from '../errors.ts';
import { noFile, pathKind } from '../fs/paths.ts';
import type { IndexRow } from '../labels/join.ts';
import { ExampleCounter, type Examples } from '../labels/label-names.ts';
import { INDEX_HEADER, renderRow } from '../labels/write.ts';

/** Columns without `check`, which an index of an earlier ccxri lacks. */
const OLD_COLUMNS = INDEX_HEADER.split(',').length - 1;

/** An index.csv that is here, to be compared with the rows that `join` would write now. */
export class IndexComparison {
  /** Path of each row to the CRC-32 of the whole row. */
  readonly #rows: Map<string, number>;
  readonly #hasCheck: boolean;
  readonly #differing = new ExampleCounter();

  private constructor(rows: Map<string, number>, hasCheck: boolean) {
    this.#rows = rows;
    this.#hasCheck = hasCheck;
  }

  /**
   * Reads the index; columns behind those that `join` writes are not compared.
   * @returns undefined: there is none
   * @throws CcxriError `occupied`: something else is in its place; of the disk; `aborted`
   */
  static async read(path: string, signal?: AbortSignal): Promise<IndexComparison | undefined> {
    const kind = await pathKind(path);
    if (kind === 'nothing') return undefined;
    if (kind !== 'file') throw noFile(path, 'an index of ccxri, or nothing');
    const rows = new Map<string, number>();
    let columns = 0;
    const input = createReadStream(path);
    try {
      for await (const line of createInterface({ input, crlfDelay: Infinity })) {
        if (columns === 0) columns = countColumns(line);
        else if (columns > 0) {
          throwIfAborted(signal);
          const row = withoutLast(line, Math.max(0, columns - OLD_COLUMNS - 1));
          rows.set(pathOf(row), crc32(row));
        }
      }
    } catch (error) {
      throw toDiskError(error, 'read', { path });
    } finally {
      input.destroy();
    }
    return new IndexComparison(rows, columns > OLD_COLUMNS);
  }

  /** @param rows of an archive, as `join` would write them */
  add(rows: readonly IndexRow[]): void {
    for (const row of rows) {
      const whole = renderRow(row).trimEnd();
      const line = this.#hasCheck ? whole : withoutLast(whole, 1);
      const path = pathOf(line);
      if (this.#rows.get(path) !== crc32(line)) this.#differing.add(row.path);
      this.#rows.delete(path);
    }
  }

  /** Rows that differ, that are missing, and that no image has. */
  finish(): Examples {
    for (const path of this.#rows.keys()) this.#differing.add(path);
    return this.#differing.examples();
  }
}

/** -1: it is not the first line of an index, and what follows is not one either. */
function countColumns(header: string): number {
  const line = header.replace(/^\uFEFF/, '');
  const old = withoutLast(INDEX_HEADER, 1);
  return line === old || line.startsWith(`${old},`) ? line.split(',').length : -1;
}

/** Cells behind the labels have no commas. */
function withoutLast(line: string, cells: number): string {
  let end = line.length;
  for (let left = cells; left > 0 && end > 0; left -= 1) end = line.lastIndexOf(',', end - 1);
  return end < 0 ? '' : line.slice(0, end);
}

/** The first cell, as it is written. */
function pathOf(line: string): string {
  return /^(?:"(?:[^"]|"")*"|[^,]*)/.exec(line)?.[0] ?? '';
}
