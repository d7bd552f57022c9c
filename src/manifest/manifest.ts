import { CcxriError } from '../errors.ts';
import { toPrintable } from '../text.ts';

/** A description of a release: what there is, and how to know it is right. */
export interface Manifest {
  /** Version of the manifest's form. */
  readonly manifestVersion: 1;
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
  /** The same as a BibTeX entry. Absent where the manifest has none. */
  readonly bibtex?: string | undefined;
  /** What is known of the images of its subsets. Absent where nothing is. */
  readonly counts?: readonly SubsetCounts[] | undefined;
  /** All its files. */
  readonly files: readonly ManifestFile[];
}

/** How many images a subset has, and how many of them have each label, as far as that is known. */
export interface SubsetCounts {
  /** The subset, or `all`. */
  readonly subset: string;
  /** Its images. */
  readonly images: number;
  /** true: the number of images is an estimate. Absent where it was counted. */
  readonly about?: boolean | undefined;
  /** Images with each label, or of each class. Absent where they are not known. */
  readonly labels?:
    | readonly {
        /** The label, or the class, as index.csv has it. */
        readonly label: string;
        /** Images that have it. */
        readonly images: number;
      }[]
    | undefined;
  /** In how many images the labels were counted. Absent where in all of them. */
  readonly countedIn?: number | undefined;
  /** Where the numbers are from. */
  readonly source: string;
}

/** One archive or label file of a release. */
export interface ManifestFile {
  /** File name, also the name under archives/ or labels/. */
  readonly name: string;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** The group of the dataset's page: distinguishes files that share an MD5. */
  readonly category: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** As published, rounded, as `573MB`: see `toSizeWindow`. */
  readonly size: string;
  /** As published, in lower-case hexadecimal. */
  readonly md5: string;
  /** Exact size. Absent where it is not known. */
  readonly bytes?: number | undefined;
  /** Where it is. Absent where the manifest does not say. */
  readonly url?: string | undefined;
  /** Why the published MD5 can't be trusted. Absent where it can. */
  readonly md5Disputed?: string | undefined;
}

/** What of a release is meant. Neither given: nothing (a command says what that means to it). */
export interface Selection {
  /** Subset names; `all` is every file. Case, `_` and `-` do not matter. Labels come with them. */
  readonly subsets?: readonly string[] | undefined;
  /** File names, with or without `.zip`: exactly these, no labels beside them. */
  readonly files?: readonly string[] | undefined;
}

/** `all` and every subset of a manifest, in the order of the manifest. */
export function subsetNames(manifest: Manifest): readonly string[] {
  return [...new Set(manifest.files.flatMap((file) => file.subsets)), 'all'];
}

export function isEmptySelection(selection: Selection): boolean {
  return (selection.subsets ?? []).length === 0 && (selection.files ?? []).length === 0;
}

/**
 * A selection with the label files that its archives need, or without any that is not named: what a
 * download of it is. An archive needs the label files that come with every subset that it is in.
 * @throws CcxriError `unknown-subset`, `unknown-file`
 */
export function withLabelFiles(
  manifest: Manifest,
  selection: Selection,
  choice: 'needed' | 'none',
): Selection {
  const files = selectFiles(manifest, selection);
  const named = selectFiles(manifest, { files: selection.files });
  const kept =
    choice === 'needed'
      ? files
      : files.filter((file) => file.kind === 'archive' || named.includes(file));
  const archives = kept.filter(({ kind }) => kind === 'archive');
  const isNeeded = ({ kind, subsets }: ManifestFile) =>
    kind === 'labels' &&
    archives.some((archive) => archive.subsets.every((subset) => subsets.includes(subset)));
  const needed = choice === 'needed' ? manifest.files.filter(isNeeded) : [];
  return { files: [...new Set([...kept, ...needed])].map(({ name }) => name) };
}

/**
 * The files that a selection means, each once, in the manifest's order. Both kinds of names given:
 * their union.
 * @throws CcxriError `unknown-subset` or `unknown-file`, with the nearest name
 */
