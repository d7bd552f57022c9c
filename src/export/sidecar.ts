import { readVersion } from '../fs/package-version.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { toPrintableJson } from '../text.ts';
import type { ExportFormat, ExportedFile, ExportedPart, LeftOutImage } from './types.ts';

/** What export.json says. */
interface Recipe {
  readonly manifest: Manifest;
  readonly format: ExportFormat;
  /** Stems of the archives that rows are from. */
  readonly archives: readonly string[];
  readonly parts: readonly ExportedPart[];
  readonly files: readonly ExportedFile[];
  readonly leftOut: readonly LeftOutImage[];
}

/** How an export was made. No date, no path: the same on every machine. */
export function renderSidecar({ manifest, ...recipe }: Recipe): string {
  const { dataset, version } = manifest;
  const { format, archives, parts, files, leftOut } = recipe;
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const sidecar = {
    exportVersion: 1,
    ccxriVersion: readVersion(),
    manifest: { dataset, version },
    ...{ format, images, parts, archives, files, leftOut },
  };
  return `${toPrintableJson(JSON.stringify(sidecar, null, 2))}\n`;
}
