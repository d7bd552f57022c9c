import { layoutOf } from '../../dataset/layout.ts';
import { type IndexCounts, countIndex } from '../../labels/count-index.ts';
import { type DatasetList, type SubsetRow, listDataset } from '../../list.ts';
import {
  type Manifest,
  type Selection,
  type SubsetCounts,
  isEmptySelection,
  stemOf,
  withLabelFiles,
} from '../../manifest/manifest.ts';
import { formatCount, formatSize, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runList(context: CommandContext): Promise<CommandOutcome> {
  const { settings } = context;
  const { manifest, selection } = await runOptionsOf(context);
  const isOverview = isEmptySelection(selection);
  const labels = settings.noLabels ? 'none' : 'needed';
  // The files that fetch would get.
  const shown = isOverview ? selection : withLabelFiles(manifest, selection, labels);
  const list = listDataset(manifest, shown);
  const here = await countHere(context, manifest, list.subsets);
  const subsets = list.subsets.map((row) => withCountsHere(row, here));
  return {
    result: { ...list, subsets },
    counts: { files: list.files.length },
    errors: [],
    render: (view) => {
      if (settings.bibtex) return `${toPrintableLines(list.bibtex)}\n`;
      const body = isOverview ? renderSubsets(list, view) : renderFiles(list, view);
      const chosen = subsets.filter(({ subset }) => isOverview || selects(selection, subset));
      const notes = isOverview ? renderNotes(list, view) : '';
      return joinParts([renderHead(list, view), body, renderCounts(chosen, here, view), notes]);
    },
    isStatusOnly: false,
  };
}

/** Of subsets whose labels no manifest counts: what the index of the dataset directory has. */
async function countHere(
  { dest, signal }: CommandContext,
  manifest: Manifest,
  rows: readonly SubsetRow[],
): Promise<ReadonlyMap<string, IndexCounts>> {
  const open = rows.filter(({ counts }) => counts?.labels === undefined).map((row) => row.subset);
  if (open.length === 0) return new Map();
  const subsetsOf = new Map(
    manifest.files.map(({ name, subsets }) => [
      stemOf(name),
      [...subsets, 'all'].filter((subset) => open.includes(subset)),
    ]),
  );
  return countIndex(layoutOf(dest).index, (stem) => subsetsOf.get(stem) ?? [], signal);
}

function withCountsHere(row: SubsetRow, here: ReadonlyMap<string, IndexCounts>): SubsetRow {
  const found = here.get(row.subset);
  if (found === undefined) return row;
  const { subset, counts } = row;
  const known = counts ?? { subset, images: found.images, source: 'index.csv' };
  const source = counts === null ? known.source : `${known.source}; labels: index.csv`;
  return {
    ...row,
    counts: { ...known, labels: found.labels, countedIn: found.images, source },
  };
}

function renderHead({ dataset, version, released, homepage }: DatasetList, view: View): string {
  const name = view.style.bold(toPrintable(`${dataset} ${version}`));
  return `${name} (${released})\n${toPrintable(homepage)}\n`;
}

function renderSubsets({ subsets }: DatasetList, view: View): string {
  return view.table(
    ['subset', { right: 'archives' }, { right: 'size' }, { right: 'images' }, 'labels'],
    subsets.map(({ subset, archives, bytes, about, labels, counts }) => [
      subset,
      formatCount(archives),
      formatSize({ bytes, about }),
      counts === null ? '' : imagesOf(counts),
      // Two names of label files are wider than a terminal.
      labels.length > 1 ? `${labels.length} files` : labels.join(),
    ]),
  );
}

function imagesOf({ images, about = false }: SubsetCounts): string {
  return `${about ? 'about ' : ''}${formatCount(images)}`;
}

function selects({ subsets = [] }: Selection, subset: string): boolean {
  const fold = (name: string) => name.toLowerCase().replace(/[-_]/g, '');
  return subsets.some((typed) => fold(typed) === fold(subset));
}

/** How many images have each label, where that is known; with -v also where it is known from. */
function renderCounts(
  subsets: readonly SubsetRow[],
  here: ReadonlyMap<string, IndexCounts>,
  view: View,
): string {
  const lines = subsets.flatMap(({ counts }) => {
    if (counts === null) return [];
    const { subset, labels = [], countedIn, source } = counts;
    if (labels.length === 0 && !view.verbose) return [];
    const each = labels.map(
      ({ label, images }) => `${toPrintable(label, 100)} ${formatCount(images)}`,
    );
    const of = countedIn === undefined ? imagesOf(counts) : formatCount(countedIn);
    const where = here.has(subset) ? ' with labels in index.csv' : ' counted';
    const last = `of ${of} images${countedIn === undefined ? '' : where}`;
    const known = view.verbose ? ` (from ${toPrintable(source, 500)})` : '';
    const said =
      each.length === 0
        ? `${imagesOf(counts)} images`
        : `${each.join(', ')}${each.length > 1 ? ',' : ''} ${last}`;
    return `${view.style.bold(subset)}: ${said}${known}\n`;
  });
  return view.prose(lines.join(''), '  ');
}

function renderNotes({ subsets, citation }: DatasetList, view: View): string {
  const [list, fetch] = (['list', 'fetch'] as const).map((name) =>
    view.suggest.command(name, { subsets: ['NAME'] }),
  );
  const notes = [
    ...(subsets.some(({ about }) => about) ? [ABOUT_SIZES] : []),
    `${list} shows the files, ${fetch} downloads them.`,
  ].join('\n');
  const bibtex = view.suggest.command('list', { options: { bibtex: true } });
  const cite = citation === '' ? '' : `\nTo cite (${bibtex}): ${toPrintable(citation, 2000)}\n`;
  return view.prose(`${notes}\n${cite}`);
}

/** Foreign text of several lines. */
function toPrintableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => toPrintable(line, 4000))
    .join('\n');
}

const ABOUT_SIZES =
  "A GB is 1000 MB. The dataset's page rounds its sizes, apparently in units of 1024: its 157MB is about 165 MB.";

function renderFiles({ files }: DatasetList, view: View): string {
  const disputed = files.flatMap(({ file, md5Disputed: why }) => {
    if (why === undefined) return [];
    return `* ${file}: the MD5 is disputed: ${toPrintable(why, 500)}\n`;
  });
  const table = view.table(
    ['file', { right: 'size' }, 'MD5'],
    files.map(({ file, bytes, about, md5, md5Disputed }) => [
      file,
      formatSize({ bytes, about }),
      md5Disputed === undefined ? md5 : `${md5} *`,
    ]),
  );
  return [table, disputed.length === 0 ? '' : '\n', view.prose(disputed.join(''), '  ')].join('');
}
