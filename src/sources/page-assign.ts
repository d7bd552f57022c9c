import type { ManifestFile } from '../manifest/schema.ts';
import type { PageLink } from './page-address.ts';
import { isNamed, isNamedLike, weighRow } from './page-evidence.ts';
import type { PageMatter, PageRow } from './page-rows.ts';

export interface Assignment {
  /** By file name. */
  readonly links: ReadonlyMap<string, PageLink>;
  /** Names of files whose MD5 is there, but stands for several files, and nothing tells which. */
  readonly ambiguous: ReadonlySet<string>;
}

/**
 * Which link is which file's: by the MD5 of its row; where several files share an MD5, by what
 * else the row says; where no row has the file's MD5, by the file's very name in a link.
 */
export function assignLinks(
  files: readonly ManifestFile[],
  rows: readonly PageRow[],
  page: PageMatter,
): Assignment {
  const links = new Map<string, PageLink>();
  const ambiguous = new Set<string>();
  for (const file of files) {
    const group = files.filter(({ md5 }) => md5 === file.md5);
    const own = rows.filter(({ md5 }) => md5.md5 === file.md5);
    const owners = own.map((row) => ownerOf(row, group, page));
    const row = byWeight(
      own.filter((_, i) => owners[i] === file),
      (each) => weighRow(each, file, page),
    );
    const link =
      row === undefined ? page.links.find((each) => isNamed(each, file.name)) : bestLink(row, file);
    if (link !== undefined) links.set(file.name, link);
    else if (owners.includes(undefined)) ambiguous.add(file.name);
  }
  return { links, ambiguous };
}

/** undefined: the row says as much for one file as for another. */
function ownerOf(
  row: PageRow,
  group: readonly ManifestFile[],
  page: PageMatter,
): ManifestFile | undefined {
  if (group.length === 1) return group[0];
  const weights = group.map((file) => weighRow(row, file, page));
  const most = Math.max(...weights);
  const candidates = group.filter((_, i) => weights[i] === most);
  return most > 0 && candidates.length === 1 ? candidates[0] : undefined;
}

function bestLink(row: PageRow, file: ManifestFile): PageLink | undefined {
  return byWeight(row.links, (link) => weighLink(link, file) + nearness(link, row));
}

/** How much a link looks like one to the file itself, and not to a page about it. */
export function weighLink(link: PageLink, file: ManifestFile): number {
  const { pathname } = new URL(link.url);
  let weight = 0;
  if (isNamedLike(link, file)) weight += 8;
  if (/download|下载/i.test(link.text)) weight += 4;
  if (file.kind === 'archive' ? /\.zip$/i.test(pathname) : /\.csv$/i.test(pathname)) weight += 2;
  if (link.hasSaveAs) weight += 1;
  return weight;
}

/** Less than any weight: behind the MD5 rather than before it, and near rather than far. */
function nearness(link: PageLink, { md5, from, to }: PageRow): number {
  const distance = Math.abs(link.position - md5.position) / (to - from + 1);
  return link.position >= md5.position ? 0.9 - distance * 0.4 : 0.4 - distance * 0.4;
}

/** The item of the greatest weight; of equal ones the first. */
function byWeight<Item>(items: readonly Item[], weigh: (item: Item) => number): Item | undefined {
  let best: Item | undefined;
  let most = -Infinity;
  for (const item of items) {
    const weight = weigh(item);
    if (weight > most) [best, most] = [item, weight];
  }
  return best;
}
