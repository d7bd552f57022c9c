import { readVersion } from '../fs/package-version.ts';
import type { PartShare } from '../labels/split.ts';
import type { SplitPart } from '../labels/split-balance.ts';
import { type Manifest, selectFiles } from '../manifest/manifest.ts';
import { toPrintableJson } from '../text.ts';
import type { SplitOptions } from './types.ts';

/** The file with the parts. */
export interface WrittenSplit {
  readonly rows: number;
  readonly sha256: string;
}

interface Recipe {
  readonly options: SplitOptions;
  readonly seed: string;
  readonly shares: readonly PartShare[];
  readonly manifest: Manifest;
  readonly csv: WrittenSplit;
  readonly parts: readonly SplitPart[];
}

/** How a split was made. No date, no path: the same on every machine. */
export function renderSidecar({ options, seed, shares, manifest, csv, parts }: Recipe): string {
  const { folds, holdout = [], stratify = false, selection = {} } = options;
  const { dataset, version } = manifest;
  const files = (of: SplitOptions['selection'] & object) =>
    selectFiles(manifest, of).flatMap(({ name, kind }) => (kind === 'archive' ? [name] : []));
  const sidecar = {
    splitVersion: 1,
    ccxriVersion: readVersion(),
    manifest: { dataset, version },
    seed,
    ...(folds === undefined
      ? { ratios: Object.fromEntries(shares.map(({ part, share }) => [part, share])) }
      : { folds }),
    stratified: stratify,
    selected: files(selection),
    heldOut: files({ subsets: holdout }),
    rows: csv.rows,
    sha256: csv.sha256,
    parts: parts.map(({ part, images, patients }) => ({ part, images, patients })),
  };
  return `${toPrintableJson(JSON.stringify(sidecar, null, 2))}\n`;
}
