import { toPrintableJson } from '../text.ts';
import type { Conversion } from './resize.ts';
import type { SplitParts } from './split-parts.ts';
import type { ExportFormat } from './types.ts';
import type { WrittenExport } from './write-shards.ts';

/** What decides about the files of an export, besides its rows. */
export interface Recipe {
  readonly ccxriVersion: string;
  readonly manifest: { readonly dataset: string; readonly version: string };
  readonly format: ExportFormat;
  readonly withImages: boolean;
  /** Null: they are as they were. */
  readonly converted: Conversion | null;
  /** Null: no split was asked for. */
  readonly split: Pick<SplitParts, 'name' | 'seed' | 'sha256'> | null;
  /** Null: all that are here and selected. */
  readonly choice: object | null;
  readonly shardBytes: number;
}

/** How an export was made, as export.json says it. No date, no path: the same on every machine. */
export function renderSidecar(
  { ccxriVersion, manifest, ...options }: Recipe,
  { parts, files, leftOut, archives }: WrittenExport & { readonly archives: readonly string[] },
): string {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const made = { exportVersion: 1, ccxriVersion, manifest, ...options };
  const sidecar = { ...made, images, parts, archives, files, leftOut };
  return `${toPrintableJson(JSON.stringify(sidecar, null, 2))}\n`;
}
