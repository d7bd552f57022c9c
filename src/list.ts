import {
  aboutBytesOf,
  type Manifest,
  type ManifestFile,
  isEmptySelection,
  selectFiles,
  subsetNames,
  type Selection,
} from './manifest/manifest.ts';

export interface SubsetRow {
  readonly subset: string;
  readonly archives: number;
  /** Names of the label files that come with it. */
  readonly labels: readonly string[];
  /** About right: published sizes are rounded. */
  readonly aboutBytes: number;
}

export interface DatasetList {
  readonly dataset: string;
  readonly version: string;
  readonly released: string;
  readonly homepage: string;
  readonly citation: string;
  /** Every subset, and `all`. */
  readonly subsets: readonly SubsetRow[];
  /** The selected files; every file where nothing is selected. */
  readonly files: readonly ManifestFile[];
}

/**
 * What a manifest has, per subset and file. Nothing is read or asked.
 * @throws CcxriError `unknown-subset`, `unknown-file`
 */
export function listDataset(manifest: Manifest, selection: Selection = {}): DatasetList {
  const { dataset, version, released, homepage, citation } = manifest;
  return {
    dataset,
    version,
    released,
    homepage,
    citation,
    subsets: subsetNames(manifest).map((subset) => toSubsetRow(manifest, subset)),
    files: isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection),
  };
}

function toSubsetRow(manifest: Manifest, subset: string): SubsetRow {
  const files = selectFiles(manifest, { subsets: [subset] });
  return {
    subset,
    archives: files.filter(({ kind }) => kind === 'archive').length,
    labels: files.filter(({ kind }) => kind === 'labels').map(({ name }) => name),
    aboutBytes: files.reduce((bytes, file) => bytes + aboutBytesOf(file), 0),
  };
}
