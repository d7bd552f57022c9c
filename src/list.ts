import {
  type Manifest,
  type ManifestFile,
  type SubsetCounts,
  isEmptySelection,
  selectFiles,
  subsetNames,
  type Selection,
} from './manifest/manifest.ts';
import { sizeOf, sumSizes } from './manifest/size.ts';

/** One subset of a manifest. */
export interface SubsetRow {
  /** Its name. */
  readonly subset: string;
  /** Archives in it. */
  readonly archives: number;
  /** Names of the label files that come with it. */
  readonly labels: readonly string[];
  /** Size of its archives and label files. */
  readonly bytes: number;
  /** true: `bytes` is approximate, by published sizes, which are rounded. */
  readonly about: boolean;
  /**
   * What is known of its images: by the manifest, and, in `ccxri list`, labels that it does not count by the
   * index.csv of the dataset directory. Null where nothing is known.
   */
  readonly counts: SubsetCounts | null;
}

/** One file of a manifest. */
export interface ListedFile extends Pick<
  ManifestFile,
  'kind' | 'category' | 'subsets' | 'md5' | 'url' | 'md5Disputed'
> {
  /** Manifest name. */
  readonly file: string;
  /** Size of the file. */
  readonly bytes: number;
  /** true: `bytes` is approximate, by the published size, which is rounded. */
  readonly about: boolean;
  /** Size as published, as `573MB`. */
  readonly published: string;
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
  /** The same as a BibTeX entry; where the manifest has none, one of what it says of the release. */
  readonly bibtex: string;
  /** Every subset, and `all`. */
  readonly subsets: readonly SubsetRow[];
  /** The selected files; every file where nothing is selected. */
  readonly files: readonly ListedFile[];
}

/**
 * What a manifest has, per subset and file. No I/O.
 * @throws CcxriError `unknown-subset`, `unknown-file`
 */
export function listDataset(manifest: Manifest, selection: Selection = {}): DatasetList {
  const { dataset, version, released, homepage, citation } = manifest;
  const files = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  return {
    dataset,
    version,
    released,
    homepage,
    citation,
    bibtex: manifest.bibtex ?? toBibtex(manifest),
    subsets: subsetNames(manifest).map((subset) => toSubsetRow(manifest, subset)),
    files: files.map(toListed),
  };
}

function toListed(file: ManifestFile): ListedFile {
  const { name, size: published, ...more } = file;
  return { file: name, ...more, ...sizeOf(file), published };
}

function toSubsetRow(manifest: Manifest, subset: string): SubsetRow {
  const files = selectFiles(manifest, { subsets: [subset] });
  return {
    subset,
    archives: files.filter(({ kind }) => kind === 'archive').length,
    labels: files.filter(({ kind }) => kind === 'labels').map(({ name }) => name),
    ...sumSizes(files.map(sizeOf)),
    counts: manifest.counts?.find((each) => each.subset === subset) ?? null,
  };
}

/** A release without an entry of its own: what is said of it, as BibTeX takes it. */
function toBibtex({ dataset, version, released, homepage, citation }: Manifest): string {
  const key = `${dataset} ${version}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const toText = (text: string) => text.replace(/[\\{}]/g, '').replace(/([&%$#_~^])/g, '\\$1');
  const fields = [
    ['title', toText(`${dataset}, version ${version}`)],
    ['year', released.slice(0, 4)],
    ['url', homepage.replace(/[{}\\]/g, '')],
    ...(citation === '' ? [] : [['note', toText(citation)]]),
  ];
  const lines = fields.map(([name = '', value = '']) => `  ${name.padEnd(5)} = {${value}}`);
  return `@misc{${key},\n${lines.join(',\n')}\n}`;
}
