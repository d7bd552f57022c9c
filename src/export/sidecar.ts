import { toPrintableJson } from '../text.ts';
import type { Conversion, ConverterVersions } from '../dataset/convert-image.ts';
import type { SplitParts } from './split-parts.ts';
import type { ExportFormat } from './types.ts';
import type { WrittenExport } from './write-shards.ts';

/** The file of an export that says how it was made. */
export const SIDECAR = 'export.json';
/** The file with the SHA-256 of each file that an export has written, for `sha256sum -c`. */
export const CHECKSUMS = 'SHA256SUMS';

/** What decides about the files of an export, besides its rows. */
export interface Recipe {
  readonly ccxriVersion: string;
  readonly manifest: { readonly dataset: string; readonly version: string };
  readonly format: ExportFormat;
  readonly withImages: boolean;
  /** Null: they are as they were. Other versions of the libraries make other bytes of the same image. */
  readonly converted: (Conversion & ConverterVersions) | null;
  /** Null: no split was asked for. */
  readonly split: Pick<SplitParts, 'name' | 'seed' | 'sha256'> | null;
  /** Null: all that are here and selected. */
  readonly choice: object | null;
  readonly shardBytes: number;
}

type Described = Omit<WrittenExport, 'images'> & { readonly archives: readonly string[] };

/** How an export was made, as export.json says it. No date, no path: the same on every machine. */
export function renderSidecar(
  { ccxriVersion, manifest, ...options }: Recipe,
  { parts, files, leftOut, archives }: Described,
): string {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const made = { exportVersion: 1, ccxriVersion, manifest, ...options };
  const sidecar = { ...made, images, parts, archives, files, leftOut };
  return `${toPrintableJson(JSON.stringify(sidecar, null, 2))}\n`;
}

/**
 * SHA256SUMS, as `sha256sum` writes it. Images that are links to those of the dataset are not in it: nobody has
 * read them.
 */
export function* renderChecksums({
  files,
  images,
}: Pick<WrittenExport, 'files' | 'images'>): Generator<string> {
  for (const { path, sha256 } of [...files, ...images]) {
    if (sha256 !== null) yield `${sha256}  ${path}\n`;
  }
}
