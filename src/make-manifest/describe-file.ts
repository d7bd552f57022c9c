import type { NamedFile } from '../dataset/layout.ts';
import { type Manifest, type ManifestFile, stemOf } from '../manifest/manifest.ts';

/** What a manifest says of a file beside its content. */
export type Description = Pick<ManifestFile, 'name' | 'kind' | 'category' | 'subsets'>;

/**
 * Category and subsets of files: of a name that `like` knows, as there; of one more of a series
 * that it knows (`Viral-3`), as of the series; of any other, by the name itself. In the order of
 * `like`, then archives and label files by name, numbers as numbers.
 */
export function describeFiles(files: readonly NamedFile[], like: Manifest): readonly Description[] {
  const known = like.files.flatMap((model) => {
    const { name, kind, category, subsets } = model;
    return files.some((file) => file.name === name) ? [{ name, kind, category, subsets }] : [];
  });
  const others = files
    .filter(({ name }) => known.every((each) => each.name !== name))
    .sort((a, b) => byNumber.compare(a.name, b.name));
  const archives = others
    .filter(({ kind }) => kind === 'archive')
    .map(({ name }) => describeArchive(name, like));
  const ofArchives = [...known, ...archives].filter(({ kind }) => kind === 'archive');
  const everySubset = [...new Set(ofArchives.flatMap(({ subsets }) => subsets))];
  const labels = others
    .filter(({ kind }) => kind === 'labels')
    .map(({ name, kind }) => ({
      name,
      kind,
      category: 'labels',
      // Nothing says whose labels these are: they come with everything.
      subsets: everySubset.length > 0 ? everySubset : ['labels'],
    }));
  return [...known, ...archives, ...labels];
}

const byNumber = new Intl.Collator('en', { numeric: true });

function describeArchive(name: string, like: Manifest): Description {
  const series = seriesOf(name);
  const sibling = like.files.find(
    (file) => file.kind === 'archive' && seriesOf(file.name) === series,
  );
  const { category, subsets } = sibling ?? {
    category: series.slice(0, 100),
    subsets: [toSlug(series)],
  };
  return { name, kind: 'archive', category, subsets };
}

/** `ChestDx` of `ChestDx-22.zip`. */
function seriesOf(name: string): string {
  const stem = stemOf(name);
  return /^(.*[^-_ .0-9])[-_ .]*[0-9]+$/.exec(stem)?.[1] ?? stem;
}

function toSlug(text: string): string {
  const words = text.toLowerCase().split(/[^a-z0-9]+/);
  const slug = words.filter((word) => word !== '').join('-');
  // `all` always means every file.
  return slug === '' || slug === 'all' ? 'archives' : slug;
}
