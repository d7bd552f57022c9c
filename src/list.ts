import {
  aboutBytesOf,
  type Manifest,
  type ManifestFile,
  isEmptySelection,
  selectFiles,
  subsetNames,
  type Selection,
} from './manifest/manifest.ts';

/** One subset of a manifest. */
export interface SubsetRow {
  /** Its name. */
  readonly subset: string;
  /** Archives in it. */
  readonly archives: number;
  /** Names of the label files that come with it. */
  readonly labels: readonly string[];
  /** Size of its archives and label files. Approximate: published sizes are rounded. */
  readonly aboutBytes: number;
}

/** What a manifest lists. */
export interface DatasetList {
  /** Name of the dataset. */
  readonly dataset: string;
  /** Version of the release. */
  readonly version: string;
  /** Date of the release, as 2021-03-21. */
  readonly released: string;
  /** URL of the dataset's page. */
  readonly homepage: string;
  /** How to cite it; may be empty. */
  readonly citation: string;
  /** Every subset, and `all`. */
  readonly subsets: readonly SubsetRow[];
  /** The selected files; every file where nothing is selected. */
  readonly files: readonly ManifestFile[];
}

/**
 * What a manifest has, per subset and file. No I/O.
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
