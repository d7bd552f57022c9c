import { type DatasetList, listDataset } from '../../list.ts';
import { isEmptySelection } from '../../manifest/manifest.ts';
import { formatCount, formatSize, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, runOptionsOf } from '../command.ts';
import type { View } from '../view.ts';

export async function runList(context: CommandContext): Promise<CommandOutcome> {
  const { manifest, selection } = await runOptionsOf(context);
  const list = listDataset(manifest, selection);
  const isOverview = isEmptySelection(selection);
  return {
    result: list,
    counts: { files: list.files.length },
    errors: [],
    render: (view) => {
      const body = isOverview ? renderSubsets(list, view) : renderFiles(list, view);
      return `${renderHead(list, view)}\n${body}`;
    },
    isStatusOnly: false,
  };
}

function renderHead({ dataset, version, released, homepage }: DatasetList, view: View): string {
  const name = view.style.bold(toPrintable(`${dataset} ${version}`));
  return `${name} (${released})\n${toPrintable(homepage)}\n`;
}

function renderSubsets({ subsets, citation }: DatasetList, view: View): string {
  const table = view.table(
    ['subset', { right: 'archives' }, { right: 'size' }, 'labels'],
    subsets.map(({ subset, archives, bytes, about, labels }) => [
      subset,
      formatCount(archives),
      formatSize({ bytes, about }),
      // Two names of label files are wider than a terminal.
      labels.length > 1 ? `${labels.length} files` : labels.join(),
    ]),
  );
  const [list, fetch] = (['list', 'fetch'] as const).map((name) =>
    view.suggest.command(name, { subsets: ['NAME'] }),
  );
  const notes = [
    ...(subsets.some(({ about }) => about) ? [ABOUT_SIZES] : []),
    `${list} shows the files, ${fetch} downloads them.`,
  ].join('\n');
  const cite = citation === '' ? '' : `\nTo cite: ${toPrintable(citation, 2000)}\n`;
  return `${table}\n${view.prose(`${notes}\n${cite}`)}`;
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