export function selectFiles(manifest: Manifest, selection: Selection): readonly ManifestFile[] {
  const wanted = new Set<ManifestFile>();
  for (const typed of selection.subsets ?? []) {
    const subset = toSubset(manifest, typed);
    for (const file of manifest.files) {
      if (subset === 'all' || file.subsets.includes(subset)) wanted.add(file);
    }
  }
  for (const typed of selection.files ?? []) wanted.add(findFile(manifest, typed));
  return manifest.files.filter((file) => wanted.has(file));
}

function toSubset(manifest: Manifest, typed: string): string {
  const names = subsetNames(manifest);
  const found = names.find((name) => fold(name) === fold(typed));
  if (found !== undefined) return found;
  const nearest = nearestOf(fold(typed), names, fold);
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new CcxriError(
    'unknown-subset',
    `there is no subset "${toPrintable(typed)}" in ${manifest.dataset}.${guess}`,
    {
      found: toPrintable(typed),
      expected: names.join(', '),
      next: [{ kind: 'option', option: 'subset', purpose: `(one of ${names.join(', ')})` }],
    },
  );
}

/**
 * A file of the manifest by its name, with or without `.zip`; case does not matter, nor do `_`
 * and `-` where one file alone is meant.
 * @throws CcxriError `unknown-file`, with the nearest name
 */
export function findFile(manifest: Manifest, typed: string): ManifestFile {
  const key = foldName(typed);
  const found =
    manifest.files.find((file) => file.name === typed) ??
    manifest.files.find((file) => foldName(file.name) === key) ??
    findFolded(manifest, key);
  if (found !== undefined) return found;
  const subsets = subsetNames(manifest);
  // Not by `fold`: chest_dx is the label file, and chestdx the subset.
  const subset = subsets.find((name) => name === foldStem(typed).replaceAll('_', '-'));
  if (subset !== undefined) throw subsetForFile(subset, manifest);
  const nearest = nearestOf(
    foldStem(typed),
    manifest.files.map((file) => file.name),
    foldStem,
  );
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new CcxriError(
    'unknown-file',
    `there is no file "${toPrintable(typed)}" in ${manifest.dataset}.${guess}`,
    {
      expected: `a file of ${subsets.filter((name) => name !== 'all').join(', ')}`,
      found: toPrintable(typed),
      next: [
        {
          kind: 'run',
          command: 'list',
          subsets: ['all'],
          purpose: 'to see every file (.zip may be left out)',
        },
      ],
    },
  );
}

/** `--file viral`. */
function subsetForFile(subset: string, { dataset }: Manifest): CcxriError {
  return new CcxriError('unknown-file', `"${subset}" is a subset of ${dataset}, not a file`, {
    expected: 'a file',
    found: subset,
    next: [
      {
        kind: 'option',
        option: 'subset',
        value: subset,
        purpose: 'instead of --file',
        or: { kind: 'run', command: 'list', subsets: [subset], purpose: 'to see its files' },
      },
    ],
  });
}

/** As subsets are named; undefined where it could be several. */
function findFolded(manifest: Manifest, key: string): ManifestFile | undefined {
  const [found, ...others] = manifest.files.filter(
    (file) => fold(foldName(file.name)) === fold(key),
  );
  return others.length === 0 ? found : undefined;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

function foldName(name: string): string {
  return name.toLowerCase().replace(/\.zip$/, '');
}

/** For guesses: label files are named without .csv as well. */
function foldStem(name: string): string {
  return name.toLowerCase().replace(/\.(?:zip|csv)$/, '');
}

/** Longer than any name; the work grows with it. */
const MAX_TYPED = 200;

/** The name with the fewest edits, if that is few for its length. */
export function nearestOf(
  typed: string,
  names: readonly string[],
  key: (name: string) => string,
): string | undefined {
  if (typed.length > MAX_TYPED) return undefined;
  const most = Math.max(2, Math.floor(typed.length / 3));
  let best: string | undefined;
  let bestEdits = most + 1;
  for (const name of names) {
    const edits = editDistance(typed, key(name));
    if (edits < bestEdits) [best, bestEdits] = [name, edits];
  }
  return best;
}

/** Levenshtein's distance, row by row; two letters in each other's place are one edit. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isTurned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const turned = isTurned ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(same, turned, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}

/** `ChestDx-1` of `ChestDx-1.zip`. */
export function stemOf(archiveName: string): string {
  return archiveName.replace(/\.zip$/i, '');
}
